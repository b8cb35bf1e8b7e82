"""What may be chosen for one field of a form while somebody types, each with what is known of it; and the plan so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from opsbot.clock import ago
from opsbot.commands import plan_card, say
from opsbot.commands.at_once import at_once
from opsbot.commands.form import MOST, Choice, wanted
from opsbot.commands.reply import Line, Lines, Part, Small
from opsbot.commands.request import ChangeRequest
from opsbot.commands.services import Asked, Services
from opsbot.commands.spec import Spec
from opsbot.commands.suggest import candidates
from opsbot.commands.tree import Tree
from opsbot.errors import OpsError
from opsbot.playbooks.params import Param, convert
from opsbot.store.rows import ReleaseRow

SEARCHED = 5_000  # values that are looked through
PLANNED_WITHIN = 8.0  # seconds that a plan may take to be shown in a form
AS_TYPED = "as you typed it"

Notes = Mapping[str, str]
Place = tuple[str, str]  # environment, service or database


def listed(services: Services, tree: Tree, spec: Spec, name: str, values: Mapping[str, str]) -> list[Choice]:
    """The values of a field as far as they are known now, in the source's order. What does not answer lists nothing."""
    param = _param(spec, name)
    if param is None:
        return []
    given = _given(spec, values, tree)
    notes = _notes(services, param, given)
    found = candidates(param, given, tree, services, SEARCHED)
    return [Choice(value, notes.get(value, "")) for value in found]


def narrowed(found: Sequence[Choice], spec: Spec, name: str, typed: str, tree: Tree) -> list[Choice]:
    """At most a hundred that contain what was typed, beginnings first; and what was typed itself if it may be meant."""
    word = typed.strip().lower()
    fitting = [choice for choice in found if word in choice.value.lower() or word in choice.note.lower()]
    fitting.sort(key=lambda choice: not choice.value.lower().startswith(word))
    param = _param(spec, name)
    known = any(choice.value.lower() == word for choice in fitting)
    if word and not known and param is not None and _fits(param, typed.strip(), tree):
        return [*fitting[: MOST - 1], Choice(typed.strip(), AS_TYPED)]
    return fitting[:MOST]


def preview(asked: Asked, tree: Tree, spec: Spec, values: Mapping[str, str]) -> list[Part]:
    """What is true now of a change that is complete so far; nothing for what is not. It changes nothing."""
    try:
        command = wanted(spec, values, tree.known)
    except OpsError:
        return []
    if not isinstance(command, ChangeRequest):
        return []
    playbook = asked.services.playbooks[command.playbook]
    answers = at_once(
        {("form", spec.path): lambda: asked.services.plan(playbook, command.params, asked.actor.name)}, PLANNED_WITHIN
    )
    [answer] = answers.values()
    if answer.value is None:
        return [Lines([Line("warn", answer.wrong or "What is true now could not be found out.")])]
    plan = answer.value
    parts: list[Part] = [replace(plan_card.facts(plan), heading="")] if plan.facts else []
    if plan.approval:
        known = plan_card.approvers(asked.services)(plan.approval, plan.environment)
        parts.append(Small(plan_card.approval(plan.approval, known, asked.actor.name)))
    return parts


def _param(spec: Spec, name: str) -> Param | None:
    return next((param for param in spec.params if param.name == name), None)


def _given(spec: Spec, values: Mapping[str, str], tree: Tree) -> dict[str, Any]:
    """The answers that fit, typed; what does not fit yet is no answer."""
    given: dict[str, Any] = {}
    for param in spec.params:
        if values.get(param.name) and _fits(param, values[param.name], tree):
            given[param.name] = convert(param, values[param.name], tree.known)
    return given


def _fits(param: Param, word: str, tree: Tree) -> bool:
    try:
        convert(param, word, tree.known)
    except OpsError:
        return False
    return True


def _notes(services: Services, param: Param, given: Mapping[str, Any]) -> Notes:
    source = _SOURCES.get(param.suggest or "")
    environment = given.get("environment") or next(iter(services.config.environments), "")
    try:
        return source(services, environment, given) if source else {}
    except OpsError:
        return {}  # what does not answer says nothing


def _tags(services: Services, environment: str, given: Mapping[str, Any]) -> Notes:
    """What became of a tag here, and where else it is live."""
    config, store = services.config, services.store
    service = given.get("service") or next(iter(config.services), "")
    notes: dict[str, str] = {}
    for row in store.releases.list(environment, service, MOST):
        notes.setdefault(row.tag, _released(services, row))
    for other in config.environments:
        live = store.releases.live(other, service) if other != environment else None
        if live is not None:
            notes[live.tag] = " · ".join(filter(None, (notes.get(live.tag), f"live in {other}")))
    return notes


def _releases(services: Services, environment: str, given: Mapping[str, Any]) -> Notes:
    service = given.get("service") or next(iter(services.config.services), "")
    rows = services.store.releases.list(environment, service, MOST)
    return {str(row.number): f"{row.tag} · {_released(services, row)}" for row in rows}


def _released(services: Services, row: ReleaseRow) -> str:
    now = services.clock.now()
    commit = f" · commit {row.revision[:10]}" if row.revision else ""
    if row.state == "live":
        return f"live now in {row.environment}, {say.since(row.live_at, now)}{commit}"
    if row.state == "bad":
        return f"blocked: {row.note or 'it was rolled back'}{commit}"
    return f"was live {ago(row.live_at, now)}{commit}" if row.live_at else f"never went live{commit}"


def _backups(services: Services, environment: str, given: Mapping[str, Any]) -> Notes:
    database = given.get("database") or next(iter(services.config.databases), "")
    now = services.clock.now()
    found = services.backups(environment, database)
    newest = max(found, key=lambda row: row.taken_at, default=None)
    latest = {"latest": f"{newest.id}, {ago(newest.taken_at, now)}"} if newest else {}
    return latest | {row.id: f"{ago(row.taken_at, now)} · {say.size(row.data.bytes)}" for row in found}


def _runs(services: Services, environment: str, given: Mapping[str, Any]) -> Notes:
    rows: Sequence[Any] = services.store.runs.list(MOST)
    return {row.id: f"{row.title} · {row.status.replace('_', ' ')}" for row in rows}


_SOURCES: Mapping[str, Callable[[Services, str, Mapping[str, Any]], Notes]] = {
    "tags": _tags,
    "releases": _releases,
    "backups": _backups,
    "runs": _runs,
}
