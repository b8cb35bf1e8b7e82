"""A command as data: its words, its params and what it becomes. Queries, notes and playbooks all are one of these."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from opsbot.commands.request import ChangeRequest, Command, Note, Query
from opsbot.playbooks.params import Param
from opsbot.playbooks.playbook import Playbook

Kind = Literal["query", "note", "change"]
OF_CHANGES = ("as_planned", "break_glass")  # what every change may be told beside its params and `plan`
DAILY = ("status", "deploy", "rollback", "promote", "backup", "restore", "logs", "alerts")


@dataclass(frozen=True)
class Spec:
    """One command. `make` gets every param with its value (and how, for changes) and returns the command."""

    path: str
    kind: Kind
    about: str
    make: Callable[[Mapping[str, Any]], Command]
    params: tuple[Param, ...] = ()
    aliases: tuple[str, ...] = ()
    verbatim: bool = False  # options that it does not know are words for it
    examples: tuple[
        str, ...
    ] = ()  # the simplest first; {there}, {other}, {service}, {database} are names of opsbot.yml

    @property
    def paths(self) -> tuple[str, ...]:
        """Its path and its aliases."""
        return (self.path, *self.aliases)

    @property
    def daily(self) -> bool:
        """Whether it is one of the verbs of every day."""
        return self.path in DAILY

    def usage(self, *, options: bool = False) -> str:
        """`deploy TAG ENVIRONMENT [SERVICE]`; with `options` also what is given by name only."""
        words = [_shown(param) for param in self.params if not param.option]
        named = [_shown(param) for param in self.params if param.option and options]
        return " ".join([self.path, *words, *named])


def _shown(param: Param) -> str:
    name = param.name.upper()
    if param.option:
        return f"[{param.flag} {'yes|no' if param.type == 'boolean' else name}]"
    return name if param.required else f"[{name}]"


def query(
    path: str,
    about: str,
    *params: Param,
    aliases: tuple[str, ...] = (),
    verbatim: bool = False,
    examples: tuple[str, ...] = (),
) -> Spec:
    """A query; its name is its path."""
    return Spec(path, "query", about, lambda values: Query(path, dict(values)), params, aliases, verbatim, examples)


def note(path: str, about: str, *params: Param, aliases: tuple[str, ...] = (), examples: tuple[str, ...] = ()) -> Spec:
    """A note; its name is its path."""
    return Spec(path, "note", about, lambda values: Note(path, dict(values)), params, aliases, examples=examples)


def change(playbook: Playbook) -> Spec:
    """A playbook's command."""

    def make(values: Mapping[str, Any]) -> ChangeRequest:
        how = {name: values.get(name) for name in OF_CHANGES}
        params = {name: value for name, value in values.items() if name not in ("plan", *OF_CHANGES)}
        return ChangeRequest(playbook.name, params, bool(values.get("plan")), **how)

    return Spec(
        playbook.path,
        "change",
        playbook.about,
        make,
        playbook.arguments(),
        playbook.aliases,
        examples=playbook.examples,
    )
