"""Leases: who may drive a run, serve, schedule or recover. Taken by conditional UPDATE; the row count decides."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, or_, select

from opsbot.store.database import Database
from opsbot.store.tables import leases


class Lost(Exception):
    """Somebody else has the run now, or may have it: stop at once and write nothing."""


class Leases:
    """store.leases. Names: `run:ID`, `serve`, `schedule`, `recovery`. `ttl` is seconds or a timedelta."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, name: str, owner: str, ttl: float | timedelta, now: datetime) -> bool:
        """Take a lease that is free, expired or already ours."""
        values = {"owner": owner, "taken_at": now, "expires": now + _span(ttl)}
        free = or_(leases.c.owner == owner, leases.c.expires <= now)
        insert = self._database.insert(leases).values(name=name, **values)
        upsert = insert.on_conflict_do_update(index_elements=["name"], set_=values, where=free)
        with self._database.write() as connection:
            return connection.execute(upsert.returning(leases.c.name)).scalar() is not None

    def renew(self, name: str, owner: str, ttl: float | timedelta, now: datetime) -> bool:
        """Move the expiry of our lease; False = somebody else has it, or it was released."""
        ours = leases.update().where(leases.c.name == name, leases.c.owner == owner).values(expires=now + _span(ttl))
        with self._database.write() as connection:
            return connection.execute(ours).rowcount == 1

    def release(self, name: str, owner: str) -> None:
        """Give our lease back; nothing happens if it is not ours any more."""
        with self._database.write() as connection:
            connection.execute(leases.delete().where(leases.c.name == name, leases.c.owner == owner))

    def holder(self, name: str, now: datetime) -> str | None:
        """The owner of a lease that has not expired."""
        wanted = select(leases.c.owner).where(leases.c.name == name, leases.c.expires > now)
        with self._database.read() as connection:
            return connection.execute(wanted).scalar()


def held(connection: Connection, name: str, owner: str, now: datetime | None) -> bool:
    """Whether `owner` has the lease, and keeps it until this transaction ends; unexpired at `now` unless that is None."""
    wanted = select(leases.c.expires).where(leases.c.name == name, leases.c.owner == owner).with_for_update()
    expires = connection.execute(wanted).scalar()
    return expires is not None and (now is None or expires > now)


def fence(connection: Connection, run: str, owner: str | None) -> None:
    """Raise Lost unless `owner` still drives the run; whoever is no driver (None) passes. Undoes the transaction it is in."""
    if owner is not None and not held(connection, f"run:{run}", owner, None):
        raise Lost


def _span(ttl: float | timedelta) -> timedelta:
    return ttl if isinstance(ttl, timedelta) else timedelta(seconds=ttl)
