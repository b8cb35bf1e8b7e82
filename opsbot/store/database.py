"""Connections and short transactions on our own database; SQLAlchemy's errors become Unavailable here."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, case, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from opsbot.errors import ConfigError, Unavailable
from opsbot.store.tables import counters

FULL = "disk_full"
BUSY_SECONDS = 10  # a write here takes milliseconds; ten seconds without a turn means a stuck process
_GATE = 7031995  # any constant: the advisory lock of what takes locks
# SHMSIZE: the file beside the database, which readers and writers share, could not be made.
_DISK_FULL, _READ_ONLY, _NO_SPACE_POSTGRES = ("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE"), "SQLITE_READONLY", "53100"


class Database:
    """One SQLAlchemy engine. `write()` and `read()` are transactions that commit at the end of the block."""

    def __init__(self, url: str) -> None:
        self._engine = _engine(url)
        self.is_sqlite = self._engine.dialect.name == "sqlite"
        name = self._engine.url.database if self.is_sqlite else None
        self.path = Path(name) if name and name != ":memory:" else None
        self.on_full: Callable[[], object] = lambda: None

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that may write; on SQLite it waits for its turn at BEGIN IMMEDIATE, so it never fails half-way."""
        with _translated("written", self._full), self._engine.connect() as connection:
            connection.execution_options(opsbot_write=True)
            with connection.begin():
                yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        with _translated("read", self._full), self._engine.connect() as connection, connection.begin():
            yield connection

    def insert(self, table: Table) -> Any:
        """INSERT that offers `on_conflict_do_*`, which both databases have and SQLAlchemy spells per dialect."""
        return sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)

    def next(self, connection: Connection, counter: str, above: int = 0) -> int:
        """The next number of a counter, from 1 and over `above`; concurrent callers wait for one another."""
        first = self.insert(counters).values(name=counter, value=above + 1)
        last = case((counters.c.value > above, counters.c.value), else_=above)
        grown = first.on_conflict_do_update(index_elements=["name"], set_={"value": last + 1})
        return int(connection.execute(grown.returning(counters.c.value)).scalar_one())

    def one_at_a_time(self, connection: Connection) -> None:
        """Until this transaction ends nobody else passes here: what was read of locks and holds stays true."""
        if not self.is_sqlite:  # there, every writer is alone anyway
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_GATE})")

    def _full(self) -> None:
        self.on_full()

    def close(self) -> None:
        """Close every pooled connection."""
        self._engine.dispose()


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except ArgumentError as error:
        raise ConfigError(
            "The store's URL cannot be read.", "Use sqlite:///opsbot.db or postgresql+psycopg2://…."
        ) from error
    if backend == "sqlite":
        engine = create_engine(parsed, connect_args={"timeout": BUSY_SECONDS}, pool_size=8, max_overflow=32)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    if backend == "postgresql":
        return create_engine(
            parsed, pool_size=8, max_overflow=8, pool_pre_ping=True, connect_args={"connect_timeout": 5}
        )
    raise ConfigError(f"The store cannot be kept in {backend}.", "Use sqlite:///opsbot.db or postgresql+psycopg2://….")


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # sqlite3 would otherwise begin transactions by itself, and deferred ones
    for attempt in range(50):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            break
        except sqlite3.OperationalError:
            # Two processes that open a new file together: SQLite does not wait here, whatever the timeout.
            if attempt == 49:
                raise
            time.sleep(0.05)
    connection.execute("PRAGMA synchronous=FULL")


def _begin_sqlite(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("opsbot_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


@contextmanager
def _translated(verb: str, full: Callable[[], None]) -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        raise  # a broken invariant of ours, never an outage
    except (DBAPIError, PoolTimeout) as error:
        unavailable = _unavailable(verb, error)
        if unavailable.code == FULL:
            full()
        raise unavailable from error
    except StatementError:
        raise  # a value of ours that cannot be stored
    except SQLAlchemyError as error:
        raise _unavailable(verb, error) from error


def _unavailable(verb: str, error: SQLAlchemyError) -> Unavailable:
    cause: BaseException | None = error.orig if isinstance(error, DBAPIError) else None
    name = str(getattr(cause, "sqlite_errorname", "") or getattr(cause, "pgcode", "") or "")
    code = None
    if name.startswith(_DISK_FULL) or name == _NO_SPACE_POSTGRES:
        reason, fix, code = "disk full", "Free some space; runs go on by themselves after that.", FULL
    elif name.startswith(_READ_ONLY):
        reason, fix = "the file is read-only", "Give the bot's user the right to write it and its folder."
    elif name.startswith("SQLITE_CANTOPEN"):
        reason, fix = "the file cannot be opened", "Check that its folder exists and belongs to the bot's user."
    elif name.startswith("SQLITE_BUSY"):
        reason, fix = "another process holds it", f"It did not let go in {BUSY_SECONDS} s: look for a stuck opsbot."
    else:
        reason = (str(cause or error).strip().splitlines() or ["no answer"])[0].rstrip(".")
        fix = "Check that the database of `store:` in opsbot.yml runs and can be reached."
    return Unavailable(f"The bot's own state cannot be {verb}: {reason}.", fix, code=code)
