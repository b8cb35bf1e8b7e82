"""One environment as the rest of the bot sees it: names, addresses, what is live, how to move a service."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from opsbot.clock import Clock, SystemClock
from opsbot.config import values
from opsbot.config.settings import Config, Environment, RegistryLogin, Service
from opsbot.errors import NotFound, Unavailable, did_you_mean
from opsbot.runtime import agreement, theirs
from opsbot.runtime import release as rules
from opsbot.runtime import spec as specs
from opsbot.runtime.blue_green import BlueGreen
from opsbot.runtime.edge import Edge
from opsbot.runtime.images import Login, host_of, name_of
from opsbot.runtime.one_off import OneOff
from opsbot.runtime.progress import Nobody
from opsbot.runtime.registry import Image, Registry
from opsbot.runtime.rolling import Rolling
from opsbot.runtime.rollout import Live, Place, Rollout
from opsbot.runtime.stack import StackOf
from opsbot.runtime.swarm import Swarm
from opsbot.store import Store
from opsbot.store.releases import State
from opsbot.store.rows import ReleaseRow

_POSTGRES = 5432
_MENDING = timedelta(minutes=1)  # a flag is written in milliseconds; the lock of a program that died doing it ends


class Target:
    """One environment. `name` as in opsbot.yml."""

    def __init__(
        self,
        name: str,
        environment: Environment,
        services: Mapping[str, Service],
        swarm: Swarm,
        registries: Registries,
        store: Store,
        clock: Clock,
    ) -> None:
        self.name, self.environment, self.services = name, environment, services
        self.swarm, self.store, self.clock = swarm, store, clock
        self._registries = registries
        self.edge = Edge(swarm, self.full_name(environment.edge.service), self.network_name, environment.edge)

    @property
    def stack(self) -> str:
        """The prefix of everything that belongs to this environment."""
        return self.environment.stack

    @property
    def network_name(self) -> str:
        """The stack's overlay network."""
        return f"{self.stack}_{self.environment.network}"

    def full_name(self, service: str) -> str:
        """The Swarm name of a part of the stack that has no colours: `db` → `minitwit_db`."""
        return rules.full_name(self.stack, service)

    def service(self, name: str) -> Service:
        """The settings of a service; NotFound with the closest names."""
        if name not in self.services:
            raise NotFound(f"There is no service {name}.", did_you_mean(name, self.services))
        return self.services[name]

    def edge_url(self) -> str:
        """`http://address:port` of the edge as this program reaches it; Unavailable if it does not run."""
        return self.edge.url()

    def database_address(self, service: str) -> tuple[str, int]:
        """Host and port of a database's task as this program reaches it; Unavailable if it does not run."""
        addresses = self.swarm.task_addresses(self.full_name(service), self.network_name)
        if not addresses:
            raise Unavailable(
                f"The database service {self.full_name(service)} does not run.",
                f"`docker service ps {self.full_name(service)}` tells why.",
                code="database",
            )
        return addresses[0], _POSTGRES

    def beside(self, service: str) -> tuple[str, str]:
        """A one-off container's network, and the name under which it reaches a service there.

        Where only tasks may join the stack's network it is put into the very network of a task, on this engine's node.
        """
        if self.swarm.attachable(self.network_name):
            return self.network_name, service
        for task in self.swarm.running_tasks(self.full_name(service)):
            container = (task["Status"].get("ContainerStatus") or {}).get("ContainerID", "")
            if container and self.swarm.container(container):
                return f"container:{container}", "127.0.0.1"
        raise Unavailable(
            f"No container can join {self.network_name}, and no task of {self.full_name(service)} runs on this node.",
            "Make the network attachable, or run the bot on the node of that service.", code="network",
        )  # fmt: skip

    def rollout(self, name: str) -> Rollout:
        """The strategy of a service, ready to use."""
        place = self.place(name)
        return BlueGreen(place) if place.service.strategy == "blue-green" else Rolling(place)

    def place(self, name: str) -> Place:
        """A service of this environment with what is needed to operate it."""
        return Place(self.swarm, self.edge, self.stack, name, self.service(name), self.network_name, self.name)

    def observed(self, name: str) -> Live | None:
        """The Swarm service that takes the traffic, its release and replicas; None if nothing does."""
        return self.rollout(name).live()

    def swarm_name(self, name: str) -> str:
        """The Swarm service that is a part of the stack now: of a service with colours the one that takes the traffic."""
        live = self.observed(name) if name in self.services else None
        return live.swarm_name if live else self.full_name(name)

    def agrees(self, name: str) -> str | None:
        """A sentence if another release answers than is recorded, else None; None also while a run works on it."""
        if any(lock.target == f"{self.name}/{name}" for lock in self.store.locks.list(self.clock.now())):
            return None
        return self.difference(name)

    def difference(self, name: str) -> str | None:
        """As `agrees`, whoever works on it."""
        recorded = self.store.releases.live(self.name, name)
        if recorded is None and self.left_alone(name):
            return None
        return agreement.difference(recorded, self.observed(name), self._told(name))

    def left_alone(self, name: str) -> bool:
        """Whether somebody let the service go: it runs, and is none of ours."""
        return self.store.settings.get(self.left_key(name)) is not None

    def left_key(self, name: str) -> str:
        """The remembered value that says who let a service go."""
        return f"left:{self.name}/{name}"

    def mend(self, name: str) -> str | None:
        """Write the edge's flag again if a replaced edge lost it; what was done, or None. Cheap; call it often."""
        row = self.store.releases.live(self.name, name)
        rollout = self.rollout(name)
        if row is None or row.live_at is None or not isinstance(rollout, BlueGreen):
            return None
        if not agreement.lost_flag(rollout, self.edge, row, row.live_at):
            return None
        return self._point_again(name, rollout, row)

    def _point_again(self, name: str, rollout: BlueGreen, row: ReleaseRow) -> str | None:
        """Under the lock, so that no run moves people at the same time."""
        now, target, me = self.clock.now(), f"{self.name}/{name}", f"mend:{self.name}/{name}"
        held = self.store.locks.take(target, me, "opsbot", "the edge lost its flag", now + _MENDING, now)
        if held is not None:
            return None
        try:
            if self.store.releases.live(self.name, name) != row:
                return None
            rollout.switch(row, row.run, Nobody())
        finally:
            self.store.locks.release(me)
        return f"The edge of {self.name} came up without its flag; people are sent to {row.tag} ({row.id}) again."

    def _told(self, name: str) -> dict[str, Any] | None:
        if self.service(name).strategy == "rolling":
            return None
        try:
            return self.edge.told(self.service(name).release_path)
        except Unavailable:
            return None  # whether it answers is a question of health, not of agreement

    def one_off(
        self,
        image: str,
        argv: Sequence[str],
        *,
        name_prefix: str = "one-off",
        labels: Mapping[str, str] | None = None,
        **more: Any,
    ) -> OneOff:
        """As `Swarm.one_off`, named and labelled as a part of this stack."""
        marked = {rules.STACK: self.stack, **(labels or {})}
        return self.swarm.one_off(image, argv, name_prefix=f"{self.stack}_{name_prefix}", labels=marked, **more)

    def releases_seen(self, name: str) -> int:
        """The highest release number on this service's Swarm services, whoever's record gave it; 0 if none."""
        found = self.swarm.labelled({rules.STACK: self.stack, rules.SERVICE: name})
        return rules.highest(service["Spec"] for service in found)

    def replicas(self, name: str) -> tuple[int, int]:
        """Running and wanted replicas of what is live; (0, configured) if nothing is."""
        live = self.observed(name)
        return (live.running, live.wanted) if live else (0, self.service(name).replicas)

    def live(self, name: str) -> dict[str, Any]:
        """What the service says of itself through the edge: {"release", "tag", "revision", …}; Unavailable if nothing."""
        if self.service(name).strategy == "rolling":
            return self._by_label(name)
        told = self.edge.told(self.service(name).release_path)
        if told is None:
            raise Unavailable(f"Nothing of {name} answers through the edge in {self.name}.", code="nothing_live")
        return told

    def _by_label(self, name: str) -> dict[str, Any]:
        observed = self.observed(name)
        row = self.store.releases.get(self.name, name, observed.release) if observed and observed.release else None
        if row is None:
            raise Unavailable(f"No release of {name} runs in {self.name}.", code="nothing_live")
        return {"release": str(row.number), "tag": row.tag, "revision": row.revision or ""}

    def neutral_spec(self, name: str, image: str) -> specs.Spec:
        """The spec that a new release of a service records."""
        base = self._taken_over(name)
        if base is not None:
            return theirs.based(base, self.stack, self.service(name), image)
        return specs.neutral(self.stack, name, self.service(name), image, self.network_name)

    def _taken_over(self, name: str) -> specs.Spec | None:
        """What releases of a service are based on that somebody else made; None where opsbot.yml says all of it."""
        if self.service(name).strategy != "rolling":
            return None
        recorded = self.store.releases.live(self.name, name)
        observed = self.observed(name) if recorded is None else None
        spec = recorded.spec if recorded else specs.adopted(observed.spec) if observed else None
        return spec if spec and theirs.is_taken_over(spec) else None

    def repository(self, name: str) -> str:
        """The image name of a service, without tag."""
        return values.text(self.service(name).image)

    def resolve(self, name: str, tag: str) -> Image:
        """What a tag is in the registry now."""
        repository = self.repository(name)
        return self._registries.of(repository).resolve(repository, tag)

    def tags(self, name: str) -> list[str]:
        """All tags of a service's image in the registry, newest-looking first."""
        repository = self.repository(name)
        return self._registries.of(repository).tags(repository)

    def registry_has(self, image: str) -> bool:
        """True if the registry still holds `repo@digest`."""
        repository, digest = name_of(image), image.partition("@")[2]
        return self._registries.of(repository).has(repository, digest)

    def ping_registry(self, name: str) -> None:
        """Raises Unavailable unless the service's registry answers and takes our login."""
        self._registries.of(self.repository(name)).ping()

    def row(self, name: str, number: int) -> ReleaseRow:
        """A recorded release; NotFound if there is none."""
        found = self.store.releases.get(self.name, name, number)
        if found is None:
            raise NotFound(f"There is no release {name}-{number} in {self.name}.", "Say releases to see them.")
        return found

    def mark(self, row: ReleaseRow, state: State, note: str | None = None) -> None:
        """Set the state of a recorded release; `live` retires the one that was."""
        self.store.releases.mark(row.environment, row.service, row.number, state, note, self.clock.now())


