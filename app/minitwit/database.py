"""The database connection: one pool per worker, one session per request."""

from __future__ import annotations

from flask import Flask, current_app, g
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session, sessionmaker

from minitwit.settings import Settings

# A request that the database holds longer than this is lost to its client anyway (simulators wait 0.3 s).
STATEMENT_TIMEOUT_MS = 5_000
CONNECT_TIMEOUT_SECONDS = 3


def make_engine(settings: Settings) -> Engine:
    """An engine that notices a database that was restarted or swapped, and never waits without end."""
    if settings.database_url.get_backend_name() != "postgresql":
        return create_engine(settings.database_url)
    return create_engine(
        settings.database_url,
        pool_pre_ping=True,
        pool_size=max(1, settings.pool_size // 2),
        max_overflow=settings.pool_size - settings.pool_size // 2,
        pool_timeout=CONNECT_TIMEOUT_SECONDS,
        pool_recycle=300,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "application_name": f"minitwit {settings.release_tag}",
            "options": f"-c statement_timeout={STATEMENT_TIMEOUT_MS}",
        },
    )


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


def _close_session(_error: BaseException | None) -> None:
    opened: Session | None = g.pop("session", None)
    if opened is not None:
        opened.close()
