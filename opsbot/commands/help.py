"""`help`: the verbs of every day; `help more`: everything; `help deploy`: one command, its words and what it does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from opsbot.commands.authorise import NOTES, needed, who_can
from opsbot.commands.reply import Line, Lines, Part, Reply, Small, Words
from opsbot.commands.request import ChangeRequest
from opsbot.commands.services import Asked
from opsbot.commands.spec import DAILY, Spec
from opsbot.commands.tree import Tree, unknown_command
from opsbot.config.settings import ROLES, Role
from opsbot.playbooks.params import FIRST, NAMED, Known, Param
from opsbot.playbooks.playbook import Playbook

SHORT = "What I can do every day."
HINT = "`help more` shows the rest, `help deploy` one command. A change with `--plan` only says what it would do."
EVERYTHING = "Everything that I can do."
KINDS: Mapping[str, str] = {"query": "Ask", "change": "Change", "note": "Decide"}
EXAMPLES = 3
FOR_GUESTS = "You are a guest here, so I answer you nothing but this."
GUESTS = (
    "I run this team's services: I deploy them, take them back, back them up and tell how they are, for its members."
)
WHO_IS_A_GUEST = (
    "Guests are Slack's guests, bots, people of other workspaces, and whom Slack has told me nothing about for a while."
)


def help_reply(tree: Tree, asked: Asked, topic: str | None, *, as_json: bool = False) -> Reply:
    """Help for this person in this place; an unknown topic names the closest commands. JSON is made where it is wanted."""
    if asked.actor.guest:
        return guest_reply(asked)
    if not topic:
        return replace(_daily(tree, asked), json=_json(tree.specs.values(), asked) if as_json else None)
    if topic.lower() in ("more", "all"):
        return replace(_all(tree, asked), json=_json(tree.specs.values(), asked) if as_json else None)
    found = tree.find(topic.split())
    if found is None:
        raise unknown_command(tree, topic.split())
    return _one(found[0], tree.known, asked)


def guest_reply(asked: Asked) -> Reply:
    """All that a guest is told."""
    services = asked.services
    ask = who_can(services.config, "operator", None, services.called, {asked.actor.id})
    parts: list[Part] = [Words(f"{GUESTS} {ask}"), Small(WHO_IS_A_GUEST)]
    return Reply(FOR_GUESTS, "off", parts, json={"guest": True, "commands": ["help"], "ask": ask}, private=True)


def _daily(tree: Tree, asked: Asked) -> Reply:
    specs = [tree.specs[path] for path in DAILY if path in tree.specs]
    may = {spec.path: lacking(asked, spec) is None for spec in specs}
    mine, denied = ([spec for spec in specs if may[spec.path] is kind] for kind in (True, False))
    lines = [Line("info", f"`{examples(asked, spec)[0]}`", spec.about) for spec in mine]
    parts: list[Part] = [Lines(lines), *_others(asked, denied), Small(HINT)]
    return Reply(SHORT, "info", parts)


def _all(tree: Tree, asked: Asked) -> Reply:
    """Beside those of every day all others, by what they are."""
    parts: list[Part] = []
    for kind, heading in KINDS.items():
        mine = [spec for spec in tree.specs.values() if spec.kind == kind and lacking(asked, spec) is None]
        every_day = sorted((spec.path for spec in mine if spec.daily), key=DAILY.index)
        rest = [Line("info", f"`{spec.usage()}`", spec.about) for spec in mine if not spec.daily]
        if every_day:
            rest.append(
                Line("off", f"and every day {', '.join(f'`{path}`' for path in every_day)}", "`help` shows how")
            )
        parts += [Lines(rest, heading=heading)] if rest else []
    parts += _others(asked, tree.specs.values())
    return Reply(EVERYTHING, "info", parts)


def examples(asked: Asked, spec: Spec) -> list[str]:
    """What one may say here, the simplest first; a command without examples shows its usage."""
    config = asked.services.config
    mine = [place for place in asked.places() if not _lacks(asked, spec, place)] or asked.places()
    forward = any(param.name == "from" and param.type == "environment" for param in spec.params)
    there = next(iter(mine[::-1] if forward else mine), "ENVIRONMENT")  # what is promoted goes on to the next place
    names = {
        "there": there,
        "other": next((name for name in config.environments if name != there), "ENVIRONMENT"),
        "service": next(iter(config.services), "SERVICE"),
        "database": next(iter(config.databases), "DATABASE"),
    }
    found = [text.format_map(names) for text in spec.examples[:EXAMPLES]]
    return found or [spec.usage()]


def _others(asked: Asked, specs: Iterable[Spec]) -> list[Part]:
    """What this person may not say here, and whom to ask, by role."""
    config, found = asked.services.config, {spec.path: lacking(asked, spec) for spec in specs}
    here = asked.places()
    lines = []
    for role in ROLES:
        paths = [path for path, needs in found.items() if needs == role]
        if paths:
            ask = who_can(config, role, here[0] if len(here) == 1 else None, asked.services.called, {asked.actor.id})
            lines.append(Line("off", ", ".join(f"`{path}`" for path in paths), f"needs the role {role}. {ask}"))
    where = f" in {here[0]}" if len(here) == 1 else ""
    return [Lines(lines, heading=f"Not for you{where}")] if lines else []


def places(asked: Asked) -> list[str]:
    """The environments that are meant here."""
    return asked.places()


def lacking(asked: Asked, spec: Spec) -> Role | None:
    """The role that the asker would need to say this somewhere here; None = they may."""
    here: list[str | None] = [*asked.places()]
    wanted = [_lacks(asked, spec, environment) for environment in here or [None]]
    lacked = [role for role in wanted if role is not None]
    return min(lacked, key=ROLES.index) if len(lacked) == len(wanted) else None


def _lacks(asked: Asked, spec: Spec, environment: str | None) -> Role | None:
    known, key = asked.services.lowest, (spec.path, environment)
    lowest = known[key] = known.get(key) or _lowest(asked, spec, environment)
    role = asked.role_everywhere() if _of_all(asked, spec) else asked.role(environment)
    return None if ROLES.index(role) >= ROLES.index(lowest) else lowest


def _of_all(asked: Asked, spec: Spec) -> bool:
    """Whether it is a change that names no environment: one has to have the role in all of them."""
    playbook = _playbook(asked, spec)
    return playbook is not None and playbook.environment_param() is None


def _lowest(asked: Asked, spec: Spec, environment: str | None) -> Role:
    if spec.kind == "note":
        return NOTES.get(spec.path, "operator")
    if spec.kind == "query":
        return "viewer"
    playbook = _playbook(asked, spec)
    if playbook is None:
        return "viewer"
    name = playbook.environment_param()
    params = {name: environment} if name and environment else {}
    return needed(asked.services.config, ChangeRequest(playbook.name, params), asked.services.playbooks)


def _playbook(asked: Asked, spec: Spec) -> Playbook | None:
    return asked.services.by_path.get(spec.path)


def _one(spec: Spec, known: Known, asked: Asked) -> Reply:
    parts: list[Part] = [Lines([Line("info", f"`{text}`") for text in examples(asked, spec)], heading="Such as")]
    words = [param for param in spec.params if not param.option]
    options = [param for param in spec.params if param.option]
    parts.append(Lines([_param(param, known) for param in words], heading=f"Words: `{spec.usage()}`"))
    playbook = _playbook(asked, spec)
    named = [_param(param, known) for param in options] + (_PLAN if playbook else []) + _JSON
    parts.append(Lines(named, heading="Options"))
    if playbook:
        parts.append(Lines([Line("info", step.name) for step in playbook.steps], heading="Steps"))
    if spec.aliases:
        parts.append(Small(f"Also: {', '.join(f'`{alias}`' for alias in spec.aliases)}."))
    parts += _others(asked, [spec])
    return Reply(f"{spec.path}: {spec.about}.", "info", parts, json=_json([spec], asked)[0])


_PLAN = [Line("off", "`--plan`", "shows what would happen, and changes nothing")]
_JSON = [Line("off", "`--json`", "the answer for scripts")]


def _param(param: Param, known: Known) -> Line:
    """`tag` — the image's tag; what may be left out says what counts then."""
    notes = [param.help] if param.help else []
    choices = known.of(param.type) if param.type in NAMED else param.choices
    if len(choices) > 1:
        notes.append(" or ".join(choices))
    if param.default is not None:
        default = next(iter(known.of(param.type)), FIRST) if param.default == FIRST else param.default
        notes.append(f"{_shown(default)} if left out")
    name = f"{param.flag} {'yes|no' if param.type == 'boolean' else param.name.upper()}" if param.option else param.name
    return Line("info" if param.required else "off", f"`{name}`", "; ".join(notes))


def _shown(value: Any) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _json(specs: Iterable[Spec], asked: Asked) -> list[dict[str, Any]]:
    return [
        {
            "command": spec.path,
            "kind": spec.kind,
            "about": spec.about,
            "usage": spec.usage(),
            "needs": lacking(asked, spec),
            "aliases": list(spec.aliases),
            "examples": examples(asked, spec),
            "params": [
                {"name": param.name, "type": param.type, "required": param.required, "help": param.help}
                for param in spec.params
            ],
        }
        for spec in specs
    ]
