"""Reading the journal: outputs of finished steps as templates see them, when a step's time began, what went wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from opsbot.runs.plan import Plan, PlannedStep
from opsbot.runs.run import TURNS_BACK, attempts, series
from opsbot.runs.step import Json
from opsbot.store.rows import JournalRow, RunRow


def scope(run: RunRow, plan: Plan, rows: Sequence[JournalRow]) -> dict[str, Any]:
    """What templates may name: {"params", "steps": {id: outputs}, "run": {"id", "actor", "environment"}}."""
    return {
        "params": dict(plan.params),
        "steps": {
            row.step: row.outputs or {} for row in rows if row.phase == "do" and row.outcome in ("done", "skipped")
        },
        "run": {"id": run.id, "actor": actor_name(run), "environment": run.environment},
    }


def actor_name(run: RunRow) -> str:
    """Who asked, as people call them."""
    return str(run.actor.get("name") or run.actor.get("id") or "somebody")


def deadline(rows: Sequence[JournalRow], step: PlannedStep, now: datetime) -> datetime:
    """When the step's time is over: it counts over all retries, and anew after each park."""
    tried = series(attempts(rows, step.id, "do"))
    began = tried[0].started_at if tried else now
    return began + timedelta(seconds=step.timeout)


def parked_state(rows: Sequence[JournalRow], step: str) -> Mapping[str, Json] | None:
    """The state that the step itself stored when it last parked; it outlives retries and crashes after that."""
    found = None
    for row in attempts(rows, step, "do"):
        if row.outcome == "parked" and row.outputs is not None and not asks_what_happened(row):
            found = row.outputs["state"]
    return found


def asks_what_happened(row: JournalRow | None) -> bool:
    """Whether the attempt is parked because only a human can tell if it took effect."""
    return row is not None and row.outcome == "parked" and bool((row.outputs or {}).get("unknown"))


def failure(rows: Sequence[JournalRow]) -> Mapping[str, Json] | None:
    """The error of the attempt that turned the run back: {"code", "what", "fix", "again"}."""
    return next((row.error for row in rows if row.phase == "do" and row.outcome in TURNS_BACK and row.error), None)
