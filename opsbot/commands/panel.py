"""The control panel: what is live in each environment, what waits for somebody, and the buttons that this person may press."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from opsbot.commands import plan_card, say
from opsbot.commands.authorise import role_of
from opsbot.commands.form import may
from opsbot.commands.reply import Button, Line, Lines, Part, Reply, Small, Tone
from opsbot.commands.services import Asked
from opsbot.commands.tree import Tree
from opsbot.commands.words import target
from opsbot.config.settings import ROLES
from opsbot.runtime.release import previous_good
from opsbot.store.rows import AlertRow, ReleaseRow, RunRow

DATABASES = 2  # that have a button of their own in an environment
ALERTS, APPROVALS = 5, 5


def panel(asked: Asked, tree: Tree, names: Sequence[str]) -> list[Reply]:
    """One reply for each block of the panel, of these environments: what waits comes first. Asks nothing but our own state."""
    boards = [_environment(asked, tree, name) for name in names]
    return [*_approvals(asked, names), *_alerts(asked, names), *boards, _closing(asked, names)]


def awaited(asked: Asked, names: Sequence[str]) -> list[RunRow]:
    """The plans that wait for somebody's yes, oldest first."""
    waiting = asked.services.store.runs.by_status(["awaiting_approval"])
    return [run for run in waiting if run.environment in (None, *names)]


def moment(asked: Asked, at: Any) -> str:
    """A moment in the asker's zone: what stands in a message or on a page must stay true."""
    return say.clock_time(at, asked.actor.timezone, asked.services.clock.now())


def _environment(asked: Asked, tree: Tree, name: str) -> Reply:
    services = asked.services
    live = {service: services.store.releases.live(name, service) for service in services.config.services}
    bad, well = _probes(asked, name)
    tags = ", ".join(f"{row.service} {row.tag}" for row in live.values() if row)
    tone: Tone = "bad" if bad else "ok" if tags else "off"
    health = "not well" if bad else f"{say.number(well, 'probe')} well" if well else ""
    text = " · ".join(filter(None, (f"*{name}*", tags or "nothing deployed yet", health)))
    parts: list[Part] = [Lines([Line("bad", probe, sentence) for probe, sentence in bad.items()])] if bad else []
    parts += [Small("\n".join(_since(asked, row) for row in live.values() if row))] if tags else []
    return Reply(text, tone, parts, _buttons(asked, tree, name, live))


def _since(asked: Asked, row: ReleaseRow) -> str:
    since = f" since {moment(asked, row.live_at)}" if row.live_at else ""
    return f"{row.id}{since}, by {row.author}"


def _probes(asked: Asked, environment: str) -> tuple[dict[str, str], int]:
    """The sentences of the probes that are not well, and how many are."""
    results = asked.services.probes()
    mine = [name for name, probe in asked.services.config.probes.items() if probe.environment == environment]
    known = {name: results[name] for name in mine if name in results}
    return {name: result.sentence for name, result in known.items() if not result.ok}, sum(
        result.ok for result in known.values()
    )


def _buttons(asked: Asked, tree: Tree, name: str, live: Mapping[str, ReleaseRow | None]) -> list[Button]:
    """Each says a command that may be typed as well; one that lacks something opens its form."""
    found = (
        [Button("Deploy…", f"deploy --environment {name}", "primary")] if _offers(asked, tree, "deploy", name) else []
    )
    if _offers(asked, tree, "rollback", name):
        found += _ways_back(asked, name, live)
    if _offers(asked, tree, "backup", name):
        databases = list(asked.services.config.databases)[:DATABASES]
        labels = ["Back up"] if len(databases) == 1 else [f"Back up {database}" for database in databases]
        found += [Button(label, f"backup {db} on {name}") for label, db in zip(labels, databases, strict=True)]
    if "logs" in tree.specs:
        found += [Button("Logs", f"logs --environment {name}")]
    return found


def _offers(asked: Asked, tree: Tree, path: str, environment: str) -> bool:
    spec = tree.specs.get(path)
    where = target(spec.params) if spec else None
    return spec is not None and where is not None and may(asked, spec, {where.name: environment})


def _ways_back(asked: Asked, name: str, live: Mapping[str, ReleaseRow | None]) -> list[Button]:
    """Each names both releases, so that an old panel never goes back from another one."""
    found = []
    for service, row in live.items():
        back = previous_good(asked.services.store.releases.list(name, service), row.number) if row else None
        if row and back:
            command = f"rollback {name} --service {service} --to {back.number} --from {row.number}"
            found.append(
                Button(
                    f"Roll back to {back.tag}", command, "danger", f"Go back from {row.tag} to {back.tag} in {name}?"
                )
            )
    return found


def _approvals(asked: Asked, names: Sequence[str]) -> list[Reply]:
    return [_approval(asked, run) for run in awaited(asked, names)[:APPROVALS]]


def _approval(asked: Asked, run: RunRow) -> Reply:
    who = run.actor.get("name", "somebody")
    until = f" · until {moment(asked, run.wake_at)}" if run.wake_at else ""
    role = (run.plan.get("approval") or {}).get("from", "approver")
    mine = role_of(asked.services.config, asked.actor, asked.groups, run.environment)
    buttons: list[Button] = []
    if run.actor.get("id") == asked.actor.id:
        buttons = [Button("Take it back", f"cancel {run.id}")]
    elif ROLES.index(mine) >= ROLES.index(role):
        buttons = plan_card.decide(run.id, run.title, run.fingerprint)
    parts: list[Part] = [Small(f"{run.id} · asked by {who} {moment(asked, run.created_at)}{until}")]
    return Reply(f"*{run.title}* waits for a yes.", "warn", parts, [*buttons, Button("Look at it", f"runs {run.id}")])


def _alerts(asked: Asked, names: Sequence[str]) -> list[Reply]:
    mine = [row for row in asked.services.store.alerts.open_ones() if row.environment in (None, *names)]
    if not mine:
        return []
    viewer = role_of(asked.services.config, asked.actor, asked.groups) == "viewer"
    acks = (
        [] if viewer else [Button(f"Ack {row.id}", f"ack {row.id}") for row in mine[:ALERTS] if row.state == "firing"]
    )
    text = f"*{say.number(len(mine), 'alert is', 'alerts are')} open*"
    return [
        Reply(text, "bad", [Lines([_alert(asked, row) for row in mine[:ALERTS]])], [*acks, Button("Alerts", "alerts")])
    ]


def _alert(asked: Asked, row: AlertRow) -> Line:
    by = f" by {row.acked_by}" if row.acked_by else ""
    note = f"{row.state}{by}, since {moment(asked, row.opened_at)}"
    return Line("bad" if row.state == "firing" else "warn", f"{row.id} {row.title}", note)


def _closing(asked: Asked, names: Sequence[str]) -> Reply:
    roles = {role_of(asked.services.config, asked.actor, asked.groups, name) for name in names}
    role = f"You are {roles.pop()} here." if len(roles) == 1 else "What you may do is shown."
    small = Small(f"Times are those of {asked.actor.timezone}. Whatever a button does can be typed.")
    return Reply(role, "info", [small], [Button("Status", "status"), Button("Help", "help")])
