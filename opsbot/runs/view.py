"""What a card shows of a run: a pure fold of its row and its events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from opsbot.runs.run import UNANSWERED
from opsbot.runs.step import Fact
from opsbot.store.rows import EventRow, RunRow

StepState = Literal[
    "pending", "running", "waiting", "done", "skipped", "failed", "cancelled", "undoing", "undone", "undo_failed"
]


Body = Mapping[str, Any]
Then = Literal["", "went on", "went back", "a person was asked"]
ASKED: Then = "a person was asked"


@dataclass(frozen=True)
class StepView:
    """One step's line. `progress` is (done, total, text); `note` is the latest remark, error or question about it."""

    id: str
    name: str
    state: StepState = "pending"
    seconds: float | None = None
    progress: tuple[float, float, str] | None = None
    note: str = ""
    started_at: datetime | None = None
    outputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Takeover:
    """What the owner after a dead one found: the step at hand ("" = it died between two), done | not_done | unknown | failed |
    cancelled | undoing | between, and what that led to (empty as long as nothing follows)."""

    step: str
    found: str
    then: Then = ""


@dataclass(frozen=True)
class RunView:
    """A run as people see it. `error` is {"code", "what", "fix", "again"} of what went wrong first, `undo_error` of an undo.

    `ask` and `until` are set only while the run waits; `choices`: the words that alone answer what it asks, if only some do.
    `code`: why it ended before it began. `approvals`: who said yes so far.
    `glass`: {"by", "who", "reason", "until"} if it was broken. `left`: ids of steps that people have to reverse. `resumed`: how often another owner took over, `taken` the last time. `cursor` is the number of the last event folded in.
    """

    id: str
    playbook: str
    title: str
    status: str
    environment: str | None
    actor: str
    door: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    steps: tuple[StepView, ...]
    facts: tuple[tuple[str, Fact], ...]
    outcome: str | None
    params: Mapping[str, Any] = field(default_factory=dict)
    approval: Mapping[str, Any] | None = None
    approved_by: str | None = None
    cancel_by: str | None = None
    error: Mapping[str, Any] | None = None
    undo_error: Mapping[str, Any] | None = None
    ask: str | None = None
    choices: tuple[str, ...] = ()
    until: datetime | None = None
    code: str | None = None
    approvals: tuple[str, ...] = ()
    glass: Mapping[str, Any] | None = None
    left: tuple[str, ...] = ()
    resumed: int = 0
    taken: Takeover | None = None
    said: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    fingerprint: str = ""
    channel: str | None = None
    thread: str | None = None
    cursor: int = 0

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.ended_at is not None

    def step(self, id: str) -> StepView | None:
        """One step's line by its id."""
        return next((step for step in self.steps if step.id == id), None)


def fold(run: RunRow, events: Iterable[EventRow]) -> RunView:
    """The view of a run from all its events. Kinds that it does not know are passed over."""
    view = _start(run)
    for event in events:
        view = replace(_apply(view, event), cursor=event.seq)
    waits = run.status == "waiting" and run.parked is not None
    parked = run.parked if waits and run.parked else {}
    until = parked.get("until")
    return replace(
        view,
        ask=parked.get("ask") if parked.get("answer") is None else None,
        choices=tuple(parked.get("choices") or ()) if parked.get("answer") is None else (),
        until=datetime.fromisoformat(until) if until else run.wake_at if run.status in UNANSWERED else None,
    )


def _start(run: RunRow) -> RunView:
    plan = run.plan
    return RunView(
        id=run.id,
        playbook=run.playbook,
        title=run.title,
        status=run.status,
        environment=run.environment,
        actor=str(run.actor.get("name") or run.actor.get("id") or "somebody"),
        door=run.door,
        created_at=run.created_at,
        started_at=run.started_at,
        ended_at=run.ended_at,
        steps=tuple(StepView(step["id"], step["name"]) for step in plan.get("steps", ())),
        facts=tuple(_facts(plan)),
        outcome=run.outcome,
        params=plan.get("params") or {},
        approval=plan.get("approval"),
        approved_by=run.approved_by,
        cancel_by=run.cancel_by,
        glass=run.glass,
        fingerprint=run.fingerprint,
        channel=run.channel,
        thread=run.thread,
    )


def _facts(plan: Mapping[str, Any]) -> Iterable[tuple[str, Fact]]:
    """The plan's facts, also of a plan that another version of the bot made."""
    for step, fact in plan.get("facts", ()):
        yield step, Fact(fact.get("key", ""), fact.get("color", "green"), fact.get("text", ""), fact.get("bind"))


