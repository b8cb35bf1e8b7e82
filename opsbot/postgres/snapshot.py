"""One moment of a database, held open for others: an exported snapshot and what is true in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from opsbot.postgres.connect import Server, Session, session

_LSN = "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END::text"


@dataclass(frozen=True)
class Snapshot:
    """`id` is what pg_dump --snapshot takes; `session` sees exactly the same rows, for as long as it is open."""

    id: str
    lsn: str
    session: Session


@contextmanager
def hold(server: Server, database: str) -> Iterator[Snapshot]:
    """Export a snapshot and keep it until the end. Counting a table in it also keeps others from dropping it."""
    with (
        session(server, database, statement_timeout=0, lock_timeout=60) as one,
        one.transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"),
    ):
        snapshot_id = str(one.value("SELECT pg_export_snapshot()"))
        yield Snapshot(snapshot_id, str(one.value(_LSN)), one)
