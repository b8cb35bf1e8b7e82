"""Which run holds which target, for whom and why. A run takes all its targets in one transaction, or none."""

from __future__ import annotations

import builtins
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, or_, select

from opsbot.store.database import Database
from opsbot.store.rows import LockRow, record, records
from opsbot.store.tables import locks


class LockHeld(Exception):
    """Another run holds a target; what the transaction did is undone with it."""

    def __init__(self, holder: LockRow) -> None:
        super().__init__(holder.target)
        self.holder = holder


class Locks:
    """store.locks"""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(
        self, target: str, owner_run: str, who: str, reason: str, expires: datetime | None, now: datetime
    ) -> LockRow | None:
        """Take the target. None = it is ours (again); otherwise who holds it. An expired lock is free."""
        with self._database.write() as connection:
            return take(self._database, connection, LockRow(target, owner_run, who, reason, now, expires))

    def release(self, owner_run: str) -> bool:
        """Let go of everything that the run holds."""
        with self._database.write() as connection:
            return release(connection, owner_run)

    def list(self, now: datetime) -> builtins.list[LockRow]:
        """The locks that hold now, by target."""
        with self._database.read() as connection:
            return held(connection, now)


def take_all(database: Database, connection: Connection, wishes: Iterable[LockRow]) -> None:
    """Take within a transaction, always in the same order, so that two takers cannot wait for one another. Raises LockHeld."""
    for wish in sorted(wishes, key=lambda wish: wish.target):
        if (holder := take(database, connection, wish)) is not None:
            raise LockHeld(holder)


def take(database: Database, connection: Connection, wish: LockRow) -> LockRow | None:
    """Take one within a transaction, at the moment `wish.since`; None = it is ours, else who holds it."""
    values = {"run": wish.run, "who": wish.who, "reason": wish.reason, "since": wish.since, "expires": wish.expires}
    ours = or_(locks.c.run == wish.run, locks.c.expires <= wish.since)
    insert = database.insert(locks).values(target=wish.target, **values)
    upsert = insert.on_conflict_do_update(index_elements=["target"], set_=values, where=ours)
    if connection.execute(upsert.returning(locks.c.target)).scalar() is not None:
        return None
    return record(LockRow, connection.execute(select(locks).where(locks.c.target == wish.target)).one())


def held(connection: Connection, now: datetime) -> builtins.list[LockRow]:
    """What is held now, by target."""
    counts = or_(locks.c.expires.is_(None), locks.c.expires > now)
    return records(LockRow, connection.execute(select(locks).where(counts).order_by(locks.c.target)))


def release(connection: Connection, owner_run: str) -> bool:
    """Release within a transaction."""
    return connection.execute(locks.delete().where(locks.c.run == owner_run)).rowcount > 0
