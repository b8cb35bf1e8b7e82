"""What a move would lose, change or cannot do, said before anything is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Literal

from minitwit.passwords import OLD_METHODS

from mover.mapping import Table, Wrong, listed, quoted
from mover.source import Source
from mover.target import Column, Target

KINDS = {"integer": "integer", "bigint": "bigint", "smallint": "integer", "text": "text", "character varying": "text"}
# How a stored password begins that the application can check: what its library makes, and what that made in 2010.
CHECKED = ("scrypt:", "pbkdf2:", *(f"{method}$" for method in sorted(OLD_METHODS)))


@dataclass(frozen=True)
class Finding:
    """One sentence. `lost` and `changed` need a yes; `refused` must be mended at the source."""

    kind: Literal["lost", "changed", "refused", "note"]
    table: str
    rows: int
    text: str


def find(source: Source, target: Target, tables: Mapping[str, Table]) -> list[Finding]:
    """Everything that does not go over as it is. Raises Wrong where the mapping names what is not there."""
    theirs = source.tables()
    for table in tables.values():
        if table.source not in theirs:
            raise Wrong(f"The source has no table {table.source}. It has {', '.join(sorted(theirs)) or 'none'}.")
        absent = [column for column in table.columns.values() if column not in theirs[table.source]]
        if absent:
            raise Wrong(f"The source's table {table.source} has no column {', '.join(absent)}.")
    with ThreadPoolExecutor(1) as pool:
        rows = pool.submit(lambda: [one for table in tables.values() for one in _of_rows(source, table, tables)])
        values = [one for table in tables.values() for one in _of_values(source, table, target.columns(table.name))]
        return [*_unnamed(source, theirs, tables), *rows.result(), *values]


def looked_through(tables: Mapping[str, Table], found: Sequence[Finding]) -> dict[str, Table]:
    """The tables, with what was found: those that lose nothing are whole."""
    lossy = {one.table for one in found if one.kind == "lost"}
    return {name: replace(table, whole=name not in lossy) for name, table in tables.items()}


def _unnamed(source: Source, theirs: Mapping[str, Sequence[str]], tables: Mapping[str, Table]) -> Iterator[Finding]:
    named = {table.source: table for table in tables.values()}
    for name in theirs:
        rows = int(source.ask(f"SELECT count(*) FROM {quoted(name)}")[0])  # noqa: S608  # identifiers are quoted
        if name not in named and rows:
            yield Finding("lost", name, rows, f"Their table {name} is not in the mapping: {rows:,} rows stay behind.")
    for name, table in named.items():
        columns = theirs.get(name, ())
        for column in columns:
            if column not in table.columns.values():
                used = f"SELECT count(*) FROM {quoted(name)} WHERE {quoted(column)} IS NOT NULL"  # noqa: S608  # identifiers are quoted
                rows = int(source.ask(used)[0])
                if rows:
                    yield Finding("lost", table.name, rows, f"Their column {name}.{column} is not in the mapping: {rows:,} values stay behind.")  # fmt: skip


def _of_rows(source: Source, table: Table, tables: Mapping[str, Table]) -> Iterator[Finding]:
    for column, other in table.refers.items():
        parent = tables[other]
        # coalesce: SQLite would look each of them up in the table, and not in a list of the keys made once.
        keys = f"SELECT coalesce({quoted(parent.theirs(parent.key[0]))}, NULL) FROM {quoted(parent.source)}"  # noqa: S608  # identifiers are quoted
        orphans = f"SELECT count(*) FROM {quoted(table.source)} WHERE {quoted(table.theirs(column))} NOT IN ({keys})"  # noqa: S608  # identifiers are quoted
        rows = int(source.ask(orphans)[0])
        if rows:
            yield Finding("lost", table.name, rows, f"{rows:,} rows of {table.source} refer by {column} to nobody in {parent.source} and stay behind.")  # fmt: skip
    doubled = _doubled(source, table, table.key)
    if doubled and set(table.key) == set(table.columns):
        yield Finding("lost", table.name, doubled, f"{doubled:,} rows of {table.source} say the same twice; one of each is kept.")  # fmt: skip
    elif doubled:
        yield Finding("refused", table.name, doubled, f"{doubled:,} rows of {table.source} have a key that another row has too.")  # fmt: skip
    for column in table.unique:
        rows = _doubled(source, table, (column,))
        if rows:
            yield Finding("refused", table.name, rows, f"{rows:,} rows of {table.source} have a {column} that another row has too. Rename them first.")  # fmt: skip


def _doubled(source: Source, table: Table, columns: tuple[str, ...]) -> int:
    names = listed(table.theirs(column) for column in columns)
    counted = f"SELECT count(*) AS n FROM {quoted(table.source)} GROUP BY {names} HAVING count(*) > 1"  # noqa: S608  # identifiers are quoted
    return int(source.ask(f"SELECT coalesce(sum(n - 1), 0) FROM ({counted}) AS doubled")[0])  # noqa: S608  # identifiers are quoted


def _of_values(source: Source, table: Table, ours: Mapping[str, Column]) -> Iterator[Finding]:
    for column, theirs in table.columns.items():
        if column not in ours:
            raise Wrong(f"Our table {table.name} has no column {column}. Is the schema at this release's head?")
        kind = KINDS.get(ours[column].kind)
        rows = source.wrong_values(table, column, kind) if kind else 0
        if rows and kind == "text":
            yield Finding("changed", table.name, rows, f"{rows:,} values of {table.source}.{theirs} hold what Postgres cannot: NULs go, bytes that are no UTF-8 become �.")  # fmt: skip
        elif rows:
            yield Finding("refused", table.name, rows, f"{rows:,} values of {table.source}.{theirs} are no {kind}. Mend them first.")  # fmt: skip
        empty = int(source.ask(f"SELECT count(*) FROM {quoted(table.source)} WHERE {quoted(theirs)} IS NULL")[0])  # noqa: S608  # identifiers are quoted
        if empty and column in table.defaults:
            yield Finding("changed", table.name, empty, f"{empty:,} empty values of {table.source}.{theirs} become “{table.defaults[column]}”.")  # fmt: skip
        elif empty and not ours[column].nullable:
            yield Finding("refused", table.name, empty, f"{empty:,} values of {table.source}.{theirs} are empty, and ours may not be. Give a default in the mapping.")  # fmt: skip
    if table.name == "users" and "pw_hash" in table.columns:
        strange = f"SELECT count(*) FROM {quoted(table.source)} WHERE {unchecked(table.theirs('pw_hash'))}"  # noqa: S608  # identifiers are quoted
        rows = int(source.ask(strange)[0])
        if rows:
            yield Finding("note", table.name, rows, f"{rows:,} passwords are hashed in a way that the application cannot check: these people need a new password.")  # fmt: skip
    missing = [name for name, column in ours.items() if name not in table.columns and not column.nullable and not column.default]  # fmt: skip
    if missing:
        raise Wrong(f"Our table {table.name} needs {', '.join(missing)}, and the mapping gives nothing for it.")


def unchecked(column: str) -> str:
    """The condition, for either database, that a column holds what the application can compare no password with."""
    text = f"CAST({quoted(column)} AS text)"
    return " AND ".join(f"substr({text}, 1, {len(begin)}) <> '{begin}'" for begin in CHECKED)
