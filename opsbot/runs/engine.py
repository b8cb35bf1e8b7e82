"""The engine: takes plans, hands out runs to whoever drives them, passes on people's answers. It knows no step by name."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from opsbot import log
from opsbot.clock import Clock
from opsbot.errors import NotFound, Refused
from opsbot.runs import approval, lock, recover
from opsbot.runs.acts import Acts
from opsbot.runs.attempt import Attempts, Resolve
from opsbot.runs.context import Signals
from opsbot.runs.drive import Drive, Replan
from opsbot.runs.lease import Lease, Lost, Pace, held
from opsbot.runs.plan import Plan
from opsbot.runs.run import FINAL
from opsbot.runs.step import Step
from opsbot.runs.view import RunView, fold
from opsbot.store import Store
from opsbot.store.rows import EventRow, RunRow

LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that people mix up when they read a run's id aloud

_log = log.get(__name__)

By = Mapping[str, Any] | str


class Engine:
    """Everything that can be asked of runs. Any process that shares the store may have one; `owner` names this process.

    How a run is driven stands in `Drive`. `by` is an actor {"id", "name"} or just a name, `door` where the words came in
    (for the audit; by default the run's own).
    Every method raises Unavailable when the store cannot be read or written.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        steps: Mapping[str, Step],
        resolve: Resolve,
        owner: str,
        *,
        replan: Replan | None = None,
        pace: Pace | None = None,
    ) -> None:
        self._store, self._clock, self._owner = store, clock, owner
        self._attempts = Attempts(steps, resolve)
        self._replan, self._pace = replan, pace or Pace()
        self._stopping = threading.Event()
        self._driving: dict[str, Signals] = {}

    def submit(
        self, plan: Plan, actor: Mapping[str, Any], door: str, channel: str | None = None, thread: str | None = None
    ) -> str:
        """Take the plan's lock and write the run, queued or awaiting approval; returns its id.

        Refused("red_fact") if a fact is red, Refused("locked") if another run or person holds the lock.
        """
        if plan.red:
            raise Refused(" ".join(fact.text for fact in plan.red), "Nothing was changed.", code="red_fact")
        now, run = self._clock.now(), "r" + "".join(secrets.choice(LETTERS) for _ in range(5))
        wake_at = approval.expires_at(plan, now)
        status = "queued" if wake_at is None else "awaiting_approval"
        who = str(actor.get("name") or actor.get("id"))
        event = ("submitted", {"title": plan.title, "by": who, "environment": plan.environment, "status": status})
        wish = lock.wish(plan, run, who, now)
        holder = self._store.runs.add(
            run, plan.as_json(), actor, door, status, channel, thread, now, lock=wish, event=event, wake_at=wake_at
        )
        if holder is not None:
            raise lock.refusal(holder, now)
        self._store.audit.add(now, actor, door, plan.playbook, plan.lock, status, {"run": run, "title": plan.title})
        return run

    def drive(self, run: str) -> str:
        """Execute the run until it ends, waits, or is not ours any more; returns its status then.

        Returns at once if somebody else drives it. After Unavailable the run stands still until it is recovered.
        """
        owner = f"{self._owner}#{secrets.token_hex(4)}"  # two drives in one process exclude one another as well
        self._get(run)
        try:
            with held(self._store, self._clock, run, owner, self._pace) as lease:
                if lease is not None and not self._stopping.is_set():
                    self._drive(lease)
        except Lost:
            _log.warning("run.left", run=run, owner=owner)
        except Exception as error:
            _log.warning("run.stalled", run=run, error=error)
            self._stopping.wait(self._pace.backoff)  # whoever drives what is due would otherwise be here again at once
            raise
        return self._get(run).status

    def _drive(self, lease: Lease) -> None:
        signals = self._driving[lease.run] = Signals(self._stopping)
        try:
            acts = Acts(self._store, self._clock, self._attempts, lease, signals, self._pace)
            Drive(self._store, self._clock, acts, lease, signals).go(self._replan)
        finally:
            self._driving.pop(lease.run, None)

    def due(self) -> list[str]:
        """Runs that can be driven now and that nobody drives: queued, woken, answered, cancelled, left behind."""
        now = self._clock.now()
        woken = [run for run in self._store.runs.wake_due(now) if self._store.leases.holder(f"run:{run}", now) is None]
        return woken + self.recover()

    def recover(self) -> list[str]:
        """Runs whose owner died or let go; `drive` rechecks the step at hand and continues, undoes or asks."""
        return recover.abandoned(self._store, self._clock.now())

    def stop(self) -> None:
        """Let go of every run as soon as its step notices; the next owner rechecks and goes on."""
        self._stopping.set()

    def cancel(self, run: str, by: By, door: str | None = None) -> str:
        """Ask the run to stop and undo what it did; returns its status. Refused("ended", "undoing") if that is too late."""
        found, who, now = self._get(run), _name(by), self._clock.now()
        if found.status in FINAL:
            raise Refused(f"Run {run} has already ended: {found.status}.", "To go back, use rollback.", code="ended")
        if found.status == "undoing":
            raise Refused(f"Run {run} is already undoing what it did.", "Wait until it ends.", code="undoing")
        self._note(found, by, door, "cancel")
        if approval.withdraw(self._store, found, who, now):
            return "cancelled"
        if self._store.runs.request_cancel(run, who):
            self._store.events.add(run, "cancel_asked", {"by": who}, now)
        if run in self._driving:
            self._driving[run].cancel.set()
        return self._get(run).status

    def approve(self, run: str, by: By, door: str | None = None) -> str:
        """A second person's yes. Refused("own_plan") for the one who asked, Refused("not_waiting") if it is too late."""
        found = self._get(run)
        approval.approve(self._store, found, _person(by), self._clock.now())
        self._note(found, by, door, "approve")
        return "queued"

    def reject(self, run: str, by: By, door: str | None = None) -> str:
        """A person's no. Refused("not_waiting") if it is too late."""
        found = self._get(run)
        approval.reject(self._store, found, _person(by), self._clock.now())
        self._note(found, by, door, "reject")
        return "rejected"

    def answer(self, run: str, by: By, text: str, door: str | None = None) -> str:
        """Complete the step that asks a person something. Refused("not_asking") if none does."""
        found = self._get(run)
        if not self._store.runs.answer(run, text, _name(by), self._clock.now()):
            raise Refused(f"Run {run} asks nothing: it is {found.status}.", code="not_asking")
        self._note(found, by, door, "answer")
        return "waiting"

    def view(self, run: str) -> RunView:
        """What a card shows of the run now."""
        return fold(self._get(run), self._store.events.after(run, 0))

    def follow(self, run: str, after_seq: int, timeout: float) -> Sequence[EventRow]:
        """The events after a number, waiting up to `timeout` seconds for the first of them."""
        end = self._clock.monotonic() + timeout
        while not (events := self._store.events.after(run, after_seq)) and self._clock.monotonic() < end:
            self._clock.sleep(self._pace.follow)
        return events

    def _get(self, run: str) -> RunRow:
        found = self._store.runs.get(run)
        if found is None:
            raise NotFound(f"There is no run {run}.", "`runs` lists the latest ones.")
        return found

    def _note(self, run: RunRow, by: By, door: str | None, what: str) -> None:
        self._store.audit.add(
            self._clock.now(), _person(by), door or run.door, what, run.lock, run.status, {"run": run.id}
        )


def _person(by: By) -> Mapping[str, Any]:
    return {"id": by, "name": by} if isinstance(by, str) else by


def _name(by: By) -> str:
    return str(_person(by).get("name") or _person(by).get("id"))
