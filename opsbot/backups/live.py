"""The live database beside its backups: what it is and holds now, and which backup a word means for it."""

from __future__ import annotations

from dataclasses import dataclass

from opsbot.backups.listing import Backups
from opsbot.backups.manifest import Manifest
from opsbot.backups.storage import Storage
from opsbot.backups.target import DatabaseTarget
from opsbot.postgres import databases, describe
from opsbot.postgres.connect import MAINTENANCE, session
from opsbot.postgres.describe import Identity

LOOK_SECONDS = 20.0  # for one statement while a plan is made; a count of millions of rows takes a tenth of a second


@dataclass(frozen=True)
class Live:
    """Exact rows per table, None if the database does not exist; Alembic heads; bytes of its tables."""

    identity: Identity
    rows: dict[str, int] | None
    revision: tuple[str, ...]
    bytes: int


def identity(target: DatabaseTarget) -> Identity:
    """The database's identity, asked of its cluster; it need not exist."""
    with session(target.server, MAINTENANCE, statement_timeout=5) as one:
        return Identity(describe.cluster(one), target.name)


def look(target: DatabaseTarget) -> Live:
    """The live database now. Unavailable if the server does not answer."""
    with session(target.server, MAINTENANCE, statement_timeout=5) as one:
        known = Identity(describe.cluster(one), target.name)
        if not databases.exists(one, target.name):
            return Live(known, None, (), 0)
    with session(target.server, target.name, statement_timeout=LOOK_SECONDS, lock_timeout=5) as one:
        return Live(known, describe.row_counts(one), describe.revision(one), describe.table_bytes(one))


def restored_by(target: DatabaseTarget, run: str) -> bool:
    """Whether the live database is the one that this run's restore put in place; its own mark says so."""
    with session(target.server, MAINTENANCE) as one:
        mark = databases.mark_of(one, target.name)
    return mark is not None and (mark.kind, mark.run) == ("restored", run)


def find(target: DatabaseTarget, storage: Storage, wanted: str) -> Manifest:
    """The backup that `wanted` (an id, or `latest`) means for this database. NotFound names the closest."""
    return Backups(storage).find(identity(target), target.environment, wanted)
