"""`alerts`: what is wrong now and what was; `ack`: somebody looks after it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opsbot.clock import ago
from opsbot.commands import say
from opsbot.commands.reply import Button, Line, Lines, Part, Reply, Tone
from opsbot.commands.services import Asked
from opsbot.errors import NotFound
from opsbot.store.rows import AlertRow

TONES: Mapping[str, Tone] = {"firing": "bad", "acknowledged": "warn", "resolved": "ok"}
SHOWN = 10


def alerts(asked: Asked, args: Mapping[str, Any]) -> Reply:
    """The open ones, then the newest that are over."""
    wanted = args.get("environment")
    mine = [row for row in asked.services.store.alerts.open_ones() if wanted in (None, row.environment)]
    over = [
        row
        for row in asked.services.store.alerts.list(50)
        if row.state == "resolved" and wanted in (None, row.environment)
    ][:SHOWN]
    parts: list[Part] = []
    if mine:
        parts.append(Lines([_line(asked, row) for row in mine], heading="Open"))
    if over:
        parts.append(Lines([_line(asked, row) for row in over], heading="Over"))
    text = f"{say.number(len(mine), 'alert is', 'alerts are')} open." if mine else "No alert is open."
    buttons = [Button(f"Ack {row.id}", f"ack {row.id}") for row in mine if row.state == "firing"][:5]
    return Reply(text, "bad" if mine else "ok", parts, buttons, json=[_json(row) for row in (*mine, *over)])


def ack(asked: Asked, args: Mapping[str, Any]) -> Reply:
    """Say that one looks after an alert, so that the others need not."""
    store = asked.services.store
    meant = store.alerts.get(args["alert"])
    if meant is not None:
        asked.require("operator", "ack", meant.environment)
    row = store.alerts.ack(args["alert"], asked.actor.name, asked.services.clock.now())
    if row is None:
        raise NotFound(f"There is no open alert {args['alert']}.", "`alerts` lists the open ones.")
    return Reply(f"{asked.actor.name} looks after “{row.title}”.", "ok", json=_json(row))


def _line(asked: Asked, row: AlertRow) -> Line:
    now = asked.services.clock.now()
    repeats = f", {row.count} times" if row.count > 1 else ""
    if row.resolved_at is not None:
        lasted = say.seconds((row.resolved_at - row.opened_at).total_seconds())
        return Line("ok", f"{row.id} {row.title}", f"over {ago(row.resolved_at, now)}, lasted {lasted}{repeats}")
    by = f" by {row.acked_by}" if row.acked_by else ""
    why = f"\n{row.body['why']}" if row.body.get("why") else ""
    return Line(TONES[row.state], f"{row.id} {row.title}", f"{row.state}{by}, {ago(row.opened_at, now)}{repeats}{why}")


def _json(row: AlertRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "condition": row.condition,
        "title": row.title,
        "severity": row.severity,
        "environment": row.environment,
        "state": row.state,
        "count": row.count,
        "opened_at": row.opened_at.isoformat(),
        "resolved_at": row.resolved_at.isoformat() if row.resolved_at else None,
        "acked_by": row.acked_by,
        "why": row.body.get("why"),
        "page": row.body.get("page"),
    }
