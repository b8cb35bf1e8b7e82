"""Looks at engines and stacks: manager, address, networks, services and who manages them, images of the way back, edges."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from opsbot.config import values
from opsbot.config.settings import Config
from opsbot.errors import OpsError
from opsbot.install.finding import Check, Finding, bad, ok, warn
from opsbot.runtime import adopt
from opsbot.runtime.release import previous_good
from opsbot.runtime.target import Target, Targets

OLDEST = (20, 10)  # engines with Swarm jobs
_LOOK_BACK = 200


def checks(config: Config, targets: Targets) -> dict[str, Check]:
    """By name: one per engine, and for each environment its stack, its services and their images, its edge."""
    found: dict[str, Check] = {}
    for name, environment in config.environments.items():
        found.setdefault(f"engine {values.text(environment.engine)}", partial(_there, targets, name, engine))
        found[f"stack of {name}"] = partial(_there, targets, name, stack)
        for service in config.services:
            found[f"{service} in {name}"] = partial(_there, targets, name, partial(managed, service=service))
            found[f"registry of {service}"] = partial(_there, targets, name, partial(registry, service=service))
        if any(one.strategy == "blue-green" for one in config.services.values()):
            found[f"edge of {name}"] = partial(_there, targets, name, edge)
    return found


def _there(targets: Targets, name: str, check: Callable[[Target], Iterable[Finding]]) -> list[Finding]:
    return list(check(targets.get(name)))


def engine(target: Target) -> list[Finding]:
    """Whether it answers and manages a swarm, how old it is, and whether other nodes could join it."""
    target.swarm.ping()
    told = target.swarm.info()
    version, nodes = str(told.get("ServerVersion", "")), target.swarm.nodes()
    many = f" of {len(nodes)} nodes" if len(nodes) > 1 else ""
    found = [ok(f"The engine {version} answers and manages a swarm{many}.")]
    if _version(version) < OLDEST:
        found.append(bad(f"The engine is {version}.", "Bring it to 20.10 or newer: older ones have no jobs."))
    address = str(told.get("Swarm", {}).get("NodeAddr", ""))
    if _only_here(address):
        cure = "To add nodes, the swarm must be made with --advertise-addr and an address that they reach."
        found.append(warn(f"The manager is advertised as {address}, so no other node can join.", cure))
    return found


def stack(target: Target) -> list[Finding]:
    """Whether it is there, with the network that the bot works in."""
    prefix = f"{target.stack}_"
    services = [name for one in target.swarm.services() if (name := str(one["Spec"]["Name"])).startswith(prefix)]
    if not services:
        return [bad(f"No service begins with {prefix}.", "Correct `stack` in opsbot.yml, or deploy the stack.")]
    names = [str(network["Name"]) for network in target.swarm.networks()]
    if target.network_name not in names:
        there = ", ".join(name.removeprefix(prefix) for name in names if name.startswith(prefix)) or "none"
        return [
            bad(f"There is no network {target.network_name}.", f"Correct `network` in opsbot.yml; there are: {there}.")
        ]
    found = [ok(f"The stack {target.stack} has {len(services)} services.")]
    if not target.swarm.attachable(target.network_name):
        cure = (
            "Nothing to do on one node. On several, make the network attachable, or keep the bot beside the database."
        )
        found.append(warn(f"Only tasks may join {target.network_name}: backups run beside the database's task.", cure))
    return found


def managed(target: Target, service: str) -> Iterator[Finding]:
    """Who manages a service, how it runs, and whether what a rollback needs is here."""
    live = target.store.releases.live(target.name, service)
    if live is None:
        sentence = adopt.stranger(target, service)
        if sentence:
            yield warn("It runs and is not managed yet.", f"Say `opsbot adopt {service} --env {target.name}`.")
        elif target.observed(service) is None:
            yield warn("It does not run yet.", "The first deploy makes it.")
        else:
            yield warn(
                "It runs, and the record does not know which release it is.", "A deploy finds it and records it."
            )
        return
    running, wanted = target.replicas(service)
    if running < wanted:
        yield bad(f"{running} of {wanted} replicas run.", "Look why: `opsbot logs`, docker service ps.")
    differs = target.difference(service)
    if differs:
        yield bad(differs, f"Say `opsbot status {target.name}`; a rollback or a deploy mends it.")
    rows = [live, previous_good(target.store.releases.list(target.name, service, _LOOK_BACK), live.number)]
    for row in filter(None, rows):
        if not target.swarm.images.has(row.image):
            yield _not_here(target, row.tag, row.image)
    if running >= wanted and not differs:
        yield ok(f"{live.tag} ({live.id}) is live, {running} of {wanted} replicas run.")


def _not_here(target: Target, tag: str, image: str) -> Finding:
    try:
        there = target.registry_has(image)
    except OpsError as error:
        return bad(f"The image of {tag} is not on this engine, and: {error.what}", error.fix)
    if there:
        return warn(f"The image of {tag} is only in the registry.", "A rollback to it needs the registry.")
    return bad(f"The image of {tag} is neither on this engine nor in the registry.", "Push it again.")


def registry(target: Target, service: str) -> Iterator[Finding]:
    """Whether it takes our login and lists tags."""
    target.ping_registry(service)
    tags = target.tags(service)
    repository = target.repository(service)
    if not tags:
        yield bad(f"The registry has no tags of {repository}.", "Push one, or correct `image` in opsbot.yml.")
        return
    yield ok(f"The registry lists {len(tags)} tags of {repository}, such as {tags[0]}.")


def edge(target: Target) -> Iterator[Finding]:
    """Whether the flag can be read and the edge answers."""
    colour = target.edge.flag()
    target.edge.ask("/")
    yield ok(f"The edge answers, and its flag says {colour}.")


def _version(text: str) -> tuple[int, int]:
    found = re.match(r"(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else OLDEST


def _only_here(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
