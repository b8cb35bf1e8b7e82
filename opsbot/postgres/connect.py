"""A connection to an operated Postgres: bounded waits, and every psycopg2 error as an OpsError."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg2
import psycopg2.extensions
from psycopg2.sql import Composable

from opsbot.errors import OpsError, Refused, StepFailed, Unavailable
from opsbot.log import Secret

MAINTENANCE = "postgres"  # exists in every cluster and is never swapped or restored
Query = str | Composable


@dataclass(frozen=True)
class Server:
    """Where a Postgres answers, and as whom we speak to it (a superuser)."""

    host: str
    port: int
    user: str
    password: Secret | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Session:
    """One connection in autocommit. Statements are text or psycopg2.sql; parameters are always passed apart."""

    def __init__(self, connection: psycopg2.extensions.connection, place: str) -> None:
        self._connection, self._place = connection, place

    def rows(self, query: Query, params: Sequence[object] | None = None) -> list[tuple[Any, ...]]:
        """All rows of the answer; [] for a statement that answers none."""
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(query, params)
                return cursor.fetchall() if cursor.description else []
        except psycopg2.Error as error:
            raise translate(error, self._place) from error

    def records(self, query: Query, params: Mapping[str, object] | None = None) -> list[dict[str, Any]]:
        """All rows with their column names; `params` are named (`%(name)s`)."""
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(query, params or None)
                names = [column.name for column in cursor.description or ()]
                return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()] if names else []
        except psycopg2.Error as error:
            raise translate(error, self._place) from error

    def value(self, query: Query, params: Sequence[object] | None = None) -> Any:
        """The first column of the first row, or None."""
        rows = self.rows(query, params)
        return rows[0][0] if rows else None

    @contextmanager
    def transaction(self, begin: str = "BEGIN") -> Iterator[None]:
        """COMMIT at the end, ROLLBACK when the body raises."""
        self.rows(begin)
        try:
            yield
        except BaseException:
            if not self._connection.closed:
                self.rows("ROLLBACK")
            raise
        self.rows("COMMIT")

    def cancel(self) -> None:
        """Stop the statement that another thread is waiting for."""
        try:
            self._connection.cancel()
        except psycopg2.Error as error:
            raise translate(error, self._place) from error


@contextmanager
def session(
    server: Server, database: str, *, statement_timeout: float = 60, lock_timeout: float = 10, connect_timeout: int = 5
) -> Iterator[Session]:
    """A Session, closed at the end. Timeouts in seconds, 0 = none. Unavailable if the database does not answer."""
    place = f"{database} at {server}"
    try:
        connection = psycopg2.connect(
            dsn="",
            host=server.host,
            port=server.port,
            user=server.user,
            password=server.password.reveal() if server.password else None,
            dbname=database,
            application_name="opsbot",
            connect_timeout=connect_timeout,
            keepalives_idle=30,
            options=_options(statement_timeout, lock_timeout),
        )
    except psycopg2.Error as error:
        raise Unavailable(
            f"The database {place} does not answer: {_first_line(error)}.",
            "Check that it runs and that its user and password are right, then try again.",
            code="no_database",
        ) from error
    try:
        connection.autocommit = True
        yield Session(connection, place)
    finally:
        connection.close()


def conninfo(database: str) -> str:
    """A libpq connection string that names this database literally, whatever characters it has."""
    return psycopg2.extensions.make_dsn("", dbname=database)


def translate(error: psycopg2.Error, place: str) -> OpsError:
    """The OpsError for what Postgres said, judged by SQLSTATE."""
    state, words = error.pgcode or "", _first_line(error)
    if state == "57014":
        return StepFailed(f"A statement on {place} was stopped: {words}.", "Try again.", code="sql_stopped", again=True)
    if state == "55P03":
        return StepFailed(f"A lock on {place} was not free in time.", "Try again.", code="db_locked", again=True)
    if state in ("53100", "58030"):
        return StepFailed(f"The disk of {place} is full: {words}.", "Make room, then try again.", code="disk_full")
    if state == "42501":
        return Refused(f"Postgres refuses the bot on {place}: {words}.", "Give its user superuser rights.")
    if state.startswith(("08", "57P", "53")) or not state:
        return Unavailable(f"The connection to {place} is gone: {words}.", "Try again.", code="no_database")
    return StepFailed(f"Postgres refused a statement on {place}: {words} ({state}).", code=f"sql_{state}")


def _options(statement_timeout: float, lock_timeout: float) -> str:
    # An empty search_path makes every name that Postgres prints complete, and ours safe from shadowing.
    settings = {
        "statement_timeout": f"{int(statement_timeout * 1000)}",
        "lock_timeout": f"{int(lock_timeout * 1000)}",
        "idle_in_transaction_session_timeout": "0",
        "default_transaction_read_only": "off",
        "search_path": "",
        "timezone": "UTC",
    }
    return " ".join(f"-c {name}={value}" for name, value in settings.items())


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
