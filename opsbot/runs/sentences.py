"""What the engine tells people: the bodies of its events, and the sentence that a run ends with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opsbot.runs.approval import said
from opsbot.runs.attempt import Result
from opsbot.runs.plan import PlannedStep
from opsbot.runs.run import End
from opsbot.store.events import Event
from opsbot.store.rows import RunRow


def step_ended(step: PlannedStep, result: Result, seconds: float) -> Event | None:
    """The event of an attempt that ended; None if it parked or is to be tried again after a crash."""
    body: dict[str, Any] = {"step": step.id, "seconds": round(seconds, 3)}
    match result.outcome:
        case "done":
            return "step_done", {**body, "outputs": dict(result.outputs or {})}
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


def outcome(end: End, run: RunRow) -> str:
    """The sentence that the run ends with: the playbook's own where it has one."""
    stays = "".join(f" “{step.name}” is not undone: {step.why_no_undo}." for step in end.stays)
    if end.stuck is not None:
        return f"{run.title} failed, and “{end.stuck.name}” could not be undone. A human is needed.{stays}"
    match end.status:
        case "succeeded":
            late = f" It was over before {run.cancel_by} could stop it." if run.cancel_by else ""
            return said(run, "success", f"{run.title}: done.") + late
        case "cancelled":
            return f"Stopped by {run.cancel_by or 'a person'}. What it had done was undone.{stays}"
    return said(run, "failure", f"{run.title} did not work. What it had done was undone.") + stays


def _what(error: Mapping[str, Any] | None) -> str:
    return str((error or {}).get("what") or "it failed.")
