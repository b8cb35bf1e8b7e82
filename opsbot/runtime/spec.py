"""Pure: raw Swarm service specs. A recorded spec is neutral (no name, colour, run, ids); `stamp` makes it postable."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from opsbot.config.settings import Service
from opsbot.runtime import release as rules

Spec = dict[str, Any]
_TOLD = ("RELEASE_ID", "RELEASE_TAG", "RELEASE_REVISION")
SECOND = 1_000_000_000  # the engine counts in nanoseconds


@dataclass(frozen=True)
class Stamp:
    """What turns a neutral spec into one service of one release. `secrets`: Swarm secret name → id."""

    name: str
    alias: str
    release: int
    run: str
    tag: str
    revision: str
    replicas: int
    network: str
    colour: rules.Colour | None = None
    secrets: Mapping[str, str] = field(default_factory=dict)


def neutral(stack: str, name: str, service: Service, image: str, network: str) -> Spec:
    """The spec of a service at an image, every field set, without what `stamp` adds. `image` is `repo@sha256:…`."""
    at_once = 0 if service.strategy == "blue-green" else 1
    return {
        "Name": "",
        "Labels": {rules.STACK: stack, rules.SERVICE: name, rules.REPLICAS: str(service.replicas)},
        "TaskTemplate": {
            "ContainerSpec": _container(stack, service, image),
            "Resources": {"Limits": {"MemoryBytes": rules.memory_bytes(service.memory)}, "Reservations": {}},
            "RestartPolicy": {"Condition": "any", "Delay": SECOND, "MaxAttempts": 0, "Window": 0},
            "Placement": {},
            "Networks": [{"Target": network, "Aliases": []}],
            "LogDriver": {"Name": "json-file", "Options": {"max-size": "10m", "max-file": "3"}},
            "ForceUpdate": 0,
            "Runtime": "container",
        },
        "Mode": {"Replicated": {"Replicas": 0}},
        "UpdateConfig": update_config(at_once, "rollback"),
        "RollbackConfig": update_config(at_once, "pause"),
        "EndpointSpec": {"Mode": "dnsrr"},
    }


def _container(stack: str, service: Service, image: str) -> Spec:
    # No Healthcheck and no User: both stay as the image declares them.
    return {
        "Image": image,
        "Env": [f"{key}={value}" for key, value in sorted(environment(service, stack).items())],
        "Labels": {},
        "Init": True,
        "Isolation": "default",
        "StopGracePeriod": int(service.stop_grace.total_seconds() * SECOND),
        "DNSConfig": {},
        "Mounts": [],
        "Secrets": [secret(file, f"{stack}_{name}") for file, name in sorted(service.secrets.items())],
    }


def secret(file: str, name: str) -> Spec:
    """A Swarm secret as a file of the container; its id is filled in by `stamp`."""
    return {"File": {"Name": file, "UID": "0", "GID": "0", "Mode": 0o444}, "SecretID": "", "SecretName": name}


def update_config(parallelism: int, on_failure: str, order: str = "start-first") -> Spec:
    """How Swarm replaces tasks: so many at once (0 = all), in which order, and what it does when they do not come up."""
    return {
        "Parallelism": parallelism,
        "Delay": 0,
        "FailureAction": on_failure,
        "Monitor": 5 * SECOND,
        "MaxFailureRatio": 0,
        "Order": order,
    }


def environment(service: Service, stack: str) -> dict[str, str]:
    """The configured, non-secret environment, with `{stack}` filled in."""
    return {key: value.replace("{stack}", stack) for key, value in service.env.items()}


def stamp(recorded: Mapping[str, Any], mark: Stamp) -> Spec:
    """A full spec to post: the recorded one under this name, colour, release, run, with ids of today."""
    spec: Spec = copy.deepcopy(dict(recorded))
    ours = {rules.RELEASE: str(mark.release), rules.RUN: mark.run}
    if mark.colour:
        ours[rules.COLOUR] = mark.colour
    spec["Name"] = mark.name
    spec["Labels"] = {**(spec.get("Labels") or {}), **ours}
    spec["Mode"] = {"Replicated": {"Replicas": mark.replicas}}
    task = spec["TaskTemplate"]
    container = task["ContainerSpec"]
    container["Labels"] = {**(container.get("Labels") or {}), **ours}
    container["Env"] = _with_release(container.get("Env") or [], mark)
    container["Secrets"] = [
        {**secret, "SecretID": mark.secrets.get(secret["SecretName"], secret.get("SecretID", ""))}
        for secret in container.get("Secrets") or []
    ]
    for network in task.get("Networks") or []:
        if not network.get("Aliases"):
            network.update(Target=mark.network, Aliases=[mark.alias])
    return spec


def _with_release(env: list[str], mark: Stamp) -> list[str]:
    told = dict(zip(_TOLD, (str(mark.release), mark.tag, mark.revision), strict=True))
    kept = [line for line in env if line.split("=", 1)[0] not in told]
    return [*kept, *(f"{key}={value}" for key, value in told.items())]


def adopted(found: Mapping[str, Any]) -> Spec:
    """The neutral spec of a service that runs: as it is, its name, count, and what `stamp` adds apart."""
    spec: Spec = copy.deepcopy(dict(found))
    spec.update(Name="", Mode={"Replicated": {"Replicas": 0}}, Labels=_not_ours(spec.get("Labels")))
    container = spec["TaskTemplate"]["ContainerSpec"]
    container["Labels"] = _not_ours(container.get("Labels"))
    labels = rules.labels_of(found)
    if rules.COLOUR not in labels:
        return spec
    container["Env"] = [line for line in container.get("Env") or [] if line.partition("=")[0] not in _TOLD]
    for network in spec["TaskTemplate"].get("Networks") or []:
        if network.get("Aliases") == [rules.alias(labels.get(rules.SERVICE, ""), labels[rules.COLOUR])]:
            network["Aliases"] = []
    return spec


def _not_ours(labels: Mapping[str, str] | None) -> dict[str, str]:
    return {key: text for key, text in (labels or {}).items() if key not in (rules.RELEASE, rules.RUN, rules.COLOUR)}


def spec_hash(recorded: Mapping[str, Any]) -> str:
    """Identity of a neutral spec: equal hashes run the same thing."""
    return hashlib.sha256(json.dumps(recorded, sort_keys=True).encode()).hexdigest()[:16]


def secret_names(recorded: Mapping[str, Any]) -> list[str]:
    """The Swarm secrets that a spec needs."""
    return [secret["SecretName"] for secret in recorded["TaskTemplate"]["ContainerSpec"].get("Secrets") or []]


def replicas(spec: Mapping[str, Any]) -> int:
    """The wanted replica count of a raw spec; 0 for a global service."""
    return int(spec.get("Mode", {}).get("Replicated", {}).get("Replicas") or 0)


def keep_scale(running: Mapping[str, Any] | None, configured: int) -> int:
    """How many replicas to run: a scale by hand outlives a deploy, a new setting in opsbot.yml wins."""
    if running is None or rules.labels_of(running).get(rules.REPLICAS) not in (None, str(configured)):
        return configured
    return replicas(running) or configured
