"""The database connection: one pool per worker, one session per request."""

from __future__ import annotations

import select
import time

from flask import Flask, current_app, g
from psycopg2 import Error, extensions
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry

from minitwit.settings import Settings

# A request that the database holds longer than this is lost to its client anyway (simulators wait 0.3 s).
STATEMENT_TIMEOUT_MS = 5_000
CONNECT_TIMEOUT_SECONDS = 3
# A server that went away for good cannot say so: what rested this long is asked before it is used.
ASKED_AFTER_SECONDS = 1.0


def make_engine(settings: Settings) -> Engine:
    """An engine that notices a database that was restarted or swapped, and never waits without end.

    Each statement is a transaction of its own, as nearly every request needs no more: that saves the two questions
    to the database that begin and end one. What belongs together asks for it: `together`.
    """
    if settings.database_url.get_backend_name() != "postgresql":
        return create_engine(settings.database_url)
    made = create_engine(
        settings.database_url,
        isolation_level="AUTOCOMMIT",
        skip_autocommit_rollback=True,
        # As many as threads, and all are kept: to open one takes as long as to answer several requests.
        pool_size=settings.pool_size,
        max_overflow=0,
        pool_timeout=CONNECT_TIMEOUT_SECONDS,
        pool_recycle=300,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "application_name": f"minitwit {settings.release_tag}",
            # Compiling a plan, or starting processes for it, takes longer than any of our pages.
            "options": f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c jit=off -c max_parallel_workers_per_gather=0",
        },
    )
    event.listen(made, "checkin", _rest)
    event.listen(made, "checkout", _look)
    return made


def connect_to_database(app: Flask, settings: Settings) -> Engine:
    """Give the application its engine and sessions; nothing is opened before the first request needs it."""
    engine = make_engine(settings)
    app.extensions["database"] = engine
    app.extensions["sessions"] = sessionmaker(engine, expire_on_commit=False)
    app.teardown_appcontext(_close_session)
    return engine


def engine() -> Engine:
    """The running application's engine."""
    found: Engine = current_app.extensions["database"]
    return found


def session() -> Session:
    """This request's session, opened on first use and closed at its end; commit is the caller's."""
    if "session" not in g:
        g.session = current_app.extensions["sessions"]()
    opened: Session = g.session
    return opened


def together(opened: Session) -> None:
    """What the session does from here to its commit happens as a whole or not at all. What it did before is kept."""
    opened.commit()
    if opened.get_bind().dialect.name == "postgresql":
        opened.connection(execution_options={"isolation_level": "READ COMMITTED"})


def _close_session(_error: BaseException | None) -> None:
    opened: Session | None = g.pop("session", None)
    if opened is not None:
        opened.close()


def _rest(_connection: extensions.connection | None, entry: ConnectionPoolEntry) -> None:
    entry.info["rests_since"] = time.monotonic()


def _look(connection: extensions.connection, entry: ConnectionPoolEntry, _given: object) -> None:
    """Have a connection that has ended replaced: a server that closes one says so, unasked."""
    if "rests_since" not in entry.info:
        return
    if connection.closed or _has_news(connection):
        raise DisconnectionError("the server closed it")
    if time.monotonic() - entry.info["rests_since"] > ASKED_AFTER_SECONDS:
        _ask(connection)


def _has_news(connection: extensions.connection) -> bool:
    """Whether something waits to be read; of a connection that rests this is its end, or as good as that."""
    line = select.poll()
    line.register(connection, select.POLLIN)
    return bool(line.poll(0))


def _ask(connection: extensions.connection) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error as error:
        raise DisconnectionError("the server does not answer") from error
