"""Where the rows come from: a SQLite file or a Postgres database, read only, streamed in the order of a key."""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import psycopg2
from psycopg2 import extensions

from mover.batch import Row
from mover.mapping import Table, Wrong, listed, quoted

FETCH = 5_000


class Source(Protocol):
    """Their database. Values are text as Postgres would print them, or None."""

    name: str

    def tables(self) -> Mapping[str, Sequence[str]]:
        """Their columns by table."""

    def ask(self, statement: str) -> tuple[Any, ...]:
        """The first row of an answer."""

    def rows(self, table: Table, tables: Mapping[str, Table], after: Sequence[str] | None) -> Iterator[Row]:
        """The rows behind a key, in its order, as our columns with their defaults."""

    def wrong_values(self, table: Table, column: str, kind: str) -> int:
        """How many values of a column cannot stand in our type `integer`, `bigint` or `text` as they are."""

    def close(self) -> None:
        """Let go."""


def counted(source: Source, table: Table, tables: Mapping[str, Table]) -> int:
    """How many rows of theirs are to become ours."""
    return int(source.ask(f"SELECT count(*) FROM (SELECT 1 {_wanted(table, tables, '')}) AS wanted")[0])  # noqa: S608  # identifiers are quoted


def statement(table: Table, tables: Mapping[str, Table], after: bool, mark: str, cast: str) -> str:
    """The query for a table's rows; `mark` is a placeholder, `cast` what makes text of a column.

    Its parameters: the defaults in the order of the columns, then the key.
    """
    texts = {column: cast.format(quoted(theirs)) for column, theirs in table.columns.items()}
    columns = ", ".join(
        f"coalesce({text}, {mark})" if column in table.defaults else text for column, text in texts.items()
    )
    # By the table's column: a bare name would be the text that is selected, and "10" comes before "9".
    order = ", ".join(f"{quoted(table.source)}.{quoted(table.theirs(column))}" for column in table.key)
    return (
        f"SELECT {columns} {_wanted(table, tables, mark if after else '')} ORDER BY {order}"  # identifiers are quoted
    )


def defaults(table: Table) -> list[str]:
    """What stands in for empty values, in the order of the columns."""
    return [str(table.defaults[column]) for column in table.columns if column in table.defaults]


def _wanted(table: Table, tables: Mapping[str, Table], mark: str) -> str:
    """FROM to GROUP BY: rows that refer to somebody, each once; with a `mark`, behind a key.

    Where all rows do, none is looked at: that took most of the time.
    """
    key = listed(table.theirs(column) for column in table.key)
    conditions = [
        f"{quoted(table.theirs(column))} IN (SELECT {quoted(tables[other].theirs(tables[other].key[0]))}"  # noqa: S608  # identifiers are quoted
        f" FROM {quoted(tables[other].source)})"
        for column, other in ({} if table.whole else table.refers).items()
    ]
    if mark:
        conditions.append(f"({key}) > ({', '.join([mark] * len(table.key))})")
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    group = (
        f" GROUP BY {listed(table.columns.values())}"
        if set(table.key) == set(table.columns) and not table.whole
        else ""
    )
    return f"FROM {quoted(table.source)}{where}{group}"


