"""`audit`: who did what, also what was refused; `audit verify`: whether the record is whole."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from opsbot.commands import say
from opsbot.commands.reply import Line, Lines, Part, Reply, Small, Tone
from opsbot.commands.services import Asked
from opsbot.errors import OpsError
from opsbot.playbooks import moments
from opsbot.store.audit import Kept
from opsbot.store.rows import AuditRow

SHOWN = 20
ODD = "Beside the heads in the bucket: ask who put it there"
WELL = ("ok", "succeeded", "queued", "awaiting_approval", "running", "waiting", "countdown")


def audit(asked: Asked, args: Mapping[str, Any]) -> Reply:
    """The newest rows; `since`: a length such as 2d, or a day."""
    since = _since(args.get("since"), asked)
    rows = asked.services.store.audit.list(args.get("limit") or SHOWN, since, args.get("who"), args.get("what"))
    if not rows:
        return Reply("Nothing of that kind was recorded.", "info", json=[])
    shown = Lines([_line(asked, row) for row in rows])
    return Reply("Who did what, newest first.", "info", [shown], json=[_json(row) for row in rows])


def verify(asked: Asked, args: Mapping[str, Any]) -> Reply:
    """Walk the whole chain, and hold it against the heads in the bucket. A failure when somebody changed the past."""
    kept, unknown = _kept(asked)
    found = asked.services.store.audit.verify(kept.heads)
    body = {"ok": found.ok, "rows": found.rows, "head": found.head, "broken": found.broken, "why": found.why}
    body["odd"] = list(kept.odd)
    odd: list[Part] = [Lines([Line("warn", sentence) for sentence in kept.odd[:SHOWN]], ODD)] if kept.odd else []
    if found.ok:
        text = f"The record is whole: {say.number(found.rows, 'row')}, each fits the one before."
        fits = "all fit" if kept.heads else "none yet"
        heads = unknown or f"{say.number(len(kept.heads), 'head')} kept in the bucket: {fits}."
        tone: Tone = "warn" if unknown or odd else "ok"
        return Reply(text, tone, [*odd, Small(heads), Small(f"Last: {found.head[:16] or 'none yet'}")], json=body)
    text = f"The record was changed at row {found.broken}. {found.why}"
    return Reply(text, "bad", odd, json=body, ok=False, code="audit_broken", exit_code=1)


def _kept(asked: Asked) -> tuple[Kept, str]:
    try:
        return asked.services.heads(), ""
    except OpsError as error:
        return Kept(), f"Only the chain was looked at, not what is kept elsewhere: {error.what}"


def _since(word: str | None, asked: Asked) -> datetime | None:
    return moments.since(word, asked.actor.timezone, asked.services.clock.now()) if word is not None else None


def _line(asked: Asked, row: AuditRow) -> Line:
    now = asked.services.clock.now()
    tone: Tone = "ok" if row.outcome in WELL else "warn"
    subject = f" {row.target}" if row.target else ""
    when = say.clock_time(row.at, asked.actor.timezone, now)
    reason = row.body.get("reason") or row.body.get("evidence") or row.body.get("why") or ""
    words = f" Asked: {row.body['asked']}." if row.body.get("asked") else ""
    note = f"{row.number}, {when}, {row.door}: {row.outcome.replace('_', ' ')}{f'. {reason}' if reason else ''}{words}"
    return Line(tone, f"{row.actor.get('name') or row.actor.get('id')}: {row.what}{subject}", note)


def _json(row: AuditRow) -> dict[str, Any]:
    return {
        "number": row.number,
        "at": row.at.isoformat(),
        "who": row.actor.get("name"),
        "id": row.actor.get("id"),
        "uid": row.actor.get("uid"),
        "tty": row.actor.get("tty"),
        "door": row.door,
        "what": row.what,
        "target": row.target,
        "outcome": row.outcome,
        "body": row.body,
        "hash": row.hash,
    }
