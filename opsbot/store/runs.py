"""The rows of runs. A change of state, its event and its lock are one transaction, so none is ever seen without the others."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, or_, select

from opsbot.errors import NotFound
from opsbot.store import approvals as approval_rows
from opsbot.store import audit as audit_rows
from opsbot.store import debts as debt_rows
from opsbot.store import events as event_rows
from opsbot.store import holds as hold_rows
from opsbot.store import journal as journal_rows
from opsbot.store import locks as lock_rows
from opsbot.store import seen as seen_rows
from opsbot.store.database import Database
from opsbot.store.leases import fence
from opsbot.store.rows import ApprovalRow, Around, DebtRow, Entry, JournalRow, LockRow, RunRow, record, records
from opsbot.store.tables import approvals, debts, runs

ASLEEP = ("waiting", "awaiting_approval", "countdown")


@dataclass(frozen=True)
class Change:
    """What a decision writes: columns of the run (its status among them), locks, events, audit rows, an approval, a debt."""

    columns: Mapping[str, Any] = field(default_factory=dict)
    take: tuple[LockRow, ...] = ()
    unlock: bool = False
    events: tuple[event_rows.Event, ...] = ()
    entries: tuple[Entry, ...] = ()
    journal: JournalRow | None = None
    approval: ApprovalRow | None = None
    debt: DebtRow | None = None


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
        locks: Iterable[LockRow] = (),
        judge: Callable[[Around], None] = lambda _around: None,
        events: Iterable[event_rows.Event] = (),
        entries: Iterable[Entry] = (),
        wake_at: datetime | None = None,
        claim: seen_rows.Claim | None = None,
        **columns: Any,
    ) -> None:
        """Write a new run with its locks, events and audit rows, unless `judge` raises or LockHeld is: then nothing is.

        `claim`: the words that began it; TakenOver, and nothing is written, if they are somebody else's meanwhile.
        """
        with self._database.write() as connection:
            self._database.one_at_a_time(connection)
            if claim is not None:
                seen_rows.begun(connection, claim, run_id)
            judge(_around(connection, run_id, now))
            lock_rows.take_all(self._database, connection, locks)
            number = self._database.next(connection, "runs")
            values = {
                "id": run_id, "number": number, "status": status, "door": door, "channel": channel, "thread": thread,
                "actor": dict(actor), "plan": dict(plan_json), "created_at": now, "wake_at": wake_at,
                "last_event": 0, "last_journal": 0, "lock": _label(plan_json["lock"]),
            }  # fmt: skip
            values |= {name: plan_json[name] for name in ("playbook", "title", "environment", "fingerprint")}
            connection.execute(runs.insert().values(**values, **columns))
            self._tell(connection, run_id, events, entries, now)

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
        entry: Entry | None = None,
        owner: str | None = None,
        **columns: Any,
    ) -> bool:
        """Set the status if it is one of `from_`, with other columns, an event, an audit row, the locks' release; False = it was not.

        `owner`: who drives the run; Lost, and nothing is written, if somebody else does meanwhile.
        """
        with self._database.write() as connection:
            fence(connection, run_id, owner)
            change = runs.update().where(runs.c.id == run_id, runs.c.status.in_(list(from_)))
            if connection.execute(change.values(status=to, **columns)).rowcount != 1:
                return False
            if unlock:
                lock_rows.release(connection, run_id)
            self._tell(connection, run_id, [event] if event else [], [entry] if entry else [], now)
        return True

    def change(
        self, run_id: str, now: datetime, decide: Callable[[RunRow, Around], Change], owner: str | None = None
    ) -> RunRow:
        """Read the run and what stands around it, let `decide` (pure) say what follows, and write that: one transaction.

        What `decide` raises undoes it all, as LockHeld does. NotFound if there is no such run; Lost if `owner`, who drives
        it, does not any more. Returns the run afterwards.
        """
        row_at_hand = select(runs).where(runs.c.id == run_id)
        with self._database.write() as connection:
            self._database.one_at_a_time(connection)
            fence(connection, run_id, owner)
            row = connection.execute(row_at_hand.with_for_update()).one_or_none()
            if row is None:
                raise NotFound(f"There is no run {run_id}.", "`runs` lists the latest ones.")
            change = decide(record(RunRow, row), _around(connection, run_id, now))
            self._write(connection, run_id, change, now)
            return record(RunRow, connection.execute(row_at_hand).one())

    def _write(self, connection: Connection, run_id: str, change: Change, now: datetime) -> None:
        if change.unlock:
            lock_rows.release(connection, run_id)
        lock_rows.take_all(self._database, connection, change.take)
        if change.columns:
            connection.execute(runs.update().where(runs.c.id == run_id).values(**change.columns))
        if change.journal is not None:
            journal_rows.append(connection, change.journal)
        if change.approval is not None:
            values = asdict(change.approval)
            insert = self._database.insert(approvals).values(**values)
            connection.execute(insert.on_conflict_do_update(index_elements=["run", "by"], set_=values))
        if change.debt is not None:
            values = asdict(change.debt)
            insert = self._database.insert(debts).values(**values)
            connection.execute(insert.on_conflict_do_update(index_elements=["run"], set_=values))
        self._tell(connection, run_id, change.events, change.entries, now)

    def _tell(
        self,
        connection: Connection,
        run_id: str,
        events: Iterable[event_rows.Event],
        entries: Iterable[Entry],
        now: datetime,
    ) -> None:
        for event in events:
            event_rows.append(connection, run_id, event, now)
        for entry in entries:
            audit_rows.append(self._database, connection, entry, now)

    def told(self, run_id: str) -> tuple[str | None, dict[str, Any] | None]:
        """What a driver must hear: who asked the run to stop, and what a person completed by hand; one cheap read."""
        wanted = select(runs.c.cancel_by, runs.c.by_hand).where(runs.c.id == run_id)
        with self._database.read() as connection:
            row = connection.execute(wanted).one_or_none()
        return (row.cancel_by, row.by_hand) if row else (None, None)

    def wake_due(self, now: datetime) -> builtins.list[str]:
        """The runs that can be driven on: queued, asleep with their moment reached, parked and cancelled; oldest first."""
        slept = runs.c.status.in_(ASLEEP) & (runs.c.wake_at <= now)
        queued = (runs.c.status == "queued") & or_(runs.c.wake_at.is_(None), runs.c.wake_at <= now)
        stopped = (runs.c.status == "waiting") & runs.c.cancel_by.is_not(None)
        due = or_(queued, slept, stopped)
        wanted = select(runs.c.id).where(due).order_by(runs.c.number)
        with self._database.read() as connection:
            return [str(run) for run in connection.execute(wanted).scalars()]


def _around(connection: Connection, run_id: str, now: datetime) -> Around:
    return Around(
        tuple(lock_rows.held(connection, now)),
        tuple(hold_rows.standing(connection, now)),
        tuple(approval_rows.said_to(connection, run_id)),
        debt_rows.of_run(connection, run_id),
        tuple(journal_rows.of_run(connection, run_id)),
    )


def _label(lock: str | Iterable[str] | None) -> str | None:
    return lock if lock is None or isinstance(lock, str) else ", ".join(sorted(lock)) or None