class SqliteSource:
    """A SQLite file. Whatever is no UTF-8 in it is read with replacement characters. Each thread has a connection of its own."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise Wrong(f"{path} is not there.")
        self.name = f"sqlite:{path.name}"
        self._path, self._links = path, threading.local()
        try:
            self._link.execute("SELECT count(*) FROM sqlite_master")
        except sqlite3.DatabaseError as error:
            raise Wrong(f"{path} is no SQLite database: {error}.") from error

    @property
    def _link(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._links, "link", None)
        if found is None:
            found = sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True)
            found.text_factory = _lenient
            self._links.link = found
        return found

    def tables(self) -> Mapping[str, Sequence[str]]:
        names = [name for (name,) in self._link.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: [row[1] for row in self._link.execute(f"PRAGMA table_info({quoted(name)})")]
            for name in names
            if not name.startswith("sqlite_")
        }

    def ask(self, statement: str) -> tuple[Any, ...]:
        found: tuple[Any, ...] = self._link.execute(statement).fetchone()
        return found

    def rows(self, table: Table, tables: Mapping[str, Table], after: Sequence[str] | None) -> Iterator[Row]:
        place = [list(table.columns).index(column) for column in table.key]
        for factory in (str, _lenient):  # the second is slower by half
            self._link.text_factory = factory
            query = statement(table, tables, after is not None, "?", "CAST({} AS TEXT)")
            cursor = self._link.execute(query, [*defaults(table), *(int(part) for part in after or ())])
            try:
                while found := cursor.fetchmany(FETCH):
                    yield from found
                    after = [str(found[-1][index]) for index in place]
                return
            except sqlite3.OperationalError as error:
                if factory is _lenient:
                    raise Wrong(f"{table.source} cannot be read to its end: {error}.") from error

    def wrong_values(self, table: Table, column: str, kind: str) -> int:
        name, source = quoted(table.theirs(column)), quoted(table.source)
        if kind == "text":
            broken = f"SELECT count(*) FROM {source} WHERE typeof({name}) = 'blob' OR instr({name}, char(0)) > 0"  # noqa: S608  # identifiers are quoted
            return int(self.ask(broken)[0]) + self._undecodable(name, source)
        most = 2**31 - 1 if kind == "integer" else 2**63 - 1
        wrong = f"typeof({name}) NOT IN ('integer', 'null') OR abs({name}) > {most}"
        return int(self.ask(f"SELECT count(*) FROM {source} WHERE {wrong}")[0])  # noqa: S608  # identifiers are quoted

    def _undecodable(self, name: str, source: str) -> int:
        texts = f"FROM {source} WHERE typeof({name}) = 'text'"
        self._link.text_factory = str
        try:
            deque(self._link.execute(f"SELECT {name} {texts}"), maxlen=0)
        except sqlite3.OperationalError:  # there is one
            return sum(not _decodes(raw) for (raw,) in self._link.execute(f"SELECT CAST({name} AS BLOB) {texts}"))
        finally:
            self._link.text_factory = _lenient
        return 0

    def close(self) -> None:
        self._link.close()


def _lenient(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _decodes(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


class PostgresSource:
    """A Postgres database, seen as it was when the move began to read it."""

    def __init__(self, url: str) -> None:
        try:
            self._link: extensions.connection = psycopg2.connect(
                url, application_name="minitwit mover", connect_timeout=5
            )
        except psycopg2.OperationalError as error:
            raise Wrong(f"The source does not answer: {str(error).strip()}.") from error
        self._link.set_session(isolation_level="REPEATABLE READ", readonly=True)
        where = self._link.get_dsn_parameters()
        self.name = f"postgres:{where.get('host', '')}/{where.get('dbname', '')}"

    def tables(self) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = {}
        with self._link.cursor() as cursor:
            cursor.execute(
                "SELECT table_name, column_name FROM information_schema.columns"
                " WHERE table_schema = 'public' ORDER BY table_name, ordinal_position"
            )
            for table, column in cursor:
                found.setdefault(table, []).append(column)
        return found

    def ask(self, statement: str) -> tuple[Any, ...]:
        with self._link.cursor() as cursor:
            cursor.execute(statement)
            found: tuple[Any, ...] = cursor.fetchone() or ()
        return found

    def rows(self, table: Table, tables: Mapping[str, Table], after: Sequence[str] | None) -> Iterator[Row]:
        with self._link.cursor(f"mover_{table.name}") as cursor:
            cursor.itersize = FETCH
            query = statement(table, tables, after is not None, "%s", "{}::text")
            cursor.execute(query, (*defaults(table), *(after or ())))
            yield from cursor

    def wrong_values(self, table: Table, column: str, kind: str) -> int:
        if kind == "text":
            return 0
        name, pattern = f"{quoted(table.theirs(column))}::text", "^-?[0-9]{1,18}$"
        least = f" OR (CASE WHEN {name} ~ '{pattern}' THEN abs({name}::bigint) > 2147483647 END)" * (kind == "integer")
        return int(self.ask(f"SELECT count(*) FROM {quoted(table.source)} WHERE {name} !~ '{pattern}'{least}")[0])  # noqa: S608  # identifiers are quoted

    def close(self) -> None:
        self._link.close()


def open_source(text: str) -> Source:
    """A path is SQLite, an address Postgres. Raises Wrong."""
    return PostgresSource(text) if text.startswith(("postgres://", "postgresql://")) else SqliteSource(Path(text))
