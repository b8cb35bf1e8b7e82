"""What runs in a swarm that the bot has never seen: stacks, their services, databases, edges, networks. Pure: raw specs in."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from opsbot.runtime import release as rules
from opsbot.runtime import theirs
from opsbot.runtime.images import DOCKER_HUB, host_of, name_of

Raw = Mapping[str, Any]
Kind = Literal["application", "database", "edge", "other"]

NAMESPACE = "com.docker.stack.namespace"
_DATABASES = re.compile(r"postgres|postgis|timescale|pgvector", re.IGNORECASE)
_EDGES = re.compile(r"nginx|traefik|caddy|haproxy|envoy", re.IGNORECASE)
_CALLED_EDGE = ("edge", "proxy", "gateway", "lb", "loadbalancer", "ingress")
_PASSWORD_FILE = re.compile(r"postgres.*password|^password$|superuser", re.IGNORECASE)


@dataclass(frozen=True)
class Found:
    """A service. `name` is without its stack; `secrets`: file in the container → Swarm secret; `ports`: those of the container."""

    name: str
    full_name: str
    image: str
    tag: str
    kind: Kind
    replicas: int | None
    networks: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: Mapping[str, str] = field(default_factory=dict)

    @property
    def password_secret(self) -> str | None:
        """The Swarm secret that holds a database's password, where one can tell."""
        named = self.env.get("POSTGRES_PASSWORD_FILE", "").rpartition("/")[2]
        if named:
            return self.secrets.get(named)
        return next((secret for file, secret in self.secrets.items() if _PASSWORD_FILE.search(file)), None)


@dataclass(frozen=True)
class Stack:
    """A stack. `networks`: those that carry its prefix, without it → whether any container may join."""

    name: str
    services: tuple[Found, ...]
    networks: Mapping[str, bool] = field(default_factory=dict)

    def of(self, kind: Kind) -> list[Found]:
        """Its services of a kind."""
        return [service for service in self.services if service.kind == kind]

    @property
    def network(self) -> str | None:
        """The network to work in: where the database is, else an application; of several an open one."""
        for service in (*self.of("database"), *self.of("application"), *self.services):
            used = [name for name in service.networks if name in self.networks]
            if used:
                return min(used, key=lambda name: not self.networks[name])
        return None


def stacks(services: Sequence[Raw], networks: Sequence[Raw], image: Callable[[str], Raw]) -> list[Stack]:
    """Every stack but bots' own. `image(name)` → the engine's `Config` of an image, {} where it is not there."""
    names = {network["Id"]: network for network in networks}
    members: dict[str, list[Found]] = {}
    for raw in services:
        labels = rules.labels_of(raw["Spec"])
        stack = labels.get(NAMESPACE)
        if stack and rules.BOT not in labels and rules.COLOUR not in labels:
            members.setdefault(stack, []).append(_found(raw["Spec"], stack, names, image))
    return [
        Stack(name, tuple(sorted(found, key=lambda one: one.name)), _networks(name, networks))
        for name, found in sorted(members.items())
    ]


def _networks(stack: str, networks: Sequence[Raw]) -> dict[str, bool]:
    prefix = f"{stack}_"
    ours = [network for network in networks if network["Name"].startswith(prefix) and network.get("Scope") == "swarm"]
    return {network["Name"].removeprefix(prefix): bool(network.get("Attachable")) for network in ours}


def _found(spec: Raw, stack: str, networks: Mapping[str, Raw], image: Callable[[str], Raw]) -> Found:
    name, prefix = str(spec["Name"]), f"{stack}_"
    container, task = spec["TaskTemplate"]["ContainerSpec"], spec["TaskTemplate"]
    joined = [networks.get(one["Target"], {}).get("Name", "") for one in task.get("Networks") or []]
    called = rules.image_of(spec)
    ports = [int(port["TargetPort"]) for port in (spec.get("EndpointSpec") or {}).get("Ports") or []]
    secrets = {(one.get("File") or {}).get("Name", ""): one["SecretName"] for one in container.get("Secrets") or []}
    replicas = spec["Mode"]["Replicated"].get("Replicas", 1) if theirs.replicated(spec) else None
    return Found(
        name=name.removeprefix(prefix),
        full_name=name,
        image=name_of(called),
        tag=theirs.tag_in(called),
        kind=_kind(name.removeprefix(prefix), called, replicas, image),
        replicas=replicas,
        networks=tuple(network.removeprefix(prefix) for network in joined if network.startswith(prefix)),
        ports=tuple(ports),
        env=rules.told_in(spec),
        secrets=secrets,
    )


def _kind(name: str, image: str, replicas: int | None, config: Callable[[str], Raw]) -> Kind:
    short = name_of(image).rpartition("/")[2]
    inside = config(image)
    if _DATABASES.search(short) or any(line.startswith("PGDATA=") for line in inside.get("Env") or []):
        return "database"
    if _EDGES.search(short) or name.lower() in _CALLED_EDGE:
        return "edge"
    own = host_of(image) != DOCKER_HUB or "/" in name_of(image)
    return "application" if own and replicas is not None else "other"


def plain(hosts: Sequence[str], engine: Raw) -> list[str]:
    """The registries that an engine speaks plain http to, by what it says of itself."""
    told = engine.get("RegistryConfig") or {}
    listed = {name for name, one in (told.get("IndexConfigs") or {}).items() if not one.get("Secure", True)}
    near = [ipaddress.ip_network(one) for one in told.get("InsecureRegistryCIDRs") or []]
    return [host for host in hosts if host in listed or any(_address(host) in network for network in near)]


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        return ipaddress.ip_address(host.rpartition(":")[0] or host)
    except ValueError:
        return ipaddress.ip_address("0.0.0.0")  # noqa: S104 - a name: in no network
