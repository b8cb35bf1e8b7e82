"""`releases`: what each environment has run, newest first, and where one can go back to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from opsbot.clock import ago
from opsbot.commands.reply import Button, Line, Lines, Part, Reply, Tone
from opsbot.commands.services import Asked
from opsbot.runtime.release import previous_good
from opsbot.store.rows import ReleaseRow

NONE_YET = "Nothing was deployed here by the bot yet. `deploy TAG {environment}` does it."
SHOWN_OF_ALL = 5
STATES: Mapping[str, tuple[Tone, str]] = {"live": ("ok", "live"), "retired": ("off", ""), "bad": ("bad", "blocked")}


def releases(asked: Asked, args: Mapping[str, Any]) -> Reply:
    """A table for each environment and service."""
    config, store = asked.services.config, asked.services.store
    environments = [args["environment"]] if args.get("environment") else list(config.environments)
    services = [args["service"]] if args.get("service") else list(config.services)
    limit = args.get("limit") or (20 if args.get("environment") else SHOWN_OF_ALL)
    parts: list[Part] = []
    found: dict[str, dict[str, list[ReleaseRow]]] = {}
    for environment in environments:
        for service in services:
            rows = store.releases.list(environment, service, limit)
            found.setdefault(environment, {})[service] = rows
            parts += _shown(asked, environment, service, rows)
    buttons = _way_back(found[environments[0]], environments[0]) if len(environments) == 1 else []
    where = f" in {environments[0]}" if len(environments) == 1 else ""
    return Reply(f"Releases{where}, newest first.", "info", parts, buttons, json=_json(found))


def _shown(asked: Asked, environment: str, service: str, rows: Sequence[ReleaseRow]) -> list[Part]:
    heading = f"{service} in {environment}"
    if not rows:
        return [Lines([Line("off", NONE_YET.format(environment=environment))], heading)]
    return [Lines([_line(asked, row) for row in rows], heading)]


def _line(asked: Asked, row: ReleaseRow) -> Line:
    """Its tag, number and state; when it went live, and by whom."""
    tone, word = STATES.get(row.state, ("off", row.state))
    when = ago(row.live_at or row.created_at, asked.services.clock.now())
    went = "went live" if row.live_at else "made"
    why = f"\n{row.note}" if row.note and row.state == "bad" else ""
    return Line(tone, f"*{row.tag}* {row.id} {word}".rstrip(), f"{went} {when} by {row.author}{why}")


def _way_back(services: Mapping[str, Sequence[ReleaseRow]], environment: str) -> list[Button]:
    """The button names both releases, so that an old message never goes back from another one."""
    for service, rows in services.items():
        live = next((row for row in rows if row.state == "live"), None)
        back = previous_good(rows, live.number) if live else None
        if live and back:
            command = f"rollback {environment} --service {service} --to {back.number} --from {live.number}"
            return [Button(f"Roll back to {back.tag}", command, "danger", f"Go back to {back.tag} in {environment}?")]
    return []


def _json(found: Mapping[str, Mapping[str, Sequence[ReleaseRow]]]) -> list[dict[str, Any]]:
    return [
        {
            "environment": environment,
            "service": service,
            "release": row.number,
            "tag": row.tag,
            "digest": row.digest,
            "revision": row.revision,
            "state": row.state,
            "note": row.note,
            "author": row.author,
            "run": row.run,
            "created_at": row.created_at.isoformat(),
            "live_at": row.live_at.isoformat() if row.live_at else None,
        }
        for environment, services in found.items()
        for service, rows in services.items()
        for row in rows
    ]
