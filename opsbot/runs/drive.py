"""Driving one run while its lease is held: the algorithm of the engine."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from opsbot import log, metrics
from opsbot.clock import Clock
from opsbot.runs import approval, journal, sentences
from opsbot.runs.acts import Acts
from opsbot.runs.approval import Gate
from opsbot.runs.attempt import Resolve
from opsbot.runs.context import Signals
from opsbot.runs.lease import Lease, Pace
from opsbot.runs.plan import Plan
from opsbot.runs.run import DRIVEN, Do, End, Move, Recheck, TurnBack, Undo, next_move, sources
from opsbot.runs.still import Replan, still
from opsbot.store import Store
from opsbot.store.leases import Lost
from opsbot.store.rows import Around, Entry, RunRow
from opsbot.store.runs import Change

_log = log.get(__name__)

ASK_AGAIN = 5.0  # times the pace's backoff, between two looks whether a part answers that a queued run needs


class Drive:
    """One owner's turn with one run.

    1. Begin. A plan that nobody answered expires; a countdown that nobody stopped ends. A queued run starts, if nothing
       forbids it and what was planned is still what would happen. A parked one goes on when its moment has come, or when it
       was answered or cancelled. One that another owner left behind is told as resumed.
    2. Read run and journal, and let `next_move` decide. It is pure, so a new owner decides what the old one would have.
    3. Do: write the intention, only while the lease is held; do the step; write the result. What is told is written in
       the same transactions. A step that parks makes the run waiting, and no thread is held.
       One that hangs is left behind, and is asked what it did as after a crash. A person's word about it stands.
    4. Recheck: an intention without a result is another owner's last act. Ask the step whether it took effect and write
       that as the result. If nobody can know, the run turns back, or asks a human where the playbook says so. If nobody
       can know yet, because a part does not answer, the run is let go of and due again later: no thread is held.
    5. Turn back, on failure or because a person asked: from now on the run is undoing, for every owner.
    6. Undo the steps that began, last first. An undo that fails ends the run at once: a human is needed.
    7. End: status, outcome, locks, event and audit in one transaction.
    8. A lost lease, or a stop of this engine, ends the turn between any two lines of this, and nothing more is written:
       every write asks for the lease in its own transaction.
    """

    def __init__(
        self, store: Store, clock: Clock, acts: Acts, lease: Lease, signals: Signals, resolve: Resolve, pace: Pace
    ) -> None:
        self._store, self._clock, self._acts = store, clock, acts
        self._lease, self._signals, self._resolve, self._pace = lease, signals, resolve, pace
        self._id = lease.run

    def go(self, replan: Replan | None, stopped: Gate) -> str:
        """Drive until the run ends or waits; returns its status. Raises Lost, and Unavailable if the store is."""
        run = self._read()
        try:
            plan = Plan.from_json(run.plan)
        except ValueError:
            self.give_up(sentences.unreadable(run), "unreadable")
            return self._read().status
        if not self._begin(run, plan, replan, stopped):
            return self._read().status
        while (run := self._read()).status in DRIVEN:
            if self._lease.lost.is_set() or self._signals.leaving.is_set():
                raise Lost
            self._store.space.short()  # a disk that fills up is noticed here, while there is something to give back
            self._make_next(run, plan)
        return run.status

    def give_up(self, outcome: str, code: str) -> None:
        """End a run that cannot be driven, wherever it stands; what it left running is ended before its locks are free."""
        run, now = self._read(), self._clock.now()
        if run.started_at is not None:
            self._acts.end_what_hangs()
        told = {"status": "failed", "outcome": outcome, "code": code}
        columns = {"outcome": outcome, "ended_at": now, "wake_at": None}
        entry = Entry(run.actor, run.door, run.playbook, run.lock, "failed", {"run": self._id, "outcome": outcome})
        if not self._store.runs.transition(
            self._id, sources("failed"), "failed", now,
            event=("finished", told), unlock=True, entry=entry, owner=self._lease.owner, **columns,
        ):  # fmt: skip
            _log.warning("run.ended_meanwhile", run=self._id, status=self._read().status)

    def _begin(self, run: RunRow, plan: Plan, replan: Replan | None, stopped: Gate) -> bool:
        """Bring the run to a driven status; False = there is nothing to drive now."""
        now = self._clock.now()
        due = run.wake_at is not None and run.wake_at <= now
        match run.status:
            case "awaiting_approval" if due:
                self._change(now, lambda row, around: approval.expire(row, around, now))
            case "countdown" if due:
                self._change(now, lambda row, around: approval.count_down(row, around, now, stopped))
            case "queued" if run.wake_at is None or due:
                return self._start(run, plan, replan, stopped)
            case "waiting" if due or run.cancel_by:
                self._move("waiting", "running", now, event=sentences.woken(run, self._lease.owner), wake_at=None)
                return True
            case "running" | "undoing":
                if run.wake_at is not None:
                    self._move(run.status, run.status, now, wake_at=None)
                if all(row.ended_at for row in self._store.journal.rows(self._id)):
                    owner = self._lease.owner
                    self._store.events.add(self._id, "resumed", {"owner": owner, "found": "between"}, now, owner)
                return True
        return False

    def _start(self, run: RunRow, plan: Plan, replan: Replan | None, stopped: Gate) -> bool:
        found = still(run, plan, replan)
        now = self._clock.now()
        if found.answer == "away":
            self._change(now, lambda row, _: self._wait_for_part(row, found.why, now))
            return False
        if found.answer == "changed":
            outcome = f"The plan changed before it began (plan_changed), so nothing was changed. {found.why} Ask again."
            self._change(now, lambda row, _: _end_queued(row, "rejected", outcome, now, "plan_changed"))
            return False
        return self._change(now, lambda row, around: self._started(row, around, stopped, now)).status == "running"

    def _started(self, run: RunRow, around: Around, stopped: Gate, now: datetime) -> Change:
        if run.status != "queued":
            return Change()  # somebody cancelled it meanwhile
        if refused := stopped(run, around):
            return approval.end_refused(run, refused, now)
        columns = {"status": "running", "started_at": now, "wake_at": None, "parked": None}
        begun = ("started", {"owner": self._lease.owner})
        return Change(columns=columns, events=(begun,), debt=approval.owed(run, around, now))

    def _wait_for_part(self, run: RunRow, why: str, now: datetime) -> Change:
        """Stay queued and look again later; what it waits for is said once, and it does not wait for ever."""
        before = run.parked or {}
        since = before.get("since") or now.isoformat()
        if (now - datetime.fromisoformat(since)).total_seconds() >= self._pace.patience:
            outcome = f"{why} It was waited for as long as makes sense, and nothing was changed. Ask again."
            return _end_queued(run, "expired", outcome, now, "unavailable")
        told = ("say", {"text": f"{why} It begins as soon as that answers."})
        columns = {
            "parked": {"away": why, "since": since},
            "wake_at": now + timedelta(seconds=ASK_AGAIN * self._pace.backoff),
        }
        return (
            Change(columns=columns, events=() if before.get("away") == why else (told,)) if _queued(run) else Change()
        )

    def _make_next(self, run: RunRow, plan: Plan) -> None:
        rows = self._store.journal.rows(self._id)
        scope = journal.scope(run, plan, rows)
        move: Move = next_move(plan, rows, run.status, run.cancel_by)
        match move:
            case Do():
                self._acts.do(move, run, rows, scope)
            case Recheck():
                self._acts.recheck(move, run, rows, scope)
            case TurnBack():
                self._move("running", "undoing", self._clock.now())
            case Undo():
                self._acts.undo(move, run, rows, scope)
            case End():
                self._end(move, run, sentences.says(run, self._resolve, scope))

    def _end(self, end: End, run: RunRow, say: sentences.Say) -> None:
        now, outcome = self._clock.now(), log.redactor.clean(sentences.outcome(end, run, say))
        event = ("finished", {"status": end.status, "outcome": outcome, "left": [step.id for step in end.left]})
        columns = {"outcome": outcome, "ended_at": now, "wake_at": None}
        body = {"run": self._id, "outcome": outcome}
        entry = Entry(run.actor, run.door, run.playbook, run.lock, end.status, body)
        before = "running" if end.status == "succeeded" else "undoing"
        self._move(before, end.status, now, event=event, unlock=True, entry=entry, **columns)
        metrics.RUNS.labels(run.playbook, end.status).inc()

    def _move(self, before: str, after: str, now: datetime, **more: Any) -> None:
        if not self._store.runs.transition(self._id, [before], after, now, owner=self._lease.owner, **more):
            raise Lost  # nobody but its owner moves a run that has begun

    def _change(self, now: datetime, decide: Callable[[RunRow, Around], Change]) -> RunRow:
        return self._store.runs.change(self._id, now, decide, self._lease.owner)

    def _read(self) -> RunRow:
        run = self._store.runs.get(self._id)
        if run is None:
            raise LookupError(f"run {self._id} vanished")  # runs are never deleted
        return run


def _queued(run: RunRow) -> bool:
    return run.status == "queued"


def _end_queued(run: RunRow, status: str, outcome: str, now: datetime, code: str) -> Change:
    return approval.end(run, status, outcome, now, code) if _queued(run) else Change()
