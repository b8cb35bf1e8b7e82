"""The lock of a run's target: what is asked for, and how a refusal is told."""

from __future__ import annotations

from datetime import datetime

from opsbot.clock import ago
from opsbot.errors import Refused
from opsbot.runs.plan import Plan
from opsbot.store.rows import LockRow


def wish(plan: Plan, run: str, who: str, now: datetime) -> LockRow | None:
    """The lock that the plan needs; it has no expiry, because it is released in the transaction that ends the run."""
    return None if plan.lock is None else LockRow(plan.lock, run, who, plan.title, now, None)


def refusal(holder: LockRow, now: datetime) -> Refused:
    """Who holds the target, why and since when, and what the asker can do."""
    until = "" if holder.expires is None else f" until {holder.expires:%H:%M} UTC"
    what = f"{holder.target} is locked by {holder.who} since {ago(holder.since, now)}{until}: {holder.reason}."
    fix = f"Wait until it ends, or stop it: cancel {holder.run}." if holder.run else f"Ask {holder.who} to unlock it."
    return Refused(what.replace("since just", "just"), fix, code="locked")
