"""Whether a queued run is still what was planned: it is planned again after its locks are held, before its first step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from opsbot.errors import OpsError
from opsbot.runs.plan import Plan, differences
from opsbot.store.rows import RunRow

Replan = Callable[[Plan], Plan]


@dataclass(frozen=True)
class Still:
    """`same`: it may begin. `away`: a part does not answer, so nobody can tell yet. `changed`: `why` says what differs."""

    answer: Literal["same", "away", "changed"]
    why: str = ""


def still(run: RunRow, plan: Plan, replan: Replan | None) -> Still:
    """Plan again and compare: the whole fingerprint if people approved it, otherwise the identities."""
    if replan is None:
        return Still("same")
    try:
        now = replan(plan)
    except OpsError as error:
        return Still("away" if error.again and error.code != "plan_changed" else "changed", error.sentence())
    away = [fact for fact in now.red if fact.again or fact.key == "unavailable"]
    if away and len(away) == len(now.red):
        return Still("away", " ".join(fact.text for fact in away))
    approved = run.approved_by is not None or run.glass is not None
    found = differences(plan, now, colors=approved)
    if approved and not found and now.fingerprint != run.fingerprint:
        found = ["It is not what was approved."]
    return Still("changed", " ".join(found)) if found else Still("same")
