"""A run's statuses, the allowed transitions, and the one pure decision: given plan and journal, what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from opsbot.runs.plan import Plan, PlannedStep
from opsbot.runs.step import Outputs
from opsbot.store.rows import JournalRow

TRANSITIONS: dict[str, frozenset[str]] = {
    "awaiting_approval": frozenset({"countdown", "queued", "rejected", "expired", "cancelled", "failed"}),
    "countdown": frozenset({"queued", "rejected", "cancelled", "failed"}),
    "queued": frozenset({"running", "rejected", "expired", "cancelled", "failed"}),
    "running": frozenset({"waiting", "undoing", "succeeded", "failed"}),
    "waiting": frozenset({"running", "failed"}),
    "undoing": frozenset({"undone", "cancelled", "failed"}),
    "failed": frozenset({"undoing"}),  # a person did by hand what could not be undone: the rest is reversed
}
FINAL = frozenset({"succeeded", "undone", "cancelled", "failed", "rejected", "expired"})
UNANSWERED = ("awaiting_approval", "countdown")
UNBEGUN = (*UNANSWERED, "queued")
DRIVEN = ("running", "undoing")

CONTINUES = frozenset({"done", "skipped"})
AGAIN = frozenset({"retry", "parked", "not_done"})
NEVER_BEGAN = frozenset({"skipped", "not_begun"})
BAD = frozenset({"failed", "not_begun", "unknown"})
TURNS_BACK = BAD | {"cancelled"}


def sources(status: str) -> tuple[str, ...]:
    """The statuses from which a run may come to `status`."""
    return tuple(before for before, after in TRANSITIONS.items() if status in after)


@dataclass(frozen=True)
class Recheck:
    """The owner died, or lost the store, between the intention and the result of this attempt."""

    step: PlannedStep
    row: JournalRow


@dataclass(frozen=True)
class Do:
    """Run the step. `last` is its last attempt, if there was one; `tries` counts the attempts since it last went well."""

    step: PlannedStep
    attempt: int
    last: JournalRow | None
    tries: int


@dataclass(frozen=True)
class TurnBack:
    """Go back from here: the run becomes undoing."""


@dataclass(frozen=True)
class Undo:
    """Reverse the step; `outputs` None = it is not known whether it finished."""

    step: PlannedStep
    attempt: int
    outputs: Outputs | None
    tries: int


@dataclass(frozen=True)
class End:
    """Nothing is left to do. `stays`: steps that began and are not undone; `stuck`: the step whose undo failed.

    `left`: what is still to be reversed, in that order, the stuck one first.
    """

    status: str
    stays: tuple[PlannedStep, ...] = ()
    stuck: PlannedStep | None = None
    left: tuple[PlannedStep, ...] = ()


Move = Recheck | Do | TurnBack | Undo | End


def next_move(plan: Plan, rows: Sequence[JournalRow], status: str, cancel_by: str | None) -> Move:
    """What a running or undoing run needs now. It depends on nothing else, so any owner decides the same."""
    half = next((row for row in rows if row.ended_at is None), None)
    if half is not None:
        return Recheck(next(step for step in plan.steps if step.id == half.step), half)
    return _backward(plan, rows) if status == "undoing" else _forward(plan, rows, cancel_by)


def _forward(plan: Plan, rows: Sequence[JournalRow], cancel_by: str | None) -> Move:
    for step in plan.steps:
        tried = attempts(rows, step.id, "do")
        last = tried[-1] if tried else None
        if last is not None and last.outcome in CONTINUES:
            continue
        if cancel_by is not None or (last is not None and last.outcome in TURNS_BACK):
            return TurnBack()
        return Do(step, last.attempt + 1 if last else 1, last, _tries(tried))
    return End("succeeded")


def _backward(plan: Plan, rows: Sequence[JournalRow]) -> Move:
    stays: list[PlannedStep] = []
    began = _to_reverse(plan, rows)
    for number, step in enumerate(began):
        tried = attempts(rows, step.id, "do")
        if not step.undo:
            stays += [step] if step.why_no_undo else []
            continue
        undone = attempts(rows, step.id, "undo")
        if not undone or undone[-1].outcome in AGAIN:
            outputs = tried[-1].outputs if tried[-1].outcome == "done" else None
            return Undo(step, len(undone) + 1, outputs, _tries(undone))
        if undone[-1].outcome == "failed":
            rest = began[number:]
            stays += [each for each in rest if not each.undo and each.why_no_undo]
            return End("failed", tuple(stays), stuck=step, left=tuple(each for each in rest if each.undo))
    return End(_how_it_ended(rows, stays), tuple(stays))


def _to_reverse(plan: Plan, rows: Sequence[JournalRow]) -> list[PlannedStep]:
    """The steps that began, last first. What a step keeps is not undone when a later one that lasts has begun as well."""
    found: list[PlannedStep] = []
    lasting: list[str] = []
    for step in reversed(plan.steps):
        if _began(rows, step):
            found.append(_kept(step, attempts(rows, step.id, "do")[-1], lasting) if step.keeps and lasting else step)
            lasting[:0] = [f"“{step.name}”"] if step.lasts else []
    return found


def _kept(step: PlannedStep, last: JournalRow, lasting: Sequence[str]) -> PlannedStep:
    outputs = last.outputs or {}
    made = outputs.get(step.keeps or "")
    if step.keeps in outputs and not made:
        return step  # there was nothing to make
    named = f"the {step.keeps} {made}" if made else "what it made"
    why = f"{named} stays, because {' and '.join(lasting)} cannot be taken back"
    return replace(step, undo=False, why_no_undo=why)


def _began(rows: Sequence[JournalRow], step: PlannedStep) -> bool:
    return any(row.outcome not in NEVER_BEGAN for row in attempts(rows, step.id, "do"))


def _how_it_ended(rows: Sequence[JournalRow], stays: Sequence[PlannedStep]) -> str:
    """A failed step without undo leaves something that nobody knows, so that run is failed and not undone."""
    bad = {row.step for row in rows if row.phase == "do" and row.outcome in BAD}
    if any(step.id in bad for step in stays):
        return "failed"
    return "undone" if bad else "cancelled"


def attempts(rows: Sequence[JournalRow], step: str, phase: str) -> list[JournalRow]:
    """The attempts of a step in one phase, oldest first."""
    return [row for row in rows if row.step == step and row.phase == phase]


def series(tried: Sequence[JournalRow]) -> list[JournalRow]:
    """The failed attempts since the step was begun afresh: after a park or a crash its time and its retries count anew."""
    kept: list[JournalRow] = []
    for row in reversed(tried):
        if row.outcome != "retry":
            break
        kept.insert(0, row)
    return kept


def _tries(tried: Sequence[JournalRow]) -> int:
    return len(series(tried))
