"""`runs`: what was done, by whom, how it ended; `runs ID`: one of them, step by step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opsbot.clock import ago
from opsbot.commands import say
from opsbot.commands.find_run import find_run
from opsbot.commands.reply import Code, Line, Lines, Reply, Tone
from opsbot.commands.run_card import run_card
from opsbot.commands.services import Asked
from opsbot.runs.view import fold
from opsbot.store.rows import EventRow, RunRow

TONES: Mapping[str, Tone] = {
    "succeeded": "ok",
    "undone": "bad",
    "failed": "bad",
    "cancelled": "warn",
    "rejected": "warn",
    "expired": "warn",
}
SHOWN = 10
LINES_SHOWN = 40


def runs(asked: Asked, args: Mapping[str, Any]) -> Reply:
    """The newest runs, or one in detail."""
    if args.get("run"):
        return _one(asked, args["run"])
    environment = args.get("environment")
    rows = asked.services.store.runs.list(args.get("limit") or SHOWN, environment=environment)
    if not rows:
        return Reply("Nothing was done yet.", "info", json=[])
    where = f" in {environment}" if environment else ""
    ends = asked.services.store.events.ends(row.id for row in rows)
    json = [_json(row, (ends.get(row.id) or {}).get("code")) for row in rows]
    return Reply(f"The newest runs{where}.", "info", [Lines([_line(asked, row) for row in rows])], json=json)


def _one(asked: Asked, word: str) -> Reply:
    row = find_run(asked.services.store, word)
    events = asked.services.store.events.after(row.id, 0)
    view = fold(row, events)
    card = run_card(view, asked.services.playbooks.get(row.playbook))
    log = [_told(event, row) for event in events if event.kind != "progress"]
    detail = {
        **_json(row, view.code),
        "events": [
            {"seq": event.seq, "at": event.at.isoformat(), "kind": event.kind, "body": event.body} for event in events
        ],
    }
    return Reply(card.text, card.tone, [*card.parts, Code("\n".join(log[-LINES_SHOWN:]))], card.buttons, json=detail)


def _told(event: EventRow, row: RunRow) -> str:
    """`+12.3 s step_done migrate`: what happened, counted from the run's beginning."""
    passed = (event.at - row.created_at).total_seconds()
    body = event.body
    subject = body.get("step") or body.get("status") or ""
    error = body.get("error")
    said = body.get("text") or body.get("outcome") or (error.get("what") if isinstance(error, Mapping) else error) or ""
    return f"+{passed:.1f} s {event.kind} {subject} {said}".rstrip()


def _line(asked: Asked, row: RunRow) -> Line:
    now = asked.services.clock.now()
    took = ""
    if row.started_at and row.ended_at:
        took = f", took {say.seconds((row.ended_at - row.started_at).total_seconds())}"
    status = row.status.replace("_", " ")
    note = f"{status} {ago(row.created_at, now)} by {row.actor.get('name', 'somebody')}{took}, {row.id}"
    return Line(TONES.get(row.status, "busy"), row.title, note)


def _json(row: RunRow, code: str | None) -> dict[str, Any]:
    """`code`: why it ended before it began."""
    return {
        "id": row.id,
        "number": row.number,
        "playbook": row.playbook,
        "title": row.title,
        "environment": row.environment,
        "status": row.status,
        "code": code,
        "outcome": row.outcome,
        "actor": row.actor.get("name"),
        "door": row.door,
        "created_at": row.created_at.isoformat(),
        "started_at": row.started_at.isoformat() if row.started_at else None,
        "ended_at": row.ended_at.isoformat() if row.ended_at else None,
    }
