"""`help`: the verbs of every day; `help more`: everything; `help deploy`: one command, its words and what it does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from opsbot.commands.authorise import NOTES, needed, role_of, who_can
from opsbot.commands.reply import Line, Lines, Part, Reply, Small, Tone, Words
from opsbot.commands.request import ChangeRequest
from opsbot.commands.services import Asked
from opsbot.commands.spec import DAILY, Spec
from opsbot.commands.tree import Tree, unknown_command
from opsbot.config.settings import ROLES, Role
from opsbot.playbooks.params import FIRST, NAMED, Known, Param
from opsbot.playbooks.playbook import Playbook

SHORT = "What I can do every day."
HINT = "`help more` shows everything, `help deploy` one command. A change with `--plan` only says what it would do."
ORDER = "Words may come in any natural order: `deploy v2 to staging`, `roll back staging`."
KINDS: Mapping[str, str] = {"query": "Ask", "change": "Change", "note": "Decide"}


def help_reply(tree: Tree, asked: Asked, topic: str | None) -> Reply:
    """Help as data, for this person in this place; an unknown topic names the closest commands."""
    if not topic:
        return _daily(tree, asked)
    if topic.lower() in ("more", "all"):
        return _all(tree, asked)
    found = tree.find(topic.split())
    if found is None:
        raise unknown_command(tree, topic.split())
    return _one(found[0], tree.known, asked)


def _daily(tree: Tree, asked: Asked) -> Reply:
    specs = [tree.specs[path] for path in DAILY if path in tree.specs]
    mine = [spec for spec in specs if lacking(asked, spec) is None]
    parts: list[Part] = [_list(mine), *_others(asked, specs), Small(ORDER), Small(HINT)]
    return Reply(SHORT, "info", parts, json=_json(tree.specs.values(), asked))


def _all(tree: Tree, asked: Asked) -> Reply:
    parts: list[Part] = []
    for kind, heading in KINDS.items():
        mine = [spec for spec in tree.specs.values() if spec.kind == kind and lacking(asked, spec) is None]
        parts += [_list(mine, heading)] if mine else []
    parts += [*_others(asked, tree.specs.values()), Small(ORDER)]
    return Reply("Everything that I can do.", "info", parts, json=_json(tree.specs.values(), asked))


def _others(asked: Asked, specs: Iterable[Spec]) -> list[Part]:
    """What this person may not say here, and whom to ask, by role."""
    config, found = asked.services.config, {spec.path: lacking(asked, spec) for spec in specs}
    here = places(asked)
    lines = []
    for role in ROLES:
        paths = [path for path, needs in found.items() if needs == role]
        if paths:
            ask = who_can(config, role, here[0] if len(here) == 1 else None, asked.services.called, {asked.actor.id})
            lines.append(Line("off", ", ".join(f"`{path}`" for path in paths), f"needs the role {role}. {ask}"))
    where = f" in {here[0]}" if len(here) == 1 else ""
    return [Lines(lines, heading=f"Not for you{where}")] if lines else []


def places(asked: Asked) -> list[str]:
    """The environments that are meant here: those of this channel, or all where it is nobody's."""
    environments = asked.services.config.environments
    mine = [name for name, settings in environments.items() if settings.channel == asked.channel_name]
    return mine if mine and asked.channel_name else list(environments)


def lacking(asked: Asked, spec: Spec) -> Role | None:
    """The role that the asker would need to say this somewhere here; None = they may."""
    config = asked.services.config
    wanted: list[Role] = []
    here: list[str | None] = [*places(asked)]
    for environment in here or [None]:
        lowest = _lowest(asked, spec, environment)
        mine = role_of(config, asked.actor, asked.groups, environment)
        if ROLES.index(mine) >= ROLES.index(lowest):
            return None
        wanted.append(lowest)
    return min(wanted, key=ROLES.index)


def _lowest(asked: Asked, spec: Spec, environment: str | None) -> Role:
    if spec.kind == "note":
        return NOTES.get(spec.path, "operator")
    playbook = _playbook(asked, spec)
    if playbook is None:
        return "viewer"
    name = playbook.environment_param()
    params = {name: environment} if name and environment else {}
    return needed(asked.services.config, ChangeRequest(playbook.name, params), asked.services.playbooks)


def _playbook(asked: Asked, spec: Spec) -> Playbook | None:
    return next((found for found in asked.services.playbooks.values() if found.path == spec.path), None)


def _one(spec: Spec, known: Known, asked: Asked) -> Reply:
    parts: list[Part] = [Words(f"`{spec.usage(options=True)}`")]
    if spec.params:
        parts.append(Lines([_param(param, known) for param in spec.params], heading="Words"))
    playbook = _playbook(asked, spec)
    if playbook:
        steps = [Line("info", step.name) for step in playbook.steps]
        parts += [Lines(steps, heading="Steps"), Small("`--plan` shows the plan and changes nothing.")]
    else:
        parts.append(Small("`--json` answers for scripts."))
    if spec.aliases:
        parts.append(Small(f"Also: {', '.join(f'`{alias}`' for alias in spec.aliases)}."))
    parts += _others(asked, [spec])
    return Reply(f"*{spec.path}*: {spec.about}.", "info", parts, json=_json([spec], asked)[0])


def _param(param: Param, known: Known) -> Line:
    notes = [param.help] if param.help else []
    if param.type in NAMED and known.of(param.type):
        notes.append(" or ".join(known.of(param.type)))
    notes += [" or ".join(param.choices)] if param.choices else []
    if param.default is not None:
        default = next(iter(known.of(param.type)), FIRST) if param.default == FIRST else param.default
        notes.append(f"{default} if not given")
    tone: Tone = "info" if param.required else "off"
    return Line(tone, f"`{param.name}`" + ("" if param.required else " (may be left out)"), ", ".join(notes))


def _list(specs: Iterable[Spec], heading: str = "") -> Lines:
    return Lines([Line("info", f"`{spec.usage()}`", spec.about) for spec in specs], heading=heading)


def _json(specs: Iterable[Spec], asked: Asked) -> list[dict[str, Any]]:
    return [
        {
            "command": spec.path,
            "kind": spec.kind,
            "about": spec.about,
            "usage": spec.usage(),
            "needs": lacking(asked, spec),
            "aliases": list(spec.aliases),
            "params": [
                {"name": param.name, "type": param.type, "required": param.required, "help": param.help}
                for param in spec.params
            ],
        }
        for spec in specs
    ]
