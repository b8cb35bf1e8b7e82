"""The three things a drive does with a step (do, undo, recheck), each between its intention and its result in the journal."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NoReturn

from opsbot import log, metrics
from opsbot.clock import Clock
from opsbot.errors import OpsError, Unavailable
from opsbot.runs import journal, sentences
from opsbot.runs.attempt import Attempts, Result
from opsbot.runs.context import NAP, RunContext, Signals
from opsbot.runs.lease import Lease, Pace
from opsbot.runs.plan import PlannedStep
from opsbot.runs.recover import CHOICES, decided_by_human, from_recheck
from opsbot.runs.run import Do, Recheck, Undo
from opsbot.runs.step import Park
from opsbot.store import Store
from opsbot.store.events import Event
from opsbot.store.journal import DoneByHand
from opsbot.store.leases import Lost
from opsbot.store.rows import EventRow, JournalRow, RunRow

_log = log.get(__name__)

LONGEST_WAIT = 30.0  # seconds between two tries
Scope = Mapping[str, Any]
Tell = Callable[[Result], Sequence[Event | None]]
Rows = Sequence[JournalRow]


def _unknown_yet(step: PlannedStep) -> str:
    return f"{step.name}: nobody can tell yet whether it took effect."


def _says(event: EventRow, words: str) -> bool:
    """Whether it was told with these words; what is told is stored without the secrets in it."""
    clean = log.redactor.clean
    return clean(str(event.body.get("text", ""))).startswith(clean(words))


class Acts:
    """Acts on one run for the holder of its lease; every method raises Lost as soon as that is somebody else."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        attempts: Attempts,
        lease: Lease,
        signals: Signals,
        pace: Pace,
        forsaken: Callable[[str], None],
    ) -> None:
        self._store, self._clock, self._attempts = store, clock, attempts
        self._lease, self._signals, self._pace = lease, signals, pace
        self._forsaken = forsaken
        self._id = lease.run

    def do(self, move: Do, run: RunRow, rows: Rows, scope: Scope) -> None:
        """Run the step, or skip it, or take a human's word for it."""
        step, now = move.step, self._clock.now()
        goes_on = move.last is not None and move.last.outcome in ("parked", "retry")
        result = self._attempts.by_hand(step, run.by_hand, "do") or decided_by_human(move.last, run.parked, step)
        result = result or self._attempts.skip(step, scope)
        told = ("step_started", {"step": step.id, "name": step.name})
        self._before(step, "do", move.attempt, None if goes_on or result else told)
        ctx = self._context(run, step, rows, journal.deadline(rows, step, now))
        result = result or self._attempts.do(step, ctx, scope, step.retries - move.tries)
        result = self._left_behind(ctx, step, scope, result) if result.hung else result
        seconds = self._seconds_since(next((row.started_at for row in rows if row.step == step.id), now))
        metrics.STEP_SECONDS.labels(step.do).observe(self._seconds_since(now))
        result = self._after(step, "do", move.attempt, result, lambda end: [sentences.step_ended(step, end, seconds)])
        self._rest(ctx, step, result, move.tries, move.attempt)

    def undo(self, move: Undo, run: RunRow, rows: Rows, scope: Scope) -> None:
        """Reverse the step. A person cannot cancel that."""
        step = move.step
        self._before(step, "undo", move.attempt, ("undo_started", {"step": step.id}) if move.attempt == 1 else None)
        ctx = replace(self._context(run, step, rows), heeds_cancel=False, phase="undo")
        result = self._attempts.by_hand(step, run.by_hand, "undo")
        result = result or self._attempts.undo(step, ctx, scope, move.outputs, move.tries)
        if result.hung:
            self.end_what_hangs()
        result = self._after(step, "undo", move.attempt, result, lambda end: [sentences.undo_ended(step, end)])
        self._rest(ctx, step, result, move.tries, move.attempt)

    def recheck(self, move: Recheck, run: RunRow, rows: Rows, scope: Scope) -> None:
        """Find out how another owner's last attempt ended. An undo may be done twice, so it is not asked about."""
        step, row = move.step, move.row
        undoing = row.phase == "undo"
        ctx = replace(self._context(run, step, rows), heeds_cancel=not undoing, phase=row.phase)
        try:
            result = from_recheck(step, self._asked(ctx, step, None if undoing else scope))
        except Unavailable as error:
            result = self._decided(ctx, step, error) or self._ask_later(ctx, run, step, row, error)
        found = "unknown" if result.asks_what_happened else result.outcome
        resumed = ("resumed", {"owner": self._lease.owner, "step": step.id, "found": found})
        took = self._seconds_since(row.started_at)

        def tell(end: Result) -> list[Event | None]:
            return [resumed, sentences.undo_ended(step, end) if undoing else sentences.step_ended(step, end, took)]

        result = self._after(step, row.phase, row.attempt, result, tell)
        self._rest(ctx, step, result, 0, row.attempt)

    def _left_behind(self, ctx: RunContext, step: PlannedStep, scope: Scope, hung: Result) -> Result:
        """What a step that hangs has done by now, as after a crash; it is not tried again, for nobody can end its thread."""
        found = from_recheck(step, self._found_out(replace(ctx), step, scope))
        return hung if found.outcome in ("not_done", "unknown") else found

    def _found_out(self, ctx: RunContext, step: PlannedStep, scope: Scope | None) -> Result:
        """As `_asked`. While what must be looked at does not answer, it is asked again and again, until a person stops it.

        The thread is held meanwhile: another owner would run the step anew, beside the one that hangs.
        """
        for tries in itertools.count():
            try:
                return self._asked(ctx, step, scope)
            except Unavailable as error:
                if tries == 0:
                    ctx.say(f"{_unknown_yet(step)} {error.what} Asking again.")
                self._wait(ctx, tries)
                if decided := self._decided(ctx, step, error):
                    return decided
        raise AssertionError("it counts for ever")

    def _asked(self, ctx: RunContext, step: PlannedStep, scope: Scope | None) -> Result:
        """What the dead owner left running is ended, then the step's own word (`scope` None: it need not be asked).

        Unavailable while what must be looked at does not answer.
        """
        self._end_what_was_left()
        if scope is None or step.on_resume == "rerun":
            return Result("not_done")
        asking = replace(ctx, heeds_cancel=False, deadline=self._clock.now() + timedelta(seconds=step.timeout))
        return self._attempts.recheck(step, asking, scope)

    def _decided(self, ctx: RunContext, step: PlannedStep, error: Unavailable) -> Result | None:
        """What a person said while nobody could tell what the step did."""
        if ctx.interrupted:
            raise Lost from error
        if not ctx.cancelled:
            return None
        done = self._attempts.by_hand(step, ctx.by_hand, ctx.phase)
        return done or Result("cancelled", error=error.as_json())

    def _ask_later(
        self, ctx: RunContext, run: RunRow, step: PlannedStep, row: JournalRow, error: Unavailable
    ) -> NoReturn:
        """Let go of the run, so that it holds no thread, and be due again after as long as it has been so (LONGEST_WAIT)."""
        now, words = self._clock.now(), _unknown_yet(step)
        told = [event for event in self._store.events.after(self._id, 0) if event.at >= row.started_at]
        since = next((event.at for event in told if _says(event, words)), None)
        if since is None:
            ctx.say(f"{words} {error.what} Asking again.")
        been = self._seconds_since(since or now)
        later = now + timedelta(seconds=min(LONGEST_WAIT, max(self._pace.backoff, been)))
        self._store.runs.transition(self._id, [run.status], run.status, now, owner=self._lease.owner, wake_at=later)
        raise Lost from error

    def end_what_hangs(self) -> None:
        """What was begun and nobody waits for any more must not go on when its locks are free."""
        try:
            self._end_what_was_left()
        except Unavailable as error:
            _log.warning("run.forsaken", run=self._id, why=error)
        except Exception:  # noqa: BLE001 - a mistake in what ends it must not keep the run from its end, and its locks
            _log.exception("run.forsaken", run=self._id)

    def _end_what_was_left(self) -> None:
        try:
            self._forsaken(self._id)
        except OpsError as error:
            if error.again:
                raise Unavailable(error.what, error.fix) from error
            _log.warning("run.forsaken", run=self._id, why=error)  # no later try can end it either

    def _rest(self, ctx: RunContext, step: PlannedStep, result: Result, tries: int, attempt: int) -> None:
        if result.park is not None:
            self._park(step, result.park, attempt, list(CHOICES) if result.asks_what_happened else [])
        if result.outcome == "retry":
            self._wait(ctx, tries)

    def _wait(self, ctx: RunContext, tries: int) -> None:
        """Twice as long as the last time, and no longer than anybody lets us."""
        end = self._clock.monotonic() + min(LONGEST_WAIT, self._pace.backoff * 2**tries)
        while (left := end - self._clock.monotonic()) > 0 and not ctx.cancelled:
            self._clock.sleep(min(NAP, left))

    def _park(self, step: PlannedStep, park: Park, attempt: int, choices: Sequence[str]) -> None:
        until = park.until.isoformat() if park.until else None
        told = {"step": step.id, "say": park.say, "until": until, "ask": park.ask}
        parked = {**told, "state": dict(park.state), "answer": None, "by": None, "attempt": attempt, "choices": choices}
        now = self._clock.now()
        if not self._store.runs.transition(
            self._id, ["running"], "waiting", now,
            event=("parked", told), owner=self._lease.owner, parked=parked, wake_at=park.until,
        ):  # fmt: skip
            raise Lost

    def _before(self, step: PlannedStep, phase: str, attempt: int, event: Event | None) -> None:
        owner, now = self._lease.owner, self._clock.now()
        if not self._store.journal.before(self._id, step.id, phase, attempt, owner, now, event=event):
            raise Lost

    def _after(self, step: PlannedStep, phase: str, attempt: int, result: Result, tell: Tell) -> Result:
        """Write the result and what is told of it; returns what was written, for a person may have completed the step meanwhile."""
        outputs = result.outputs
        if result.park is not None:
            outputs = {"state": dict(result.park.state), "unknown": result.asks_what_happened}
        owner, now = self._lease.owner, self._clock.now()
        events = [event for event in tell(result) if event]
        by = (result.by_hand or {}).get("by")
        try:
            if self._lease.lost.is_set() or not self._store.journal.after(
                self._id, step.id, phase, attempt, result.outcome, outputs, result.error, owner, now,
                events=events, by=by,
            ):  # fmt: skip
                raise Lost
        except DoneByHand as done:
            return self._after(step, phase, attempt, self._attempts.as_told(done.told, result), tell)
        return result

    def _context(self, run: RunRow, step: PlannedStep, rows: Rows, deadline: datetime | None = None) -> RunContext:
        parked = run.parked or {}
        return RunContext(
            self._store, self._clock, self._pace, self._lease, self._signals,
            run=self._id,
            step=step.id,
            actor=journal.actor_name(run),
            environment=run.environment,
            deadline=deadline or self._clock.now() + timedelta(seconds=step.timeout),
            parked=journal.parked_state(rows, step.id),
            quiet=step.quiet,
            answer=parked.get("answer") if parked.get("step") == step.id else None,
        )  # fmt: skip

    def _seconds_since(self, then: datetime) -> float:
        return (self._clock.now() - then).total_seconds()
