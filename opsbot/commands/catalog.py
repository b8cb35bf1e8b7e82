"""Every command: the queries and notes are listed here once, the changes are the playbooks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from opsbot.commands import alerts, audit, backups, chart, holds, logs, notes, releases, runs, status
from opsbot.commands.reply import Reply
from opsbot.commands.services import Asked
from opsbot.commands.spec import Spec, change, note, query
from opsbot.commands.tree import Tree, build
from opsbot.config.settings import Config
from opsbot.playbooks.params import Known, Param
from opsbot.playbooks.playbook import Playbook
from opsbot.telemetry.measures import MEASURES

Answer = Callable[[Asked, Mapping[str, Any]], Reply]

_WHERE = Param("environment", "environment", help="only there")
_THERE = Param("environment", "environment", help="where; the one of this channel if left out")
_SERVICE = Param("service", "service", help="only this one")
_RUN = Param("run", "text", help="a run's id; the newest that fits if left out", suggest="runs")
_THE_RUN = Param("run", "text", required=True, help="the run's id", suggest="runs")
_SHOWN = Param("plan", "text", help="the plan that was shown; another one is refused", option=True, terminal=True)
_TARGET = Param(
    "target", "text", required=True, help="all, an environment, or such as production/web", suggest="targets"
)
_FOR = Param("for", "duration", help="how long: 30m, 2h", option=True)


def _reason(help: str, *, required: bool = True) -> Param:
    return Param("reason", "text", required=required, help=help, rest=True)


_LIMIT = Param("limit", "integer", help="how many")

QUERIES: Mapping[str, tuple[Spec, Answer]] = {
    spec.path: (spec, answer)
    for spec, answer in (
        (
            query("status", "What runs where, and what is not well", _WHERE, examples=("status", "status {there}")),
            status.status,
        ),
        (
            query(
                "logs",
                "The last lines that a service wrote",
                Param("service", "part", help="whose; of the first service if left out"),
                _THERE,
                Param("since", "moment", help="how far back: 10m, 2h, 14:00; 15m if left out"),
                Param("grep", "text", help="only lines with these words", rest=True),
                examples=("logs {there}", "logs {service} {there} 1h", "logs {service} {there} 2h error"),
            ),
            logs.logs,
        ),
        (
            query(
                "chart",
                "What Prometheus measured, as a picture",
                Param("measure", "choice", choices=tuple(MEASURES), help="an overview if left out"),
                _THERE,
                Param("since", "moment", help="how far back: 30m, 1d, 14:00; 1h if left out"),
                Param("out", "text", help="in the terminal: the file for the picture", option=True, terminal=True),
                examples=("chart {there}", "chart latency {there} 1d"),
            ),
            chart.chart,
        ),
        (
            query(
                "releases",
                "What was live, and where one can go back to",
                _WHERE,
                _SERVICE,
                _LIMIT,
                examples=("releases {there}",),
            ),
            releases.releases,
        ),
        (
            query(
                "backups",
                "What is in the bucket",
                _WHERE,
                Param("database", "database", help="only this one"),
                examples=("backups {there}",),
            ),
            backups.backups,
        ),
        (
            query("alerts", "What is wrong now, and what was", _WHERE, examples=("alerts", "alerts {there}")),
            alerts.alerts,
        ),
        (
            query("runs", "What was done, by whom, and how it ended; `runs ID` shows one", _WHERE, _RUN, _LIMIT),
            runs.runs,
        ),
        (query("locks", "What keeps changes back now: locks, freezes, blocks, debts", _WHERE), holds.locks),
        (
            query(
                "audit",
                "Who did what, also what was refused",
                Param("since", "moment", help="such as 2d, monday or 2026-03-31"),
                Param("who", "text", help="a name or a Slack id"),
                Param("what", "text", help="a command, a run or a target"),
                _LIMIT,
            ),
            audit.audit,
        ),
        (query("audit verify", "Whether the record is whole"), audit.verify),
    )
}
HELP = query(
    "help", "What I can do", Param("topic", "text", help="a command, or more", rest=True),
    examples=("help more", "help deploy"),
)  # fmt: skip
EXPLAIN = query(
    "explain",
    "Why the facts of a plan have their colours: `explain RUN`, `explain deploy v2 to staging`",
    Param("what", "text", required=True, help="a run's id, or a change as it would be typed", rest=True),
    verbatim=True,
)
REHEARSE = query(
    "rehearse",
    "Play a playbook's rehearsal: every way it can go, and nothing is touched",
    Param("playbook", "text", required=True, help="its command", suggest="playbooks", rest=True),
)
BY_FRONT = (EXPLAIN, REHEARSE, HELP)  # they need the tree of commands, or more than a question may use
NOTES: Mapping[str, tuple[Spec, Answer]] = {
    spec.path: (spec, answer)
    for spec, answer in (
        (note("cancel", "Stop a run and undo what it did", _RUN, aliases=("stop",)), notes.cancel),
        (note("approve", "Say yes to somebody's plan", _RUN, _SHOWN), notes.approve),
        (
            note("reject", "Say no to somebody's plan, and why", _RUN, _SHOWN, _reason("why not", required=False)),
            notes.reject,
        ),
        (
            note(
                "answer",
                "Tell a run that waits for a person what was done",
                _THE_RUN,
                Param("text", "text", required=True, help="what was done", rest=True),
            ),
            notes.answer,
        ),
        (
            note(
                "complete",
                "Say that the step at hand was done by hand, and what shows it",
                _THE_RUN,
                Param("step", "text", help="only if this step is at hand", option=True),
                Param(
                    "output",
                    "text",
                    help="what it left, as name=value, where the step itself cannot tell",
                    option=True,
                    many=True,
                ),
                Param("evidence", "text", required=True, help="what was done and where it can be seen", rest=True),
            ),
            notes.complete,
        ),
        (
            note("break-glass", "Let a plan begin without its second person", _THE_RUN, _reason("why it cannot wait")),
            notes.break_glass,
        ),
        (
            note(
                "sign",
                "Say that you looked at what ran without a second person",
                _RUN,
                Param("note", "text", help="what you saw", rest=True),
            ),
            notes.sign,
        ),
        (note("lock", "Keep a target for yourself for a while", _TARGET, _FOR, _reason("why")), holds.lock),
        (note("unlock", "Lift a lock", _TARGET), holds.unlock),
        (
            note("freeze", "Let a target rest: only you may change it; rollbacks pass", _TARGET, _FOR, _reason("why")),
            holds.freeze,
        ),
        (note("unfreeze", "Lift a freeze", _TARGET), holds.unfreeze),
        (
            note(
                "unblock",
                "Let a release that was rolled back be deployed again",
                Param("release", "release", required=True, help="such as web-2", suggest="blocked"),
                Param("environment", "environment", required=True, help="where"),
                Param("service", "service", default="first", help="which service"),
            ),
            holds.unblock,
        ),
        (
            note(
                "ack", "Say that you look after an alert", Param("alert", "integer", required=True, help="its number")
            ),
            alerts.ack,
        ),
    )
}
OF_TERMINAL = (
    "serve",
    "demo",
    "tour",
    "check",
    "completion",
    "init",
    "doctor",
    "adopt",
    "unadopt",
    "reference",
)  # the program's own verbs
RESERVED: tuple[str, ...] = OF_TERMINAL + tuple(
    path for spec in (*(spec for spec, _ in (*QUERIES.values(), *NOTES.values())), *BY_FRONT) for path in spec.paths
)


def tree(config: Config, playbooks: Mapping[str, Playbook]) -> Tree:
    """The one tree of all commands."""
    specs = [spec for spec, _ in QUERIES.values()]
    specs += [change(playbook) for playbook in playbooks.values()]
    specs += [spec for spec, _ in NOTES.values()]
    return build([*specs, *BY_FRONT], known(config))


def known(config: Config) -> Known:
    """The names in opsbot.yml."""
    return Known(
        {
            "environment": tuple(config.environments),
            "service": tuple(config.services),
            "database": tuple(config.databases),
            "part": _parts(config),
        }
    )


def _parts(config: Config) -> tuple[str, ...]:
    """What runs in a stack and writes a log: services, the databases' own, and the edge."""
    databases = [database.service for database in config.databases.values()]
    edges = [environment.edge.service for environment in config.environments.values()]
    return tuple(dict.fromkeys([*config.services, *databases, *edges]))
