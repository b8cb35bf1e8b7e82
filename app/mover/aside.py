"""Indexes and foreign keys of the tables that are filled: put aside at the beginning, put back at the end.

A table is filled in half the time without them. What is put aside is written down in the database itself, in the transaction
that drops it: whoever goes on with a move that was broken off puts it back. Keys and unique constraints stay.
"""

from __future__ import annotations

from collections.abc import Iterable

from psycopg2 import extensions

from mover.mapping import Table, quoted

KEPT = "CREATE TABLE mover_aside (n serial PRIMARY KEY, again text NOT NULL)"
IS_THERE = "to_regclass('public.mover_aside') IS NOT NULL"
# Each row: the statement that drops, and the one that makes it again. Indexes first: a foreign key is checked faster with them.
INDEXES = """SELECT format('DROP INDEX %%s', indexrelid::regclass), pg_get_indexdef(indexrelid)
    FROM pg_index WHERE indrelid = ANY(%s::regclass[]) AND NOT indisunique ORDER BY 2"""
FOREIGN_KEYS = """SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname),
           format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', conrelid::regclass, conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE contype = 'f' AND conrelid = ANY(%s::regclass[]) ORDER BY 2"""


def put(cursor: extensions.cursor, tables: Iterable[Table]) -> None:
    """Drop them and write down how they are made again, in the transaction of the cursor."""
    names = [quoted(table.name) for table in tables]
    cursor.execute(KEPT)
    for query in (INDEXES, FOREIGN_KEYS):
        cursor.execute(query, (names,))
        for drop, again in cursor.fetchall():
            cursor.execute(drop)
            cursor.execute("INSERT INTO mover_aside (again) VALUES (%s)", (again,))


def back(cursor: extensions.cursor) -> None:
    """Make them again, all or none. Nothing where nothing is put aside."""
    cursor.execute(f"SELECT {IS_THERE}")
    if not (cursor.fetchone() or (False,))[0]:
        return
    cursor.execute("SELECT again FROM mover_aside ORDER BY n")
    for (again,) in cursor.fetchall():
        cursor.execute(again)
    cursor.execute("DROP TABLE mover_aside")
