"""The move itself: every table is filled, both sides are compared while indexes are put back, and what is whole is noted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

from mover.batch import Batch, Row, batch
from mover.mapping import Table
from mover.source import Source, counted
from mover.target import Progress, Target

BATCH = 20_000  # rows: about 10 MB on the way
SAY_EVERY = 2.0  # seconds

Say = Callable[[str], None]


def move(source: Source, target: Target, tables: Mapping[str, Table], say: Say) -> dict[str, dict[str, Any]]:
    """Fill what is not full yet. By table: rows here, rows expected, whether all of it is equal."""
    filled = {name: _fill(source, target, table, tables, say) for name, table in tables.items()}
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(_found, target, tables)
        target.put_back()
        here = found.result()
    told = {}
    for name, table in tables.items():
        (rows, checksum), expected = here[name], counted(source, table, tables)
        equal = rows == filled[name].rows == expected and checksum == filled[name].checksum
        if equal and not filled[name].done:
            target.finish(table)
        told[name] = {"rows": rows, "expected": expected, "equal": equal}
    return told


def _fill(source: Source, target: Target, table: Table, tables: Mapping[str, Table], say: Say) -> Progress:
    so_far, said = target.progress(table), time.monotonic()
    if so_far.done:
        return so_far
    for piece in _ahead(_batches(source.rows(table, tables, so_far.after), table)):
        so_far = target.copy(table, piece, so_far)
        if time.monotonic() - said > SAY_EVERY:
            said = time.monotonic()
            say(f"{table.name}: {so_far.rows:,} rows")
    return so_far


def _found(target: Target, tables: Mapping[str, Table]) -> dict[str, tuple[int, int]]:
    """Rows and checksum of each table, asked through a connection of its own."""
    beside = target.another()
    try:
        return {name: beside.here(table) for name, table in tables.items()}
    finally:
        beside.close()


def _batches(rows: Iterator[Row], table: Table) -> Iterator[Batch]:
    while found := list(islice(rows, BATCH)):
        yield batch(found, table)


def _ahead(batches: Iterator[Batch]) -> Iterator[Batch]:
    """One batch is made while Postgres takes the one before."""
    with ThreadPoolExecutor(1) as pool:
        made = pool.submit(next, batches, None)
        while (piece := made.result()) is not None:
            made = pool.submit(next, batches, None)
            yield piece
