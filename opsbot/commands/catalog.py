"""Every command: the queries and notes are listed here once, the changes are the playbooks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from opsbot.commands import alerts, backups, notes, releases, runs, status
from opsbot.commands.reply import Reply
from opsbot.commands.services import Asked
from opsbot.commands.spec import Spec, change, note, query
from opsbot.commands.tree import Tree, build
from opsbot.config.settings import Config
from opsbot.playbooks.params import Known, Param
from opsbot.playbooks.playbook import Playbook

Answer = Callable[[Asked, Mapping[str, Any]], Reply]

_WHERE = Param("environment", "environment", help="only there")
_SERVICE = Param("service", "service", help="only this one")
_RUN = Param("run", "text", help="a run's id; the newest that fits if left out", suggest="runs")
_LIMIT = Param("limit", "integer", help="how many")

QUERIES: Mapping[str, tuple[Spec, Answer]] = {
    spec.path: (spec, answer)
    for spec, answer in (
        (query("status", "What runs where, and what is not well", _WHERE), status.status),
        (query("releases", "What was live, and where one can go back to", _WHERE, _SERVICE, _LIMIT), releases.releases),
        (
            query("backups", "What is in the bucket", _WHERE, Param("database", "database", help="only this one")),
            backups.backups,
        ),
        (query("alerts", "What is wrong now, and what was", _WHERE), alerts.alerts),
        (
            query("runs", "What was done, by whom, and how it ended; `runs ID` shows one", _WHERE, _RUN, _LIMIT),
            runs.runs,
        ),
    )
}
HELP = query("help", "What I can do; `help more`, `help deploy`", Param("topic", "text", help="a command", rest=True))
NOTES: Mapping[str, tuple[Spec, Answer]] = {
    spec.path: (spec, answer)
    for spec, answer in (
        (note("cancel", "Stop a run and undo what it did", _RUN, aliases=("stop",)), notes.cancel),
        (note("approve", "Say yes to somebody's plan", _RUN), notes.approve),
        (note("reject", "Say no to somebody's plan", _RUN), notes.reject),
        (
            note(
                "answer",
                "Tell a run that waits for a person what was done",
                Param("run", "text", required=True, help="the run's id", suggest="runs"),
                Param("text", "text", required=True, help="what was done", rest=True),
            ),
            notes.answer,
        ),
        (
            note(
                "ack", "Say that you look after an alert", Param("alert", "integer", required=True, help="its number")
            ),
            alerts.ack,
        ),
    )
}
RESERVED: tuple[str, ...] = tuple(
    path for spec in (*(spec for spec, _ in (*QUERIES.values(), *NOTES.values())), HELP) for path in spec.paths
)


def tree(config: Config, playbooks: Mapping[str, Playbook]) -> Tree:
    """The one tree of all commands."""
    specs = [spec for spec, _ in QUERIES.values()]
    specs += [change(playbook) for playbook in playbooks.values()]
    specs += [spec for spec, _ in NOTES.values()]
    return build([*specs, HELP], known(config))


def known(config: Config) -> Known:
    """The names in opsbot.yml."""
    return Known(
        {
            "environment": tuple(config.environments),
            "service": tuple(config.services),
            "database": tuple(config.databases),
        }
    )
