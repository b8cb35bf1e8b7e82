"""Whether the bot runs as a Swarm service with another record than this program has: two records would be two engines."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
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


@dataclass(frozen=True)
class Other:
    """A service that runs the bot with another record; `node`: the name of the one that it runs on, if that is not this one."""

    service: str
    node: str = ""


def other_bot(config: Config, targets: Targets, store: Store, clock: Clock) -> Other | None:
    """A service that runs the bot for one of our stacks with another record; None also where nobody can tell."""
    ours = values.text(config.store)
    holder = store.leases.holder("serve", clock.now())
    asks = {swarm.url: partial(_first, swarm, networks, ours, holder) for swarm, networks in _engines(targets)}
    found = at_once(asks, SECONDS)
    return next((answer.value for answer in found.values() if answer.value), None)


def told(other: Other) -> str:
    """What is the matter."""
    return f"The bot runs as the service {other.service}, and this terminal has another record than it."


def cure(other: Other, words: Sequence[str]) -> str:
    """Where to say it."""
    where = f"on the node {other.node}, " if other.node else ""
    return f"Say it inside, {where}with `{inside(other.service)} {shlex.join(words)}`."


def elsewhere(spec: Raw, tasks: Sequence[Raw], ours: str, holder: str | None) -> bool:
    """Whether the bot of a service keeps another record than `ours`, an address. `tasks`: its running ones; `holder`: who
    serves on our record, as `container:…`. Two servers of Postgres may be one by two names, so nothing is said of them;
    and ours may be its file, as this host sees it."""
    theirs = rules.told_in(spec).get(STORE)
    if theirs is None or theirs == ours or not any(one.startswith(_FILE) for one in (theirs, ours)):
        return False
    if _its_file(spec, theirs, ours):
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


def _its_file(spec: Raw, theirs: str, ours: str) -> bool:
    """Whether our file is that of its container, in the volume or folder where the host has it."""
    kept, own = (PurePosixPath(one.removeprefix(_FILE).removeprefix("///")) for one in (theirs, ours))
    for mount in spec["TaskTemplate"]["ContainerSpec"].get("Mounts") or []:
        target, source = PurePosixPath(str(mount["Target"])), str(mount.get("Source", ""))
        if not kept.is_relative_to(target):
            continue
        on_host = source if mount["Type"] == "bind" else f"volumes/{source}/_data"
        if own.match(str(PurePosixPath(on_host) / kept.relative_to(target))):
            return True
    return False


def _first(swarm: Swarm, networks: set[str], ours: str, holder: str | None) -> Other | None:
    bots = swarm.labelled({rules.BOT: "true"})
    if not bots:
        return None
    known = {str(one["Id"]): str(one["Name"]) for one in swarm.networks()}
    for bot in bots:
        joined = [str(one["Target"]) for one in bot["Spec"]["TaskTemplate"].get("Networks") or []]
        name = str(bot["Spec"]["Name"])
        ours_too = networks & {known.get(one, one) for one in joined}
        tasks = swarm.running_tasks(name) if ours_too else []
        if elsewhere(bot["Spec"], tasks, ours, holder):
            return Other(name, _node(swarm, tasks))
    return None


def _node(swarm: Swarm, tasks: Sequence[Raw]) -> str:
    """The name of the node that they run on; empty if one of them runs where the engine is that was asked."""
    nodes = [str(task["NodeID"]) for task in tasks if task.get("NodeID")]
    return swarm.node_names().get(nodes[0], nodes[0]) if nodes and swarm.node() not in nodes else ""


def _container(task: Raw) -> str:
    return str((task["Status"].get("ContainerStatus") or {}).get("ContainerID", ""))
