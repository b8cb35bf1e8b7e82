"""Driving one run while its lease is held: the algorithm of the engine."""

from __future__ import annotations

from collections.abc import Callable

from opsbot import log, metrics
from opsbot.clock import Clock
from opsbot.errors import OpsError
from opsbot.runs import approval, journal, sentences
from opsbot.runs.acts import Acts
from opsbot.runs.context import Signals
from opsbot.runs.lease import Lease, Lost
from opsbot.runs.plan import Plan
from opsbot.runs.run import DRIVEN, Do, End, Move, Recheck, TurnBack, Undo, next_move, sources
from opsbot.store import Store
from opsbot.store.rows import RunRow

Replan = Callable[[Plan], Plan]


class Drive:
    """One owner's turn with one run.

    1. Begin. A queued run starts, if what was approved is still what would happen. A parked one goes on when its moment
       has come, or when it was answered or cancelled. One that another owner left behind is told as resumed.
    2. Read run and journal, and let `next_move` decide. It is pure, so a new owner decides what the old one would have.
    3. Do: write the intention, only while the lease is held; do the step; write the result. What is told is written in
       the same transactions. A step that parks makes the run waiting, and no thread is held.
    4. Recheck: an intention without a result is another owner's last act. Ask the step whether it took effect and write
       that as the result. If nobody can know, the run turns back, or asks a human where the playbook says so.
    5. Turn back, on failure or because a person asked: from now on the run is undoing, for every owner.
    6. Undo the steps that began, last first. An undo that fails ends the run at once: a human is needed.
    7. End: status, outcome, lock and event in one transaction.
    8. A lost lease, or a stop of this engine, ends the turn between any two lines of this, and nothing more is written.
    """

    def __init__(self, store: Store, clock: Clock, acts: Acts, lease: Lease, signals: Signals) -> None:
        self._store, self._clock, self._acts = store, clock, acts
        self._lease, self._signals = lease, signals
        self._id = lease.run

    def go(self, replan: Replan | None) -> str:
        """Drive until the run ends or waits; returns its status. Raises Lost, and Unavailable if the store is."""
        if not self._begin(self._read(), replan):
            return self._read().status
        while (run := self._read()).status in DRIVEN:
            if self._lease.lost.is_set() or self._signals.stopping.is_set():
                raise Lost
            self._make_next(run)
        return run.status

    def _begin(self, run: RunRow, replan: Replan | None) -> bool:
        """Bring the run to a driven status; False = there is nothing to drive now."""
        now, transition = self._clock.now(), self._store.runs.transition
        due = run.wake_at is not None and run.wake_at <= now
        match run.status:
            case "awaiting_approval" if due:
                approval.expire(self._store, run, now)
            case "queued" if run.approved_by and replan and not _same(run, replan):
                approval.refuse_changed(self._store, run, now)
            case "queued":
                event = ("started", {"owner": self._lease.owner})
                return transition(self._id, ["queued"], "running", now, event=event, started_at=now, wake_at=None)
            case "waiting" if due or run.cancel_by:
                event_or_none = sentences.woken(run, self._lease.owner)
                return transition(self._id, ["waiting"], "running", now, event=event_or_none, wake_at=None)
            case "running" | "undoing":
                if all(row.ended_at for row in self._store.journal.rows(self._id)):
                    self._store.events.add(self._id, "resumed", {"owner": self._lease.owner, "found": "between"}, now)
                return True
        return False

    def _make_next(self, run: RunRow) -> None:
        plan = Plan.from_json(run.plan)
        rows = self._store.journal.rows(self._id)
        scope = journal.scope(run, plan, rows)
        move: Move = next_move(plan, rows, run.status, run.cancel_by)
        match move:
            case Do():
                self._acts.do(move, run, rows, scope)
            case Recheck():
                self._acts.recheck(move, run, rows, scope)
            case TurnBack():
                self._store.runs.transition(self._id, sources("undoing"), "undoing", self._clock.now())
            case Undo():
                self._acts.undo(move, run, rows, scope)
            case End():
                self._end(move, run)

    def _end(self, end: End, run: RunRow) -> None:
        now, outcome = self._clock.now(), log.redactor.clean(sentences.outcome(end, run))
        event = ("finished", {"status": end.status, "outcome": outcome})
        columns = {"outcome": outcome, "ended_at": now, "wake_at": None}
        self._store.runs.transition(self._id, sources(end.status), end.status, now, event=event, unlock=True, **columns)
        metrics.RUNS.labels(run.playbook, end.status).inc()
        body = {"run": self._id, "outcome": outcome}
        self._store.audit.add(now, run.actor, run.door, run.playbook, run.lock, end.status, body)

    def _read(self) -> RunRow:
        run = self._store.runs.get(self._id)
        if run is None:
            raise LookupError(f"run {self._id} vanished")  # runs are never deleted
        return run


def _same(run: RunRow, replan: Replan) -> bool:
    """Whether the plan made anew has the approved fingerprint. What cannot be planned now is not what was approved."""
    try:
        anew = replan(Plan.from_json(run.plan))
    except OpsError:
        return False
    return anew.fingerprint == run.fingerprint and not anew.red
