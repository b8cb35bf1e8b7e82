"""The App Home: the panel of every environment and the last runs, for one person; and what makes it worth showing anew."""

from __future__ import annotations

from collections.abc import Hashable

from opsbot.commands import say
from opsbot.commands.panel import moment, panel
from opsbot.commands.reply import Button, Line, Lines, Reply
from opsbot.commands.runs import TONES
from opsbot.commands.services import Asked, Services
from opsbot.commands.tree import Tree
from opsbot.store.rows import RunRow

RUNS = 6


def home(asked: Asked, tree: Tree) -> list[Reply]:
    """One reply for each block of the page."""
    *boards, closing = panel(asked, tree, list(asked.services.config.environments))
    rows = asked.services.store.runs.list(RUNS)
    runs = [Reply("*Last runs*", "info", [Lines([_run(asked, row) for row in rows])], [Button("All runs", "runs")])]
    return [*boards, *(runs if rows else []), closing]


def state(services: Services) -> Hashable:
    """Equal as long as no page needs to be shown anew: what is live, what runs, what is open, what the probes say."""
    store, config = services.store, services.config
    return (
        tuple((run.id, run.status) for run in store.runs.list(RUNS)),
        tuple(run.id for run in store.runs.by_status(["awaiting_approval"])),
        tuple((alert.id, alert.state) for alert in store.alerts.open_ones()),
        tuple(_live(services, name, service) for name in config.environments for service in config.services),
        tuple((name, result.ok) for name, result in sorted(services.probes().items())),
    )


def _live(services: Services, environment: str, service: str) -> int | None:
    row = services.store.releases.live(environment, service)
    return row.number if row else None


def _run(asked: Asked, row: RunRow) -> Line:
    took = ""
    if row.started_at and row.ended_at:
        took = f", took {say.seconds((row.ended_at - row.started_at).total_seconds())}"
    status = row.status.replace("_", " ")
    note = f"{status}, {moment(asked, row.created_at)} by {row.actor.get('name', 'somebody')}{took} · {row.id}"
    return Line(TONES.get(row.status, "busy"), row.title, note)
