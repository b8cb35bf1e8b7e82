"""The one message of a quiet day: what ran, what was wrong, where the record ended. What needs nobody is told nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime

from opsbot.commands import say
from opsbot.commands.alerts import TONES as OF_ALERTS
from opsbot.commands.reply import Line, Lines, Part, Reply, Small
from opsbot.commands.runs import TONES as OF_RUNS
from opsbot.store import Store
from opsbot.store.audit import Head
from opsbot.store.rows import AlertRow, RunRow

LOOKED_THROUGH = 500  # newest runs and alerts
SHOWN = 10  # lines of each kind
NEEDS_PEOPLE = ("awaiting_approval", "countdown", "failed")


def worth_a_message(run: RunRow) -> bool:
    """Whether a run is told by itself. What the schedule did is part of the day's message; when it fails, an alert says so."""
    asks = run.status == "waiting" and bool((run.parked or {}).get("ask"))
    return run.door != "schedule" or run.status in NEEDS_PEOPLE or asks


def daily(store: Store, head: Head, zone: str) -> Reply:
    """What there is to say of the day (UTC) that the record's head closes; times in `zone`."""
    runs = [run for run in store.runs.list(LOOKED_THROUGH) if _on(run.created_at, head.day)]
    alerts = [alert for alert in store.alerts.list(LOOKED_THROUGH) if _on(alert.opened_at, head.day)]
    scheduled, asked = ([run for run in runs if (run.door == "schedule") is by] for by in (True, False))
    lines = [*_scheduled(scheduled), *_asked(asked, zone)]
    parts: list[Part] = [Lines(lines)] if lines else []
    parts += [Lines([_alert(alert) for alert in alerts[:SHOWN]], "Alerts")] if alerts else []
    parts += [Small(f"The audit of {head.day.isoformat()} ends with row {head.number}."), Small(head.hash)]
    bad = [run for run in runs if run.status in ("failed", "undone")]
    wrong = [say.number(len(bad), "run") + " did not work"] if bad else []
    wrong += [say.number(len(alerts), "alert")] if alerts else []
    day = f"{head.day:%A} {head.day.day} {head.day:%b}"
    return Reply(f"{day}: {' and '.join(wrong) or 'all went well'}.", "warn" if wrong else "ok", parts)


def _on(moment: datetime, day: date) -> bool:
    return moment.astimezone(UTC).date() == day


def _scheduled(runs: Iterable[RunRow]) -> list[Line]:
    """`Back up main of production — 8 of 8 done`"""
    titles: dict[str, list[str]] = {}
    for run in runs:
        titles.setdefault(run.title, []).append(run.status)
    return [
        Line(
            "ok" if set(statuses) == {"succeeded"} else "bad",
            title,
            f"{statuses.count('succeeded')} of {len(statuses)} done",
        )
        for title, statuses in sorted(titles.items())
    ][:SHOWN]


def _asked(runs: Sequence[RunRow], zone: str) -> list[Line]:
    more = [Line("off", f"and {len(runs) - SHOWN} more", "`runs` lists them")] if len(runs) > SHOWN else []
    return [*(_one(run, zone) for run in reversed(runs[:SHOWN])), *more]


def _one(run: RunRow, zone: str) -> Line:
    when = say.clock_time(run.created_at, zone, run.created_at)
    note = f"{run.status.replace('_', ' ')}, {when} by {run.actor.get('name', 'somebody')}"
    return Line(OF_RUNS.get(run.status, "busy"), run.title, note)


def _alert(alert: AlertRow) -> Line:
    times = f", {alert.count} times" if alert.count > 1 else ""
    return Line(OF_ALERTS[alert.state], alert.title, f"{alert.state}{times}")
