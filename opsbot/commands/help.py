"""`help`: the verbs of every day; `help more`: everything; `help deploy`: one command, its words and what it does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from opsbot.commands.reply import Line, Lines, Part, Reply, Small, Tone, Words
from opsbot.commands.spec import DAILY, Spec
from opsbot.commands.tree import Tree, unknown_command
from opsbot.playbooks.params import FIRST, NAMED, Known, Param
from opsbot.playbooks.playbook import Playbook

SHORT = "What I can do every day."
HINT = "`help more` shows everything, `help deploy` one command. A change with `--plan` only says what it would do."
ORDER = "Words may come in any natural order: `deploy v2 to staging`, `roll back staging`."
KINDS: Mapping[str, str] = {"query": "Ask", "change": "Change", "note": "Decide"}


def help_reply(tree: Tree, playbooks: Mapping[str, Playbook], topic: str | None) -> Reply:
    """Help as data; an unknown topic names the closest commands."""
    if not topic:
        return _daily(tree)
    if topic.lower() in ("more", "all"):
        return _all(tree)
    found = tree.find(topic.split())
    if found is None:
        raise unknown_command(tree, topic.split())
    return _one(found[0], tree.known, playbooks)


def _daily(tree: Tree) -> Reply:
    specs = [tree.specs[path] for path in DAILY if path in tree.specs]
    return Reply(SHORT, "info", [_list(specs), Small(ORDER), Small(HINT)], json=_json(tree.specs.values()))


def _all(tree: Tree) -> Reply:
    groups = {kind: [spec for spec in tree.specs.values() if spec.kind == kind] for kind in KINDS}
    parts = [_list(specs, KINDS[kind]) for kind, specs in groups.items() if specs]
    return Reply("Everything that I can do.", "info", [*parts, Small(ORDER)], json=_json(tree.specs.values()))


def _one(spec: Spec, known: Known, playbooks: Mapping[str, Playbook]) -> Reply:
    parts: list[Part] = [Words(f"`{spec.usage()}`")]
    if spec.params:
        parts.append(Lines([_param(param, known) for param in spec.params], heading="Words"))
    playbook = next((found for found in playbooks.values() if found.path == spec.path), None)
    if playbook:
        steps = [Line("info", step.name) for step in playbook.steps]
        parts += [Lines(steps, heading="Steps"), Small("`--plan` shows the plan and changes nothing.")]
    else:
        parts.append(Small("`--json` answers for scripts."))
    if spec.aliases:
        parts.append(Small(f"Also: {', '.join(f'`{alias}`' for alias in spec.aliases)}."))
    return Reply(f"*{spec.path}*: {spec.about}.", "info", parts, json=_json([spec])[0])


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


def _json(specs: Iterable[Spec]) -> list[dict[str, Any]]:
    return [
        {
            "command": spec.path,
            "kind": spec.kind,
            "about": spec.about,
            "usage": spec.usage(),
            "aliases": list(spec.aliases),
            "params": [
                {"name": param.name, "type": param.type, "required": param.required, "help": param.help}
                for param in spec.params
            ],
        }
        for spec in specs
    ]
