"""Our database: batches are copied in, each with the note how far the move is in the same transaction."""

from __future__ import annotations

import io
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg2
from psycopg2 import extensions

from mover import aside
from mover.batch import Batch
from mover.mapping import Table, Wrong, listed, quoted

AT_ONCE = 1 << 18  # bytes that libpq takes at a time
# The row that a migration writes: it gives way to theirs. A number that a simulator has sent does not.
AS_MIGRATED = "DELETE FROM latest WHERE value = -1"
PROGRESS = """CREATE TABLE IF NOT EXISTS mover_progress (source text NOT NULL, "table" text PRIMARY KEY,
    after jsonb, rows bigint NOT NULL DEFAULT 0, checksum numeric NOT NULL DEFAULT 0, done_at timestamptz)"""


@dataclass(frozen=True)
class Column:
    """One of our columns: its type as Postgres calls it, and whether it may stay unnamed or empty."""

    kind: str
    nullable: bool
    default: bool


@dataclass(frozen=True)
class Progress:
    """How far a table is: the last key, rows and checksum so far."""

    after: tuple[str, ...] | None
    rows: int
    checksum: int
    done: bool


class Target:
    """Our database. Nothing is written before `begin`."""

    def __init__(self, url: str) -> None:
        self._url = url
        try:
            self._link: extensions.connection = psycopg2.connect(
                url, application_name="minitwit mover", connect_timeout=5
            )
        except psycopg2.OperationalError as error:
            raise Wrong(f"Our database does not answer: {str(error).strip()}.") from error
        self._link.set_client_encoding("UTF8")
        # A batch and its note are lost together or not at all; `put_back` waits for the disk.
        self._set("synchronous_commit", "off")

    def columns(self, table: str) -> Mapping[str, Column]:
        """Our columns by name; Wrong if the table is not there."""
        with self._link, self._link.cursor() as cursor:
            cursor.execute(
                "SELECT column_name, data_type, is_nullable = 'YES', column_default IS NOT NULL OR is_identity = 'YES'"
                " FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s",
                (table,),
            )
            found = {name: Column(kind, nullable, default) for name, kind, nullable, default in cursor}
        if not found:
            raise Wrong(f"Our database has no table {table}. Run `python -m minitwit.migrate` first.")
        return found

    def untouched(self, source: str) -> None:
        """Wrong if the source was moved already, or if somebody else filled this database."""
        if self.ask("SELECT to_regclass('public.mover_progress') IS NOT NULL")[0]:
            with self._link, self._link.cursor() as cursor:
                _first_time(cursor, source)

    def begin(self, source: str, tables: Collection[Table]) -> None:
        """Note that the move begins, or find that it goes on. Wrong if it was done already, or if others wrote here."""
        with self._link, self._link.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(hashtext('minitwit mover'))")
            if not (cursor.fetchone() or (False,))[0]:
                raise Wrong("Another move into this database is under way.")
            cursor.execute(PROGRESS)
            if not _first_time(cursor, source):
                return
            for table in tables:
                if table.name == "latest":
                    cursor.execute(AS_MIGRATED)
                cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {quoted(table.name)})")  # noqa: S608  # quoted
                if (cursor.fetchone() or (True,))[0]:
                    raise Wrong(f"Our table {table.name} is not empty. Move into an empty database.")
                cursor.execute('INSERT INTO mover_progress (source, "table") VALUES (%s, %s)', (source, table.name))
            aside.put(cursor, tables)

    def progress(self, table: Table) -> Progress:
        """How far the table is."""
        with self._link, self._link.cursor() as cursor:
            cursor.execute(
                'SELECT after, rows, checksum, done_at IS NOT NULL FROM mover_progress WHERE "table" = %s',
                (table.name,),
            )
            after, rows, checksum, done = cursor.fetchone() or (None, 0, 0, False)
        return Progress(tuple(after) if after else None, int(rows), int(checksum), bool(done))

    def copy(self, table: Table, batch: Batch, so_far: Progress) -> Progress:
        """Copy a batch in and note it, both or neither."""
        found = Progress(batch.after, so_far.rows + batch.rows, so_far.checksum + batch.checksum, done=False)
        into = f"COPY {quoted(table.name)} ({listed(table.columns)}) FROM STDIN WITH (DELIMITER E'\\x1f')"
        with self._link, self._link.cursor() as cursor:
            cursor.copy_expert(into, io.BytesIO(batch.text), AT_ONCE)
            cursor.execute(
                'UPDATE mover_progress SET after = %s, rows = %s, checksum = %s WHERE "table" = %s',
                (json.dumps(batch.after), found.rows, found.checksum, table.name),
            )
        return found

    def here(self, table: Table) -> tuple[int, int]:
        """Rows and checksum of our table, computed by Postgres from what it stores."""
        values = ", ".join(f"coalesce({quoted(column)}::text, chr(1))" for column in table.columns)
        hashed = f"('x' || left(md5(concat_ws(chr(31), {values})), 16))::bit(64)::bigint"
        with self._link, self._link.cursor() as cursor:
            cursor.execute(f"SELECT count(*), coalesce(sum({hashed}::numeric), 0) FROM {quoted(table.name)}")  # noqa: S608  # quoted
            rows, checksum = cursor.fetchone() or (0, 0)
        return int(rows), int(checksum)

    def put_back(self) -> None:
        """Indexes and foreign keys are there again, and all of it is on the disk."""
        self._set("synchronous_commit", "on")
        with self._link, self._link.cursor() as cursor:
            aside.back(cursor)

    def finish(self, table: Table) -> None:
        """The table is whole: new rows get numbers behind the moved ones."""
        with self._link, self._link.cursor() as cursor:
            for column in table.columns:
                cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", (f"public.{quoted(table.name)}", column))
                sequence = (cursor.fetchone() or (None,))[0]
                if sequence:
                    cursor.execute(
                        f"SELECT setval(%s, (SELECT max({quoted(column)}) FROM {quoted(table.name)}))",  # noqa: S608  # quoted
                        (sequence,),
                    )
            cursor.execute('UPDATE mover_progress SET done_at = now() WHERE "table" = %s', (table.name,))
            cursor.execute(f"ANALYZE {quoted(table.name)}")

    def another(self) -> Target:
        """The same database through a connection of its own, for what is asked at the same time."""
        return Target(self._url)

    def close(self) -> None:
        """Let go; the lock goes with the connection."""
        self._link.close()

    def _set(self, name: str, value: str) -> None:
        """A setting of this connection."""
        with self._link, self._link.cursor() as cursor:
            cursor.execute("SELECT set_config(%s, %s, false)", (name, value))

    def ask(self, statement: str) -> tuple[Any, ...]:
        """The first row of an answer."""
        with self._link, self._link.cursor() as cursor:
            cursor.execute(statement)
            found: tuple[Any, ...] = cursor.fetchone() or ()
        return found


def _first_time(cursor: extensions.cursor, source: str) -> bool:
    """False if a move from this source was begun and goes on; Wrong if it is over, or was another one."""
    whole = f"bool_and(done_at IS NOT NULL) AND NOT {aside.IS_THERE}"
    cursor.execute(f"SELECT source, {whole} FROM mover_progress GROUP BY source")  # noqa: S608  # text of ours
    name, done = cursor.fetchone() or (source, False)
    if name != source:
        raise Wrong(f"This database was filled from {name} before. Move into an empty one.")
    if done:
        raise Wrong(f"{source} was moved already, and every table is whole. There is nothing to do.")
    return cursor.rowcount == 0