class Registries:
    """The registries that images come from, with the logins of opsbot.yml."""

    def __init__(self, configured: Mapping[str, RegistryLogin]) -> None:
        self._configured = configured
        self._made: dict[str, Registry] = {}

    def login(self, host: str) -> Login | None:
        """User and password for a host, or None."""
        found = self._settings(host)
        return (values.text(found.user), values.secret(found.password).reveal()) if found else None

    def of(self, repository: str) -> Registry:
        """The registry that a repository is in."""
        host = host_of(repository)
        if host not in self._made:
            found = self._settings(host)
            self._made[host] = Registry(host, lambda: self.login(host), bool(found and found.insecure))
        return self._made[host]

    def _settings(self, host: str) -> RegistryLogin | None:
        return next((one for one in self._configured.values() if values.text(one.host) == host), None)


class Targets:
    """All environments of opsbot.yml. One connection per engine, made at the first use."""

    def __init__(self, config: Config, store: Store, clock: Clock | None = None) -> None:
        self._config, self._store, self._clock = config, store, clock or SystemClock()
        self.registries = Registries(config.registries)
        self._guard = threading.Lock()
        self._swarms: dict[str, Swarm] = {}
        self._targets: dict[str, Target] = {}

    @property
    def database_services(self) -> frozenset[str]:
        """The services that hold the databases of opsbot.yml."""
        return frozenset(database.service for database in self._config.databases.values())

    def stack(self, name: str) -> StackOf:
        """What the stack files of an environment make."""
        target = self.get(name)
        return StackOf(target.swarm, target.environment, self._config.stack_settings)

    def names(self) -> list[str]:
        """The environments' names."""
        return list(self._config.environments)

    def get(self, name: str) -> Target:
        """One environment; NotFound with the closest names."""
        environments = self._config.environments
        if name not in environments:
            raise NotFound(
                f"There is no environment {name}.", did_you_mean(name, environments), code="unknown_environment"
            )
        url = values.text(environments[name].engine)
        with self._guard:
            swarm = self._swarms.setdefault(url, Swarm(url, self.registries.login))
            if name not in self._targets:
                self._targets[name] = Target(
                    name, environments[name], self._config.services, swarm, self.registries, self._store, self._clock
                )
            return self._targets[name]

    def close(self) -> None:
        """Let all connections go."""
        for swarm in self._swarms.values():
            swarm.close()
