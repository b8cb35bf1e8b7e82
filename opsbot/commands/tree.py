"""The one immutable Click tree. Callbacks only return what was asked; nothing is printed, prompted or read from the environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from types import MappingProxyType
from typing import Any

import click

from opsbot.commands import say
from opsbot.commands.request import Command, Query
from opsbot.commands.spec import OF_CHANGES, Spec
from opsbot.commands.words import assign, target
from opsbot.errors import OpsError, UsageError, closest
from opsbot.playbooks.params import Known, complete

LONGEST = 4  # words in a path
ALIKE = 0.6  # how near a mistyped command must be to be asked about


@dataclass(frozen=True)
class Parsed:
    """A command that was understood. `as_json`: the answer is wanted for a script."""

    command: Command
    spec: Spec
    as_json: bool = False


@dataclass(frozen=True)
class Tree:
    """Every command by its path, and Click's group over them."""

    specs: Mapping[str, Spec]
    known: Known
    root: click.Group
    named: Mapping[str, Spec]

    def find(self, words: Sequence[str]) -> tuple[Spec, int] | None:
        """The command that the first words name, by path or alias (the longest that fits), and how many words that took."""
        low = [word.lower() for word in words[:LONGEST]]
        for length in range(len(low), 0, -1):
            spec = self.named.get(" ".join(low[:length]))
            if spec:
                return spec, length
        return None

    def understand(self, words: Sequence[str]) -> Parsed:
        """What the words ask. UsageError: no command begins with them; what Click raises: the rest does not fit it."""
        found = self.find(words)
        if found is None:
            raise unknown_command(self, words)
        spec, rest = found[0], list(words[found[1] :])
        if not any(word.startswith("-") for word in rest):  # without options, Click hands the words over as they are
            return _parsed(spec, self.known, {"words": tuple(rest), "as_json": False, "asks_help": False})
        return self.by_click(spec, rest)

    def by_click(self, spec: Spec, rest: Sequence[str]) -> Parsed:
        """What a command's words and options ask."""
        command = self.root.commands[spec.path]
        parsed: Parsed = command.invoke(command.make_context(spec.path, list(rest)))
        return parsed


def build(specs: Sequence[Spec], known: Known) -> Tree:
    """The tree of all commands."""
    root = click.Group("ops", commands={spec.path: _command(spec, known) for spec in specs}, add_help_option=False)
    named = {path: spec for spec in reversed(specs) for path in reversed(spec.paths)}
    return Tree(MappingProxyType({spec.path: spec for spec in specs}), known, root, MappingProxyType(named))


def unknown_command(tree: Tree, words: Sequence[str]) -> OpsError:
    """What to say when no command begins with these words."""
    if words[0].startswith("-"):
        return UsageError(f"There is no option {say.typed(words[0])}.", "The command comes first; `help` lists them.")
    near = near_paths(tree, words)
    cure = f"Did you mean {' or '.join(f'`{path}`' for path in near)}?" if near else "`help` lists the commands."
    return UsageError(f"There is no command “{say.typed(words[0])}”.", cure, code="unknown_command")


def near_paths(tree: Tree, words: Sequence[str]) -> list[str]:
    """The commands that look most like the first words, best first; only to be asked about."""
    paths = [path for spec in tree.specs.values() for path in spec.paths]
    word = " ".join(words[:2]).lower()
    first = words[0].lower()
    alike = [path for path in closest(first, paths, 2) if SequenceMatcher(None, first, path).ratio() >= ALIKE]
    return list(dict.fromkeys([*alike, *closest(word, paths, 1)]))


def _command(spec: Spec, known: Known) -> click.Command:
    options = [
        click.Option(
            [param.flag, *(["--env"] if param == target(spec.params) else [])], help=param.help, multiple=param.many
        )
        for param in spec.params
    ]
    flags = [
        click.Option(["--json", "as_json"], is_flag=True),
        click.Option(["--help", "-h", "asks_help"], is_flag=True),
    ]
    if spec.kind == "change":
        flags.append(click.Option(["--plan", "plan"], is_flag=True))
        flags += [click.Option([f"--{name.replace('_', '-')}", name]) for name in OF_CHANGES]
    words = click.Argument(["words"], nargs=-1, required=False)
    return click.Command(
        spec.path,
        callback=lambda **given: _parsed(spec, known, given),
        params=[words, *options, *flags],
        add_help_option=False,
        context_settings={"token_normalize_func": _token, "ignore_unknown_options": spec.verbatim},
    )


def _token(word: str) -> str:
    """Options are known whatever their case; `--one_way` is `--one-way`."""
    return word.lower().replace("_", "-")


def _parsed(spec: Spec, known: Known, given: dict[str, Any]) -> Parsed:
    words, as_json, asks_help = given.pop("words"), given.pop("as_json"), given.pop("asks_help")
    how = {name: given.pop(name, None) for name in ("plan", *OF_CHANGES)} if spec.kind == "change" else {}
    if asks_help:
        return Parsed(Query("help", {"topic": spec.path}), spec, as_json)
    spoken = {name: text for name, text in given.items() if text not in (None, ())}
    options = {name: "\n".join(text) if isinstance(text, tuple) else text for name, text in spoken.items()}
    try:
        values = complete(spec.params, assign(spec.params, words, options, known), known)
    except UsageError as error:
        raise UsageError(error.what, error.fix or f"Say `{spec.usage()}`.", code=error.code) from error
    if spec.kind == "change":
        values |= how
    return Parsed(spec.make(values), spec, as_json)
