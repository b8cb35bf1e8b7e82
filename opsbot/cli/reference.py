"""`opsbot reference FOLDER`: the command and playbook reference as Markdown, made from the tree, the playbooks and the steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from opsbot.commands.spec import Spec
from opsbot.commands.tree import Tree
from opsbot.playbooks.params import FIRST, Param
from opsbot.playbooks.playbook import Approve, Playbook, StepSpec
from opsbot.runs.step import Step

MADE = "<!-- Made by `make reference` from the code and the playbooks: change those, not this. -->\n"
NAMES = {"there": "staging", "other": "production", "service": "web", "database": "main"}  # in examples
HEADINGS: Mapping[str, str] = {
    "query": "Queries: they read and answer",
    "change": "Changes: planned, approved where it matters, journaled, undone when they fail",
    "note": "Notes: they change only the bot's own record",
}


def write(folder: Path, tree: Tree, playbooks: Mapping[str, Playbook], steps: Mapping[str, Step]) -> list[Path]:
    """Write every page into the folder; answers their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in pages(tree, playbooks, steps).items():
        path = folder / name
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def pages(tree: Tree, playbooks: Mapping[str, Playbook], steps: Mapping[str, Step]) -> dict[str, str]:
    """The pages by file name. Pure."""
    return {
        "commands.md": _commands(tree),
        "playbooks.md": _playbooks(playbooks, steps),
        "steps.md": _steps(steps),
    }


def _commands(tree: Tree) -> str:
    parts = [MADE, "# Commands\n", "The same in chat (`@opsbot …`, `/ops …`) and in a terminal (`opsbot …`).\n"]
    for kind, heading in HEADINGS.items():
        parts.append(f"## {heading}\n")
        parts += [_command(spec) for spec in tree.specs.values() if spec.kind == kind]
    return "\n".join(parts)


def _command(spec: Spec) -> str:
    lines = [f"### {spec.path}\n", f"{spec.about}.\n", f"```text\n{spec.usage(options=True)}\n```\n"]
    if spec.params:
        rows = [(f"`{param.name}`", _needed(param), _words(param)) for param in spec.params]
        lines.append(_table(("word", "given", "what"), rows))
    if spec.examples:
        lines.append("Such as: " + ", ".join(f"`{text.format_map(NAMES)}`" for text in spec.examples) + ".\n")
    if spec.aliases:
        lines.append("Also: " + ", ".join(f"`{alias}`" for alias in spec.aliases) + ".\n")
    return "\n".join(lines)


def _needed(param: Param) -> str:
    if param.required:
        return "always"
    if param.default == FIRST:
        return f"else the first {param.type} of opsbot.yml"
    if param.default is not None:
        return f"else {_shown(param.default)}"
    return "by name" if param.option else "may be left out"


def _words(param: Param) -> str:
    choices = f": {' or '.join(param.choices)}" if param.choices else ""
    return f"{param.help or param.type}{choices}"


def _playbooks(playbooks: Mapping[str, Playbook], steps: Mapping[str, Step]) -> str:
    intro = "What a change does, step by step. Each is a file in [playbooks/](../../playbooks).\n"
    return "\n".join([MADE, "# Playbooks\n", intro, *(_playbook(one, steps) for one in playbooks.values())])


def _playbook(playbook: Playbook, steps: Mapping[str, Step]) -> str:
    lines = [f"## {playbook.path}\n", f"{playbook.about}.\n", f"{_trust(playbook)}\n"]
    rows = [
        (str(number), step.name, f"`{step.kind}`", _undo(step, steps)) for number, step in enumerate(playbook.steps, 1)
    ]
    lines.append(_table(("", "step", "kind", "if it must be undone"), rows))
    return "\n".join(lines)


def _trust(playbook: Playbook) -> str:
    passes = " No freeze stops it." if playbook.passes_freeze else ""
    return f"Risk: {playbook.risk}. {_approval(playbook.approve)}{passes}"


def _approval(approve: Approve | None) -> str:
    if approve is None:
        return "Needs no second person."
    people = "a second person" if approve.people == 1 else f"{approve.people} other people"
    where = " in protected environments" if approve.when_protected else ""
    return f"Needs the yes of {people} (role {approve.from_role} or above){where}."


def _undo(step: StepSpec, steps: Mapping[str, Step]) -> str:
    if not steps[step.kind].mutates:
        return "nothing to undo"
    return "undone" if step.undo is True else f"cannot be undone: {step.why or 'by nature'}"


def _steps(steps: Mapping[str, Step]) -> str:
    intro = "The kinds of step that a playbook may use with `do:`.\n"
    return "\n".join([MADE, "# Steps\n", intro, *(_step(name, step) for name, step in steps.items())])


def _step(name: str, step: Step) -> str:
    first = " ".join((type(step).__doc__ or "").strip().split("\n\n")[0].split())
    about = first.removeprefix(f"{name}: ")
    touches = "Changes the world." if step.mutates else "Changes nothing."
    lines = [f"## {name}\n", f"{about[:1].upper()}{about[1:]} {touches}\n"]
    rows = [
        (f"`{field.alias or key}`", "always" if field.is_required() else f"else {_shown(field.get_default())}")
        for key, field in step.With.model_fields.items()
    ]
    if rows:
        lines.append(_table(("with", "given"), rows))
    if step.outputs:
        lines.append("Finds out: " + ", ".join(f"`{output}`" for output in step.outputs) + ".\n")
    return "\n".join(lines)


def _shown(value: Any) -> str:
    if value is None or value in ("", (), {}):
        return "nothing"
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"
