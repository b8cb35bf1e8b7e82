"""One attempt of one step: its arguments, its work, and how that ended, as data for the journal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from opsbot import log
from opsbot.errors import NotFound, OpsError, StepFailed, Unavailable
from opsbot.runs.context import RunContext
from opsbot.runs.plan import PlannedStep
from opsbot.runs.step import Json, Outputs, Park, Step
from opsbot.runs.watchdog import Hung, watched
from opsbot.store.leases import Lost

Resolve = Callable[[Json, Mapping[str, Any]], Json]
Outcome = Literal["done", "skipped", "parked", "retry", "failed", "cancelled", "not_begun", "not_done", "unknown"]
UNDO_RETRIES = (
    2  # an undo that fails leaves work for a human, so it is tried three times even if the step has no retries
)

_log = log.get(__name__)


@dataclass(frozen=True)
class Result:
    """How an attempt ended. `park` only if parked, `error` as OpsError.as_json().

    `asks_what_happened`: parked not by the step but because only a human can tell whether it took effect. `hung`: the step
    was left behind, and what it did is still to be found out. `by_hand`: the word of a person who completed it.
    """

    outcome: Outcome
    outputs: Outputs | None = None
    error: Mapping[str, Json] | None = None
    park: Park | None = None
    asks_what_happened: bool = False
    hung: bool = False
    by_hand: Mapping[str, Json] | None = None


class Attempts:
    """Runs, reverses and rechecks steps by name. Raises Lost when the run is not ours any more, or this engine stops."""

    def __init__(self, steps: Mapping[str, Step], resolve: Resolve) -> None:
        self._steps, self._resolve = steps, resolve

    def skip(self, step: PlannedStep, scope: Mapping[str, Any]) -> Result | None:
        """The result of a step whose `when` is false (its outputs are all None), otherwise None."""
        try:
            wanted = step.when is None or _truth(self._resolve(step.when, scope))
            return None if wanted else Result("skipped", dict.fromkeys(self._step(step).outputs))
        except OpsError as error:
            return Result("not_begun", error=error.as_json())

    def do(self, step: PlannedStep, ctx: RunContext, scope: Mapping[str, Any], retries_left: int) -> Result:
        """Run the step; `check` false afterwards is a failure. not_begun: its arguments do not fit, or it changed nothing."""
        try:
            kind, arguments = self._step(step), self._arguments(step, scope)
        except OpsError as error:
            return Result("not_begun", error=error.as_json())

        def work() -> Result:
            ctx.check()  # a person may have been faster
            found = watched(ctx, lambda: kind.run(ctx, arguments))
            if isinstance(found, Park):
                return Result("parked", park=found)
            return self._judged(step, found, scope)

        return self._guarded(step, ctx, retries_left, work)

    def by_hand(self, step: PlannedStep, told: Mapping[str, Any] | None, phase: str) -> Result | None:
        """The result of a step that a person completed, with the outputs that are known."""
        if not told or (told.get("step"), told.get("phase")) != (step.id, phase):
            return None
        return Result("done", dict(told.get("outputs") or {}), by_hand=told)

    def as_told(self, told: Mapping[str, Any], result: Result) -> Result:
        """A person completed the step just before it ended by itself: their word stands, with what the step still knew."""
        known = result.outputs or {} if result.outcome == "done" else {}
        return Result("done", {**known, **(told.get("outputs") or {})}, by_hand=told)

    def declared(self, step: PlannedStep) -> tuple[str, ...]:
        """The names of the step's outputs; none for a step that this version of the bot does not know."""
        kind = self._steps.get(step.do)
        return kind.outputs if kind else ()

    def told_by_recheck(self, step: PlannedStep, ctx: RunContext, scope: Mapping[str, Any]) -> Outputs:
        """What the step can tell of its outputs by itself; nothing if it cannot, or does not answer."""
        try:
            kind, arguments = self._step(step), self._arguments(step, scope)
            found, outputs = watched(ctx, lambda: kind.recheck(ctx, arguments))
        except Exception as error:  # noqa: BLE001 - a person waits for an answer: why the step has none is for the log
            _log.info("step.no_outputs", step=step.id, why=error)
            return {}
        return dict(outputs or {}) if found == "done" else {}

    def undo(
        self, step: PlannedStep, ctx: RunContext, scope: Mapping[str, Any], outputs: Outputs | None, tries: int
    ) -> Result:
        """Reverse the step; it is told its outputs if all of them are known."""

        def work() -> Result:
            kind, arguments = self._step(step), self._arguments(step, scope)
            whole = outputs if outputs is not None and set(kind.outputs) <= set(outputs) else None
            watched(ctx, lambda: kind.undo(ctx, arguments, whole))
            return Result("done")

        return self._guarded(step, ctx, UNDO_RETRIES - tries, work)

    def recheck(self, step: PlannedStep, ctx: RunContext, scope: Mapping[str, Any]) -> Result:
        """Ask the step whether it took effect: done, not_done, unknown, or failed if its check is not true.

        Unavailable if it cannot be known yet.
        """
        try:
            kind, arguments = self._step(step), self._arguments(step, scope)
            found, outputs = watched(ctx, lambda: kind.recheck(ctx, arguments))
        except Exception as error:  # any mistake of a step's code means that we do not know
            if ctx.interrupted:
                raise Lost from error
            if done := self.by_hand(step, ctx.by_hand, ctx.phase):
                return done
            if isinstance(error, OpsError) and error.again:
                raise Unavailable(error.what, error.fix) from error
            return Result("unknown", error=error.as_json() if isinstance(error, OpsError) else _unforeseen(step, error))
        if found == "done":
            return self._guarded(step, ctx, 0, lambda: self._judged(step, outputs or {}, scope))
        if found == "not_done":
            return Result("not_done")
        what = f"Nobody can tell whether “{step.name}” took effect."
        return Result(
            "unknown", error=StepFailed(what, "Look yourself before you try again.", code="unknown").as_json()
        )

    def _guarded(self, step: PlannedStep, ctx: RunContext, retries_left: int, work: Callable[[], Result]) -> Result:
        try:
            return work()
        except Exception as error:  # a mistake in one step's code must undo the run, not strand it
            if ctx.interrupted:
                raise Lost from error  # what went wrong may be our own stop; the next owner asks the step
            if done := self.by_hand(step, ctx.by_hand, ctx.phase):
                return done
            known = error.as_json() if isinstance(error, OpsError) else _unforeseen(step, error)
            if ctx.heeds_cancel and ctx.signals.cancel.is_set():
                return Result("cancelled", error=known, hung=isinstance(error, Hung))
            again = isinstance(error, OpsError) and error.again and retries_left > 0
            if isinstance(error, StepFailed) and error.untouched and ctx.phase == "do":
                return Result("not_begun", error=known)
            return Result("retry" if again else "failed", error=known, hung=isinstance(error, Hung))

    def _judged(self, step: PlannedStep, outputs: Outputs, scope: Mapping[str, Any]) -> Result:
        if step.check is not None:
            seen = {**scope, "steps": {**scope["steps"], step.id: outputs}}
            if not _truth(self._resolve(step.check, seen)):
                raise StepFailed(f"“{step.name}” ended, but its check is not true: {step.check}.", code="check")
        return Result("done", dict(outputs))

    def _step(self, step: PlannedStep) -> Step:
        try:
            return self._steps[step.do]
        except KeyError as error:
            raise NotFound(f"There is no step “{step.do}”.", "It existed when this was planned; plan again.") from error

    def _arguments(self, step: PlannedStep, scope: Mapping[str, Any]) -> Any:
        try:
            return self._step(step).With.model_validate(self._resolve(dict(step.arguments), scope))
        except ValidationError as invalid:
            first = invalid.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise StepFailed(
                f"“{step.name}” cannot use “{where}”: {first['msg']}.", "Correct the playbook."
            ) from invalid


def _truth(value: Json) -> bool:
    return value.strip().lower() not in ("", "false", "no", "0", "none") if isinstance(value, str) else bool(value)


def _unforeseen(step: PlannedStep, error: Exception) -> Mapping[str, Json]:
    _log.exception("step.bug", step=step.id, do=step.do)
    what = f"“{step.name}” failed in a way that nobody foresaw: {type(error).__name__}: {error}."
    return StepFailed(what, "The bot's log has the details.", code="bug").as_json()
