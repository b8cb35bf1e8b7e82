"""Swarms for tests of `init`: raw services and networks as an engine tells them, and an engine that tells only those."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from opsbot.install.discover import NAMESPACE, Stack, stacks
from opsbot.runtime import release as rules
from opsbot.runtime.swarm import Swarm

Raw = dict[str, Any]


def raw(name: str, image: str, *networks: str, stack: str = "shop", **more: Any) -> Raw:
    """A service; `env`, `secrets`, `labels`, `mode`, `ports` as in its spec."""
    container = {"Image": image, "Env": more.get("env", []), "Secrets": more.get("secrets", [])}
    return {
        "Spec": {
            "Name": f"{stack}_{name}",
            "Labels": {NAMESPACE: stack, **more.get("labels", {})},
            "TaskTemplate": {"ContainerSpec": container, "Networks": [{"Target": one} for one in networks]},
            "Mode": more.get("mode", {"Replicated": {"Replicas": 2}}),
            "EndpointSpec": {"Ports": more.get("ports", [])},
        }
    }


def web(stack: str, image: str = "registry.example/shop/web:v1", name: str = "web") -> Raw:
    """An application."""
    return raw(name, image, f"{stack}-net", stack=stack)


def db(stack: str, *env: str, secret: str | None = None, name: str = "db") -> Raw:
    """A Postgres; `secret`: the Swarm secret with its password."""
    held = [{"File": {"Name": "postgres_password"}, "SecretName": secret, "SecretID": secret}] if secret else []
    return raw(name, "postgres:16", f"{stack}-net", stack=stack, env=list(env), secrets=held)


def bot(stack: str, *env: str, name: str = "opsbot") -> Raw:
    """The bot's own service, on the network of that stack."""
    return raw(
        "bot", "registry.example/opsbot:1", f"{stack}-net", stack=name, env=list(env), labels={rules.BOT: "true"}
    )


def networks(services: Sequence[Raw]) -> list[Raw]:
    """One for each stack."""
    names = dict.fromkeys(one["Spec"]["Labels"][NAMESPACE] for one in services)
    return [{"Id": f"{name}-net", "Name": f"{name}_net", "Scope": "swarm", "Attachable": True} for name in names]


def found(*services: Raw) -> list[Stack]:
    """The stacks of these services."""
    return stacks(services, networks(services), lambda _image: {})


@dataclass
class Engine:
    """Answers what `init` asks of an engine, has no image, and keeps the secrets that are made."""

    running: Sequence[Raw]
    made: dict[str, bytes] = field(default_factory=dict)
    tasks: Mapping[str, Sequence[str]] = field(default_factory=dict)  # service → containers of its running tasks
    url: str = "unix:///e"
    at: str = "node-1"  # where all tasks run

    @property
    def images(self) -> Engine:
        return self

    def has(self, image: str) -> bool:
        return False

    def close(self) -> None:
        """Nothing is open."""

    def ping(self) -> None:
        """It answers."""

    def services(self) -> Sequence[Raw]:
        return self.running

    def service(self, name: str) -> Raw | None:
        return next((one for one in self.running if one["Spec"]["Name"] == name), None)

    def networks(self) -> Sequence[Raw]:
        return networks(self.running)

    def info(self) -> Mapping[str, Any]:
        return {}

    def node(self) -> str:
        return "node-1"

    def node_names(self) -> Mapping[str, str]:
        return {"node-1": "here", "node-2": "there"}

    def task_addresses(self, service: str) -> list[str]:
        return []

    def labelled(self, labels: Mapping[str, str]) -> Sequence[Raw]:
        return [one for one in self.running if labels.items() <= one["Spec"]["Labels"].items()]

    def running_tasks(self, service: str) -> Sequence[Raw]:
        ids = self.tasks.get(service, ())
        return [{"NodeID": self.at, "Status": {"ContainerStatus": {"ContainerID": one}}} for one in ids]

    def secret_ids(self, names: Sequence[str]) -> Mapping[str, str]:
        specs = [one["Spec"]["TaskTemplate"]["ContainerSpec"] for one in self.running]
        there = {*self.made, *(secret["SecretName"] for spec in specs for secret in spec["Secrets"])}
        return {name: name for name in names if name in there}

    def make_secret(self, name: str, value: bytes) -> bool:
        return self.made.setdefault(name, value) is value

    @property
    def swarm(self) -> Swarm:
        """As `init` takes it."""
        return cast(Swarm, self)