def _apply(view: RunView, event: EventRow) -> RunView:
    body = event.body
    step = view.step(str(body.get("step")))
    if step is not None:
        view = _with_step(view, _apply_to_step(step, event))
    sums = _SUMS.get(event.kind)
    view = replace(view, **sums(view, body)) if sums else view
    return (
        replace(view, taken=_with_what_followed(view.taken, event, view.step(str(body.get("step")))))
        if view.taken
        else view
    )


def _apply_to_step(step: StepView, event: EventRow) -> StepView:
    if event.kind == "step_started":
        return StepView(step.id, step.name, "running", started_at=event.at)
    if event.kind == "resumed" and step.state != "waiting":
        return step
    changes = _CHANGES.get(event.kind)
    return replace(step, **changes(event.body)) if changes else step


def _failed(body: Body) -> Body:
    state = "cancelled" if body.get("cancelled") else "failed"
    return {"state": state, "seconds": body.get("seconds"), "progress": None, "note": _what(body)}


def _by_whom(body: Body) -> str:
    return f"Done by hand by {body.get('by')}: {body.get('evidence')}" if body.get("by") else ""


def _by_hand(body: Body) -> Body:
    note = _by_whom(body)
    return {"note": note, "state": "undone", "progress": None} if body.get("phase") == "undo" else {"note": note}


def _resumed(view: RunView, body: Body) -> Body:
    """A run that a person's word woke was not taken over."""
    if "by" in body:
        return {}
    step = view.step(str(body.get("step")))
    found = "undoing" if step and step.state == "undoing" else str(body.get("found") or "between")
    return {"resumed": view.resumed + 1, "taken": Takeover(step.name if step else "", found)}


def _with_what_followed(taken: Takeover, event: EventRow, step: StepView | None) -> Takeover:
    """The first thing that happened after it; how the step at hand had ended is part of what was found."""
    if taken.then or event.kind == "resumed":
        return taken
    going_back = step is not None and step.state in ("undoing", "undone", "undo_failed")
    if going_back or (event.kind == "finished" and event.body.get("status") != "succeeded"):
        return replace(taken, then="went back")
    if event.kind == "parked" and event.body.get("ask") and taken.found == "unknown":
        return replace(taken, then=ASKED)
    goes_on = _GOES_ON | (_ENDS if taken.found in ("between", "not_done") else set())
    return replace(taken, then="went on") if event.kind in goes_on else taken


_GOES_ON = {"step_started", "step_skipped", "parked", "progress", "finished"}
_ENDS = {"step_done", "step_failed"}


def _stopped(step: StepView) -> StepView:
    """A run that ended leaves no step at work: it was given up in the middle of this one."""
    return replace(step, state="cancelled", progress=None, note="") if step.state in ("running", "waiting") else step


def _what(body: Body) -> str:
    return str((body.get("error") or {}).get("what", ""))


_CHANGES: dict[str, Callable[[Body], Body]] = {
    "progress": lambda body: {"progress": (body["done"], body["total"], body.get("text", ""))},
    "say": lambda body: {"note": str(body.get("text", ""))},
    "step_done": lambda body: {
        "state": "done",
        "seconds": body.get("seconds"),
        "progress": None,
        "note": _by_whom(body),
        "outputs": body.get("outputs") or {},
    },
    "step_skipped": lambda body: {"state": "skipped"},
    "step_failed": _failed,
    "parked": lambda body: {"state": "waiting", "note": str(body.get("ask") or body.get("say") or "")},
    "resumed": lambda body: {"state": "running", "note": ""},
    "by_hand": _by_hand,
    "undo_started": lambda body: {"state": "undoing", "progress": None},
    "undo_done": lambda body: {"state": "undone", "progress": None},
    "undo_failed": lambda body: {"state": "undo_failed", "progress": None, "note": _what(body)},
}


_SUMS: dict[str, Callable[[RunView, Body], Body]] = {
    "submitted": lambda _, body: {"own": tuple(body.get("own") or ())},
    "say": lambda view, body: {"said": (*view.said, str(body.get("text", "")))},
    "step_failed": lambda view, body: {"error": view.error or body.get("error") or None},
    "undo_failed": lambda _, body: {"undo_error": body.get("error") or None},
    "approval": lambda view, body: {"approvals": (*view.approvals, str(body.get("by", "")))},
    "by_hand": lambda view, body: {"left": () if body.get("phase") == "undo" else view.left},
    "resumed": _resumed,
    "finished": lambda view, body: {
        "code": body.get("code"),
        "left": tuple(body.get("left") or ()),
        "steps": tuple(_stopped(step) for step in view.steps),
    },
}


def _with_step(view: RunView, changed: StepView) -> RunView:
    return replace(view, steps=tuple(changed if step.id == changed.id else step for step in view.steps))
