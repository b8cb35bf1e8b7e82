"""Who holds a target, why and until when."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, or_, select

from opsbot.store.database import Database
from opsbot.store.rows import LockRow, record, records
from opsbot.store.tables import locks


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

    def release(self, target: str, owner_run: str) -> bool:
        """Let go of the target if it is ours."""
        with self._database.write() as connection:
            return release(connection, target, owner_run)

    def list(self, now: datetime) -> list[LockRow]:
        """The locks that hold now, by target."""
        wanted = select(locks).where(_holds(now)).order_by(locks.c.target)
        with self._database.read() as connection:
            return records(LockRow, connection.execute(wanted))


def take(database: Database, connection: Connection, wish: LockRow) -> LockRow | None:
    """Take within a transaction, at the moment `wish.since`."""
    values = {"run": wish.run, "who": wish.who, "reason": wish.reason, "since": wish.since, "expires": wish.expires}
    ours = or_(locks.c.run == wish.run, locks.c.expires <= wish.since)
    insert = database.insert(locks).values(target=wish.target, **values)
    upsert = insert.on_conflict_do_update(index_elements=["target"], set_=values, where=ours)
    if connection.execute(upsert.returning(locks.c.target)).scalar() is not None:
        return None
    return record(LockRow, connection.execute(select(locks).where(locks.c.target == wish.target)).one())


def release(connection: Connection, target: str, owner_run: str) -> bool:
    """Release within a transaction."""
    gone = connection.execute(locks.delete().where(locks.c.target == target, locks.c.run == owner_run))
    return gone.rowcount > 0


def _holds(now: datetime) -> ColumnElement[bool]:
    return or_(locks.c.expires.is_(None), locks.c.expires > now)
