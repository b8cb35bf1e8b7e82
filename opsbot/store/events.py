"""Numbered events of runs, and which runs have events that their chat message does not show yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, select

from opsbot.errors import NotFound
from opsbot.store.database import Database
from opsbot.store.leases import fence
from opsbot.store.rows import Behind, EventRow, record, records
from opsbot.store.tables import events, messages, runs

Event = tuple[str, Mapping[str, Any]]


class Events:
    """store.events"""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, run: str, kind: str, body: Mapping[str, Any], now: datetime, owner: str | None = None) -> int:
        """Append one event; returns its number. NotFound if there is no such run; Lost if `owner` does not drive it."""
        with self._database.write() as connection:
            fence(connection, run, owner)
            return append(connection, run, (kind, body), now)

    def after(self, run: str, seq: int) -> list[EventRow]:
        """The events of a run with a number above `seq`, in order."""
        wanted = select(events).where(events.c.run == run, events.c.seq > seq).order_by(events.c.seq)
        with self._database.read() as connection:
            return records(EventRow, connection.execute(wanted))

    def ends(self, runs: Iterable[str]) -> dict[str, dict[str, Any]]:
        """What was told of the end of each of these runs that has ended."""
        wanted = select(events.c.run, events.c.body).where(events.c.run.in_(list(runs)), events.c.kind == "finished")
        with self._database.read() as connection:
            return {row.run: row.body for row in connection.execute(wanted.order_by(events.c.seq))}

    def runs_behind(self) -> list[Behind]:
        """Runs whose newest event is later than the cursor of their stored message, oldest run first."""
        joined = runs.outerjoin(messages, and_(messages.c.kind == "run", messages.c.key == runs.c.id))
        wanted = (
            select(
                runs.c.id.label("run"),
                func.coalesce(messages.c.channel, runs.c.channel).label("channel"),
                func.coalesce(messages.c.thread_ts, runs.c.thread).label("thread"),
                runs.c.environment,
                runs.c.last_event,
                func.coalesce(messages.c.cursor, 0).label("cursor"),
            )
            .select_from(joined)
            .where(runs.c.last_event > runs.c.told)
            .order_by(runs.c.number)
        )
        with self._database.read() as connection:
            return [record(Behind, row) for row in connection.execute(wanted)]


def append(connection: Connection, run: str, event: Event, now: datetime) -> int:
    """Append within a transaction; the run's row is what makes writers wait for one another.

    Of a step's progress only the newest is kept: a dump of two hours has thousands, and every look reads them all.
    """
    kind, body = event
    slot = f"progress:{body.get('step')}" if kind == "progress" else None
    grown = runs.update().where(runs.c.id == run).values(last_event=runs.c.last_event + 1).returning(runs.c.last_event)
    seq = connection.execute(grown).scalar()
    if seq is None:
        raise NotFound(f"There is no run {run}.")
    if slot is not None:
        connection.execute(events.delete().where(events.c.run == run, events.c.slot == slot))
    connection.execute(events.insert().values(run=run, seq=seq, at=now, kind=kind, body=dict(body), slot=slot))
    return int(seq)
