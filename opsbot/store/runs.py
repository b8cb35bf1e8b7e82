"""The rows of runs. A change of state, its event and its lock are one transaction, so none is ever seen without the others."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select

from opsbot.store import events as event_rows
from opsbot.store import locks as lock_rows
from opsbot.store.database import Database
from opsbot.store.rows import LockRow, RunRow, record, records
from opsbot.store.tables import runs

ASLEEP = ("waiting", "awaiting_approval")


class Runs:
    """store.runs"""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        run_id: str,
        plan_json: Mapping[str, Any],
        actor: Mapping[str, Any],
        door: str,
        status: str,
        channel: str | None,
        thread: str | None,
        now: datetime,
        *,
        lock: LockRow | None = None,
        event: event_rows.Event | None = None,
        wake_at: datetime | None = None,
    ) -> LockRow | None:
        """Write a new run, its first event, and take `lock` for it. If another holds that lock, it is returned and nothing is written."""
        with self._database.write() as connection:
            if lock is not None and (holder := lock_rows.take(self._database, connection, lock)):
                return holder
            number = self._database.next(connection, "runs")
            values = {
                "id": run_id, "number": number, "status": status, "door": door, "channel": channel, "thread": thread,
                "actor": dict(actor), "plan": dict(plan_json), "created_at": now, "wake_at": wake_at,
                "last_event": 0, "last_journal": 0,
            }  # fmt: skip
            values |= {name: plan_json[name] for name in ("playbook", "title", "environment", "lock", "fingerprint")}
            connection.execute(runs.insert().values(**values))
            if event is not None:
                event_rows.append(connection, run_id, event, now)
        return None

    def get(self, run_id: str) -> RunRow | None:
        """The run, or None."""
        with self._database.read() as connection:
            row = connection.execute(select(runs).where(runs.c.id == run_id)).one_or_none()
        return record(RunRow, row) if row else None

    def list(
        self, limit: int = 20, environment: str | None = None, statuses: Iterable[str] | None = None
    ) -> builtins.list[RunRow]:
        """The newest runs, newest first."""
        wanted = select(runs).order_by(runs.c.number.desc()).limit(limit)
        if environment is not None:
            wanted = wanted.where(runs.c.environment == environment)
        if statuses is not None:
            wanted = wanted.where(runs.c.status.in_(list(statuses)))
        with self._database.read() as connection:
            return records(RunRow, connection.execute(wanted))

    def newest_by(self, door: str, actor: str) -> RunRow | None:
        """The newest run that this actor (its id) asked for through this door; None if not among that door's last 500."""
        wanted = select(runs.c.id, runs.c.actor).where(runs.c.door == door).order_by(runs.c.number.desc()).limit(500)
        with self._database.read() as connection:
            rows = connection.execute(wanted).all()
        found = next((row.id for row in rows if row.actor.get("id") == actor), None)
        return self.get(found) if found else None

    def by_status(self, statuses: Iterable[str]) -> builtins.list[RunRow]:
        """Every run in one of the statuses, oldest first."""
        wanted = select(runs).where(runs.c.status.in_(list(statuses))).order_by(runs.c.number)
        with self._database.read() as connection:
            return records(RunRow, connection.execute(wanted))

    def transition(
        self,
        run_id: str,
        from_: Iterable[str],
        to: str,
        now: datetime,
        *,
        event: event_rows.Event | None = None,
        unlock: bool = False,
        **columns: Any,
    ) -> bool:
        """Set the status if it is one of `from_`, with other columns, one event, and the lock's release; False = it was not."""
        with self._database.write() as connection:
            change = runs.update().where(runs.c.id == run_id, runs.c.status.in_(list(from_)))
            changed = connection.execute(change.values(status=to, **columns).returning(runs.c.lock)).one_or_none()
            if changed is None:
                return False
            if unlock and changed.lock is not None:
                lock_rows.release(connection, changed.lock, run_id)
            if event is not None:
                event_rows.append(connection, run_id, event, now)
        return True

    def request_cancel(self, run_id: str, by: str) -> bool:
        """Remember who asked the run to stop; the first one counts."""
        change = runs.update().where(runs.c.id == run_id, runs.c.cancel_by.is_(None), runs.c.ended_at.is_(None))
        with self._database.write() as connection:
            return connection.execute(change.values(cancel_by=by)).rowcount == 1

    def answer(self, run_id: str, text: str, by: str, now: datetime) -> bool:
        """Answer what a waiting run asks, and wake it; False = it asks nothing, or somebody was faster."""
        asking = select(runs.c.parked).where(runs.c.id == run_id, runs.c.status == "waiting").with_for_update()
        with self._database.write() as connection:
            parked = connection.execute(asking).scalar()
            if parked is None or parked.get("ask") is None or parked.get("answer") is not None:
                return False
            answered = runs.update().where(runs.c.id == run_id)
            connection.execute(answered.values(parked={**parked, "answer": text, "by": by}, wake_at=now))
        return True

    def cancel_by(self, run_id: str) -> str | None:
        """Who asked the run to stop, if anyone; one cheap read."""
        with self._database.read() as connection:
            return connection.execute(select(runs.c.cancel_by).where(runs.c.id == run_id)).scalar()

    def wake_due(self, now: datetime) -> builtins.list[str]:
        """The runs that can be driven on: queued, asleep with their moment reached, parked and cancelled; oldest first."""
        slept = runs.c.status.in_(ASLEEP) & (runs.c.wake_at <= now)
        stopped = (runs.c.status == "waiting") & runs.c.cancel_by.is_not(None)
        due = or_(runs.c.status == "queued", slept, stopped)
        wanted = select(runs.c.id).where(due).order_by(runs.c.number)
        with self._database.read() as connection:
            return [str(run) for run in connection.execute(wanted).scalars()]
