"""`releases`: what each environment has run, newest first, and where one can go back to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from opsbot.clock import ago
from opsbot.commands.reply import Button, Part, Reply, Small, Table, Words
from opsbot.commands.services import Asked
from opsbot.runtime.release import previous_good
from opsbot.store.rows import ReleaseRow

NONE_YET = "Nothing was deployed here by the bot yet. `deploy TAG {environment}` does it."
SHOWN_OF_ALL = 5


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
    title = Words(f"*{environment} {service}*")
    if not rows:
        return [title, Words(NONE_YET.format(environment=environment))]
    now = asked.services.clock.now()
    table = Table(
        ("", "tag", "state", "when", "by"),
        [(str(row.number), row.tag, row.state, ago(row.live_at or row.created_at, now), row.author) for row in rows],
    )
    notes = [Small(f"Release {row.number}: {row.note}") for row in rows if row.note and row.state == "bad"]
    return [title, table, *notes]


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
