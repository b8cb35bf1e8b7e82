"""What a command is about, as the record names it: the targets that it would lock, or the place that it names. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from opsbot.commands import plan_card, say
from opsbot.commands.request import ChangeRequest, Command, Query
from opsbot.playbooks import expressions
from opsbot.playbooks.expressions import ExpressionError
from opsbot.playbooks.playbook import Playbook
from opsbot.store.rows import RunRow

LONGEST = 200  # characters of what was asked that the record keeps


@dataclass(frozen=True)
class Subject:
    """`target`: such as “production/schema, production/web”; None: nothing that is operated. `asked`: the command in words.

    `run`: the id of the run that it is about.
    """

    what: str
    target: str | None
    asked: str
    run: str | None = None

    def told(self) -> dict[str, Any]:
        """What else the record keeps of it."""
        return {"asked": self.asked} | ({"run": self.run} if self.run else {})


def of(command: Command, playbooks: Mapping[str, Playbook], run: Callable[[str], RunRow | None]) -> Subject:
    """The subject of a command that was understood. `run`: id → the run, or None."""
    if isinstance(command, ChangeRequest):
        playbook = playbooks[command.playbook]
        said = plan_card.command(playbook, command.params) or _words(playbook.path, command.params)
        return Subject(command.playbook, target(playbook, command.params), say.typed(said, LONGEST))
    asked = say.typed(_words(command.name, command.args), LONGEST)
    meant = None if isinstance(command, Query) else run(str(command.args.get("run") or ""))
    if meant is not None:
        return Subject(command.name, meant.lock or meant.environment, asked, meant.id)
    return Subject(command.name, _place(command.args), asked)


def target(playbook: Playbook, params: Mapping[str, Any]) -> str | None:
    """What a run with these params would lock, joined as its own rows of the record have it; else where it would be."""
    where = playbook.environment_param()
    environment = str(params[where]) if where and params.get(where) is not None else None
    scope = {"params": dict(params), "run": {"id": "", "actor": "", "environment": environment}, "steps": {}}
    try:
        locks = expressions.resolve(playbook.lock, scope) if playbook.lock else ()
    except ExpressionError:
        locks = ()
    return ", ".join([locks] if isinstance(locks, str) else sorted(locks)) or environment


def _place(args: Mapping[str, Any]) -> str | None:
    """The target of a hold, `environment/service` of a release, or the environment; else the words as they are."""
    if args.get("target"):
        return str(args["target"])
    place = [str(args[name]) for name in ("environment", "service", "database") if args.get(name)]
    return "/".join(place) if args.get("environment") else _words("", args) or None


def _words(first: str, args: Mapping[str, Any]) -> str:
    return " ".join([first, *(str(value) for value in args.values() if value is not None)]).strip()
