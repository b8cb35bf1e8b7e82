"""Whether the bot runs as a Swarm service with another record than this program has: two records would be two engines."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from opsbot.clock import Clock
from opsbot.commands.at_once import at_once
from opsbot.config import values
from opsbot.config.settings import Config
from opsbot.errors import OpsError
from opsbot.install.bot_stack import STORE, inside
from opsbot.runtime import release as rules
from opsbot.runtime.swarm import Swarm
from opsbot.runtime.target import Targets
from opsbot.store import Store

SECONDS = 2.0  # an engine that does not answer by then holds up no command
_FILE = "sqlite:"

Raw = Mapping[str, Any]


def other_bot(config: Config, targets: Targets, store: Store, clock: Clock) -> str | None:
    """The name of a service that runs the bot for one of our stacks with another record; None also where nobody can tell."""
    ours = values.text(config.store)
    holder = store.leases.holder("serve", clock.now())
    asks = {swarm.url: partial(_first, swarm, networks, ours, holder) for swarm, networks in _engines(targets)}
    found = at_once(asks, SECONDS)
    return next((answer.value for answer in found.values() if answer.value), None)


def told(service: str) -> str:
    """What is the matter."""
    return f"The bot runs as the service {service}, and this terminal has another record than it."


def cure(service: str, words: Sequence[str]) -> str:
    """Where to say it."""
    return f"Say it inside: `{inside(service)} {shlex.join(words)}`."


def elsewhere(spec: Raw, tasks: Sequence[Raw], ours: str, holder: str | None) -> bool:
    """Whether the bot of a service keeps another record than `ours`, an address. `tasks`: its running ones; `holder`: who
    serves on our record, as `container:…`. Two servers of Postgres may be one by two names, so nothing is said of them."""
    theirs = rules.told_in(spec).get(STORE)
    if theirs is None or theirs == ours or not any(one.startswith(_FILE) for one in (theirs, ours)):
        return False
    serving = (holder or "").partition(":")[0]
    return bool(tasks) and not (serving and any(_container(task).startswith(serving) for task in tasks))


def _engines(targets: Targets) -> Iterator[tuple[Swarm, set[str]]]:
    """Each engine with the networks of our stacks on it."""
    found: dict[str, tuple[Swarm, set[str]]] = {}
    for name in targets.names():
        try:
            target = targets.get(name)
        except OpsError:
            continue  # its engine is not set; whoever needs it says so
        found.setdefault(target.swarm.url, (target.swarm, set()))[1].add(target.network_name)
    yield from found.values()


def _first(swarm: Swarm, networks: set[str], ours: str, holder: str | None) -> str | None:
    bots = swarm.labelled({rules.BOT: "true"})
    if not bots:
        return None
    known = {str(one["Id"]): str(one["Name"]) for one in swarm.networks()}
    for bot in bots:
        joined = [str(one["Target"]) for one in bot["Spec"]["TaskTemplate"].get("Networks") or []]
        name = str(bot["Spec"]["Name"])
        ours_too = networks & {known.get(one, one) for one in joined}
        if ours_too and elsewhere(bot["Spec"], swarm.running_tasks(name), ours, holder):
            return name
    return None


def _container(task: Raw) -> str:
    return str((task["Status"].get("ContainerStatus") or {}).get("ContainerID", ""))
