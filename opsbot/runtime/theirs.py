"""Pure: specs of services that somebody else made. Once taken over, a release changes what opsbot.yml says and keeps the rest."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from opsbot.config.settings import Service
from opsbot.runtime import release as rules
from opsbot.runtime import spec as specs
from opsbot.runtime.images import name_of
from opsbot.runtime.spec import SECOND, Spec


def taken_over(found: Mapping[str, Any], stack: str, name: str, image: str) -> Spec:
    """The neutral spec of a service as it runs, marked so that later releases are based on it. `image`: with its digest."""
    spec = specs.adopted(found)
    spec["Labels"] = {**spec["Labels"], rules.STACK: stack, rules.SERVICE: name, rules.ADOPTED: "true"}
    spec["TaskTemplate"]["ContainerSpec"]["Image"] = image
    for network in spec["TaskTemplate"].get("Networks") or []:
        network["Aliases"] = network.get("Aliases") or [name]  # what has a name already is not given another network
    order = "stop-first" if alone(spec) else "start-first"
    spec["UpdateConfig"] = spec.get("UpdateConfig") or specs.update_config(1, "rollback", order)
    spec["RollbackConfig"] = spec.get("RollbackConfig") or specs.update_config(1, "pause", order)
    return spec


def is_taken_over(spec: Mapping[str, Any]) -> bool:
    """Whether a spec, recorded or running, stems from a service that was taken over."""
    return rules.labels_of(spec).get(rules.ADOPTED) == "true"


def based(base: Mapping[str, Any], stack: str, service: Service, image: str) -> Spec:
    """A release of a service that was taken over: another image, and over the old settings those that opsbot.yml gives."""
    spec: Spec = copy.deepcopy(dict(base))
    container = spec["TaskTemplate"]["ContainerSpec"]
    container["Image"] = image
    env = specs.environment(service, stack)
    kept = [line for line in container.get("Env") or [] if line.partition("=")[0] not in env]
    container["Env"] = [*kept, *(f"{key}={value}" for key, value in sorted(env.items()))]
    secrets = [specs.secret(file, f"{stack}_{name}") for file, name in sorted(service.secrets.items())]
    given = {secret["File"]["Name"] for secret in secrets}
    theirs = [one for one in container.get("Secrets") or [] if (one.get("File") or {}).get("Name") not in given]
    container["Secrets"] = [*theirs, *secrets]
    if "memory" in service.model_fields_set:
        limits = spec["TaskTemplate"].setdefault("Resources", {}).setdefault("Limits", {})
        limits["MemoryBytes"] = rules.memory_bytes(service.memory)
    if "stop_grace" in service.model_fields_set:
        container["StopGracePeriod"] = int(service.stop_grace.total_seconds() * SECOND)
    return spec


def alone(spec: Mapping[str, Any]) -> bool:
    """Whether two tasks of it must not run side by side on a node: it has a port of the host, or data in a volume."""
    ports = (spec.get("EndpointSpec") or {}).get("Ports") or []
    mounts = spec["TaskTemplate"]["ContainerSpec"].get("Mounts") or []
    on_host = any(port.get("PublishMode") == "host" for port in ports)
    return on_host or any(mount.get("Type") == "volume" and not mount.get("ReadOnly") for mount in mounts)


def replicated(spec: Mapping[str, Any]) -> bool:
    """Whether it has a number of replicas: not one per node, and not work that ends."""
    return "Replicated" in (spec.get("Mode") or {})


def gap(spec: Mapping[str, Any]) -> bool:
    """Whether people notice an update: its only task stops before the next one starts."""
    order = (spec.get("UpdateConfig") or {}).get("Order", "stop-first" if alone(spec) else "start-first")
    return order != "start-first" and specs.replicas(spec) < 2


def tag_in(image: str) -> str:
    """The tag that an image's name tells: `repo:v1@sha256:…` → `v1`; `found` if it tells none."""
    named = image.partition("@")[0]
    return named.removeprefix(name_of(named)).removeprefix(":") or "found"
