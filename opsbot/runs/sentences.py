"""What the engine tells people: the bodies of its events, and the sentence that a run ends with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from opsbot.errors import OpsError
from opsbot.runs.approval import said
from opsbot.runs.attempt import Resolve, Result
from opsbot.runs.plan import PlannedStep
from opsbot.runs.run import End
from opsbot.store.events import Event
from opsbot.store.rows import RunRow


def step_ended(step: PlannedStep, result: Result, seconds: float) -> Event | None:
    """The event of an attempt that ended; None if it parked or is to be tried again after a crash."""
    body: dict[str, Any] = {"step": step.id, "seconds": round(seconds, 3)}
    match result.outcome:
        case "done":
            hand = result.by_hand or {}
            by = {"by": hand.get("by"), "evidence": hand.get("evidence")} if hand else {}
            return "step_done", {**body, "outputs": dict(result.outputs or {}), **by}
        case "skipped":
            return "step_skipped", body
        case "retry":
            return "say", {"step": step.id, "text": f"{step.name}: {_what(result.error)} Trying again."}
        case "failed" | "not_begun" | "unknown" | "cancelled":
            return "step_failed", {
                **body,
                "error": dict(result.error or {}),
                "cancelled": result.outcome == "cancelled",
            }
    return None


def undo_ended(step: PlannedStep, result: Result) -> Event | None:
    """The event of an undo that ended; None if it is tried again."""
    if result.outcome == "done":
        return "undo_done", {"step": step.id}
    if result.outcome == "failed":
        return "undo_failed", {"step": step.id, "error": dict(result.error or {})}
    return None


def woken(run: RunRow, owner: str) -> Event | None:
    """Why a parked run goes on; nothing is told when only its time has come."""
    parked = run.parked or {}
    body = {"owner": owner, "step": parked.get("step")}
    if run.cancel_by is not None:
        return "resumed", {**body, "found": "cancelled", "by": run.cancel_by}
    if parked.get("answer") is not None:
        return "resumed", {**body, "found": "answered", "by": parked.get("by"), "answer": parked["answer"]}
    return None


Say = Callable[[str, str], str]


def says(run: RunRow, resolve: Resolve, scope: Mapping[str, Any]) -> Say:
    """The playbook's own sentence by key: of what was really done, else as it was planned, else another one."""
    templates = run.plan.get("sentences") or {}

    def say(key: str, otherwise: str) -> str:
        planned = said(run, key, otherwise)
        try:
            return str(resolve(templates[key], scope)) if key in templates else planned
        except OpsError:
            return planned  # it speaks of a step that did not get so far

    return say


def outcome(end: End, run: RunRow, say: Say) -> str:
    """The sentence that the run ends with: the playbook's own where it has one."""
    stays = "".join(f" “{step.name}” is not undone: {step.why_no_undo}." for step in end.stays)
    if end.stuck is not None:
        left = ", ".join(f"“{step.name}”" for step in end.left)
        what = f"{run.title} failed, and “{end.stuck.name}” could not be undone. A human is needed."
        return f"{what} Still to be reversed by hand, in this order: {left}.{stays}"
    match end.status:
        case "succeeded":
            late = f" It was over before {run.cancel_by} could stop it." if run.cancel_by else ""
            return say("success", f"{run.title}: done.") + late
        case "cancelled":
            kept = " Else what" if stays else " What"
            return f"Stopped by {run.cancel_by or 'a person'}.{stays}{kept} it had done was undone."
    undone = "" if stays else " What it had done was undone."
    return say("failure", f"{run.title} did not work.{undone}") + stays


def unreadable(run: RunRow) -> str:
    """The end of a run whose plan this version of the bot cannot read."""
    began = " It had begun: look what it left behind. A human is needed." if run.started_at else " Nothing was changed."
    return f"{run.title} stopped: its plan was made by another version of the bot and cannot be read.{began}"


def broken(run: RunRow, error: Exception) -> str:
    """The end of a run that the bot cannot drive, for a mistake of its own."""
    began = " It had begun: look what it left behind. A human is needed." if run.started_at else " Nothing was changed."
    return f"{run.title} stopped: a mistake in the bot ({type(error).__name__}), which its log shows.{began}"


def _what(error: Mapping[str, Any] | None) -> str:
    return str((error or {}).get("what") or "it failed.")
