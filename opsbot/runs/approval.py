"""A second person's yes or no, and what happens when nobody answers. Each is a conditional UPDATE: the first one counts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from opsbot.errors import Refused
from opsbot.runs.plan import Plan
from opsbot.runs.run import UNBEGUN
from opsbot.store import Store
from opsbot.store.rows import RunRow


def expires_at(plan: Plan, now: datetime) -> datetime | None:
    """When an unanswered plan expires; None if it needs no approval."""
    return None if plan.approval is None else now + timedelta(seconds=float(plan.approval.get("expires", 3600)))


def approve(store: Store, run: RunRow, by: Mapping[str, Any], now: datetime) -> None:
    """Let the run start. Refused if it does not wait for approval, or the approver is the one who asked."""
    if by.get("id") is not None and by.get("id") == run.actor.get("id"):
        raise Refused("You asked for this yourself.", "Another person has to approve it.", code="own_plan")
    who = str(by.get("name") or by.get("id"))
    event = ("approved", {"by": who})
    if not store.runs.transition(
        run.id, ["awaiting_approval"], "queued", now, event=event, approved_by=who, wake_at=None
    ):
        raise _not_waiting(run)


def reject(store: Store, run: RunRow, by: Mapping[str, Any], now: datetime) -> None:
    """End the run before it begins."""
    who = str(by.get("name") or by.get("id"))
    outcome = f"Rejected by {who}. {said(run, 'rejected', 'Nothing was changed.')}"
    if not _end(store, run.id, "awaiting_approval", "rejected", outcome, now):
        raise _not_waiting(run)


def expire(store: Store, run: RunRow, now: datetime) -> bool:
    """End a run whose time for approval is over."""
    outcome = said(run, "expired", "Nobody answered in time, so nothing was changed.")
    return _end(store, run.id, "awaiting_approval", "expired", outcome, now)


def refuse_changed(store: Store, run: RunRow, now: datetime) -> bool:
    """End an approved run whose facts are not those that were approved."""
    outcome = "What was approved is not what would happen now (plan_changed), so nothing was changed. Ask again."
    return _end(store, run.id, "queued", "rejected", outcome, now)


def withdraw(store: Store, run: RunRow, by: str, now: datetime) -> bool:
    """Cancel a run that has not begun."""
    outcome = f"Cancelled by {by} before it began. Nothing was changed."
    return any(_end(store, run.id, before, "cancelled", outcome, now, cancel_by=by) for before in UNBEGUN)


def said(run: RunRow, key: str, otherwise: str) -> str:
    """The playbook's own sentence for an outcome."""
    return str((run.plan.get("say") or {}).get(key) or otherwise)


def _end(store: Store, run: str, before: str, status: str, outcome: str, now: datetime, **columns: Any) -> bool:
    event = ("finished", {"status": status, "outcome": outcome})
    return store.runs.transition(
        run, [before], status, now, event=event, unlock=True, outcome=outcome, ended_at=now, wake_at=None, **columns
    )


def _not_waiting(run: RunRow) -> Refused:
    return Refused(f"Run {run.id} does not wait for approval: it is {run.status}.", code="not_waiting")
