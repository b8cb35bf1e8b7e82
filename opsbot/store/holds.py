"""Locks and freezes that people put on targets: the word of one person per kind and target, until it expires."""

from __future__ import annotations

import builtins
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, or_, select

from opsbot.store import audit
from opsbot.store.database import Database
from opsbot.store.rows import Entry, HoldRow, record, records
from opsbot.store.tables import holds


class Holds:
    """store.holds"""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, hold: HoldRow, entry: Entry) -> HoldRow | None:
        """Put it, or change one's own. None = it stands, with its audit row; else whose stands there, and nothing is written."""
        values = {name: getattr(hold, name) for name in ("by", "who", "reason", "since", "expires")} | {"warned": None}
        insert = self._database.insert(holds).values(kind=hold.kind, target=hold.target, **values)
        free = or_(holds.c.by == hold.by, holds.c.expires <= hold.since)
        upsert = insert.on_conflict_do_update(index_elements=["kind", "target"], set_=values, where=free)
        with self._database.write() as connection:
            self._database.one_at_a_time(connection)
            if connection.execute(upsert.returning(holds.c.target)).scalar() is None:
                return record(HoldRow, connection.execute(select(holds).where(_is(hold.kind, hold.target))).one())
            audit.append(self._database, connection, entry, hold.since)
        return None

    def remove(self, kind: str, target: str, entry: Entry, now: datetime) -> HoldRow | None:
        """Remove it, whoever put it; returns what stood there and still counted."""
        with self._database.write() as connection:
            gone = connection.execute(holds.delete().where(_is(kind, target), _counts(now)).returning(*holds.c)).all()
            if gone:
                audit.append(self._database, connection, entry, now)
        return record(HoldRow, gone[0]) if gone else None

    def list(self, now: datetime) -> builtins.list[HoldRow]:
        """What counts now, by target."""
        with self._database.read() as connection:
            return standing(connection, now)

    def ending(self, now: datetime, within: float) -> builtins.list[HoldRow]:
        """What expires within so many seconds and whose owner was not warned yet, soonest first."""
        soon = (holds.c.expires > now) & (holds.c.expires <= now + timedelta(seconds=within)) & holds.c.warned.is_(None)
        with self._database.read() as connection:
            return records(HoldRow, connection.execute(select(holds).where(soon).order_by(holds.c.expires)))

    def warned(self, hold: HoldRow, now: datetime) -> None:
        """The warning of this hold was posted; one that was prolonged meanwhile is warned of again."""
        same = _is(hold.kind, hold.target) & (holds.c.by == hold.by) & (holds.c.expires == hold.expires)
        with self._database.write() as connection:
            connection.execute(holds.update().where(same).values(warned=now))


def standing(connection: Connection, now: datetime) -> builtins.list[HoldRow]:
    """What counts now, by target, within a transaction."""
    return records(
        HoldRow, connection.execute(select(holds).where(_counts(now)).order_by(holds.c.target, holds.c.kind))
    )


def _counts(now: datetime) -> ColumnElement[bool]:
    return or_(holds.c.expires.is_(None), holds.c.expires > now)


def _is(kind: str, target: str) -> ColumnElement[bool]:
    return (holds.c.kind == kind) & (holds.c.target == target)
