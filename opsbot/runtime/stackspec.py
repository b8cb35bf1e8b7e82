"""Pure: from a stack file's services to raw Swarm specs, and what differs between a spec and what runs, in plain words.

Specs here name networks, configs and secrets; `with_ids` fills in the ids of today.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from opsbot.runtime import stackfile
from opsbot.runtime.release import memory_bytes
from opsbot.runtime.spec import SECOND, Spec
from opsbot.runtime.stackfile import Service, Stack

NAMESPACE, IMAGE = "com.docker.stack.namespace", "com.docker.stack.image"
READABLE = 0o444
_UNSAID = {"Order": "stop-first", "FailureAction": "pause", "Parallelism": 1}  # what Swarm does where nothing is said
GRACE = 10  # seconds that Docker gives a container to stop, if nothing else is said


@dataclass(frozen=True)
class Change:
    """One service: new, or other than it runs. `lines` say each difference; `volumes` are those that it would lose."""

    service: str
    kind: Literal["new", "changed"]
    lines: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()


def specs(stack: Stack) -> dict[str, Spec]:
    """Every service's spec, by its name without the stack's."""
    return {name: _spec(stack, name, service) for name, service in stack.document.services.items()}


def _spec(stack: Stack, name: str, service: Service) -> Spec:
    deploy, label = service.deploy, {NAMESPACE: stack.name}
    mode = {"Global": {}} if deploy.mode == "global" else {"Replicated": {"Replicas": deploy.replicas}}
    memory = deploy.resources.get("limits", {}).get("memory")
    return {
        "Name": f"{stack.name}_{name}",
        "Labels": {IMAGE: service.image, **label},
        "TaskTemplate": {
            "ContainerSpec": _container(stack, service, label),
            "Resources": {"Limits": {"MemoryBytes": memory_bytes(memory)}} if memory else {},
            "RestartPolicy": {
                "Condition": deploy.restart_policy.condition,
                "Delay": _nanoseconds(deploy.restart_policy.delay or timedelta(seconds=5)),
                "MaxAttempts": deploy.restart_policy.max_attempts or 0,
            },
            "Placement": {"Constraints": list(deploy.placement.get("constraints", ()))},
            "Networks": [{"Target": f"{stack.name}_{network}", "Aliases": [name]} for network in service.networks],
            **_logging(service),
            "ForceUpdate": 0,
            "Runtime": "container",
        },
        "Mode": mode,
        "UpdateConfig": _update(deploy.update_config),
        "RollbackConfig": _update(deploy.rollback_config),
        "EndpointSpec": {"Mode": deploy.endpoint_mode, "Ports": [_port(port) for port in service.ports]},
    }


def _container(stack: Stack, service: Service, label: Mapping[str, str]) -> Spec:
    document = stack.document
    spec: Spec = {
        "Image": service.image,
        "Labels": dict(label),
        "Env": [f"{key}={value}" for key, value in sorted(service.environment.items())],
        "Mounts": [_mount(stack, volume, label) for volume in service.volumes],
        "StopGracePeriod": _nanoseconds(service.stop_grace_period or timedelta(seconds=GRACE)),
        "DNSConfig": {},
        "Secrets": [
            {"File": _file(one.target), "SecretID": "", "SecretName": document.secrets[one.source].name}
            for one in service.secrets
        ],
        "Configs": [
            {"File": _file(one.target), "ConfigID": "", "ConfigName": document.configs[one.source].name}
            for one in service.configs
        ],
        "Isolation": "default",
    }
    if service.entrypoint:
        spec["Command"] = list(service.entrypoint)
    if service.command:
        spec["Args"] = list(service.command)
    if service.healthcheck:
        spec["Healthcheck"] = _healthcheck(service.healthcheck)
    return spec


def _mount(stack: Stack, volume: stackfile.Volume, label: Mapping[str, str]) -> Spec:
    mount: Spec = {"Type": volume.type, "Target": volume.target}
    if volume.type == "volume":
        mount |= {"Source": f"{stack.name}_{volume.source}", "VolumeOptions": {"Labels": dict(label)}}
    elif volume.type == "bind":
        mount["Source"] = volume.source
    elif volume.tmpfs:
        mount["TmpfsOptions"] = {"SizeBytes": volume.tmpfs["size"]}
    return mount | ({"ReadOnly": True} if volume.read_only else {})


def _file(name: str) -> Spec:
    return {"Name": name, "UID": "0", "GID": "0", "Mode": READABLE}


def _logging(service: Service) -> Spec:
    logging = service.logging
    return {"LogDriver": {"Name": logging.driver, "Options": dict(logging.options)}} if logging else {}


def _healthcheck(check: stackfile.Healthcheck) -> Spec:
    times = {"Interval": check.interval, "Timeout": check.timeout, "StartPeriod": check.start_period}
    given = {key: _nanoseconds(value) for key, value in times.items() if value is not None}
    return {"Test": list(check.test), **given, **({"Retries": check.retries} if check.retries else {})}


def _update(update: stackfile.Update) -> Spec:
    return {
        "Parallelism": update.parallelism,
        "FailureAction": update.failure_action,
        "Monitor": 5 * SECOND,
        "MaxFailureRatio": 0,
        "Order": update.order,
    }


def _port(port: stackfile.Port) -> Spec:
    return {
        "Protocol": port.protocol,
        "TargetPort": port.target,
        "PublishedPort": port.published,
        "PublishMode": port.mode,
    }


def _nanoseconds(duration: timedelta) -> int:
    return int(duration.total_seconds() * SECOND)


def with_ids(spec: Spec, networks: Mapping[str, str], secrets: Mapping[str, str], configs: Mapping[str, str]) -> Spec:
    """A spec to post: names of networks, secrets and configs get the ids of today."""
    found = copy.deepcopy(spec)
    for network in found["TaskTemplate"].get("Networks") or []:
        network["Target"] = networks.get(network["Target"], network["Target"])
    container = found["TaskTemplate"]["ContainerSpec"]
    for secret in container.get("Secrets") or []:
        secret["SecretID"] = secrets[secret["SecretName"]]
    for config in container.get("Configs") or []:
        config["ConfigID"] = configs[config["ConfigName"]]
    return found


def facets(spec: Mapping[str, Any], networks: Mapping[str, str]) -> dict[str, str]:
    """What a person would name of a spec, by name. `networks`: id → name."""
    task = spec["TaskTemplate"]
    container = task["ContainerSpec"]
    check = container.get("Healthcheck") or {}
    limits = (task.get("Resources") or {}).get("Limits") or {}
    restart = task.get("RestartPolicy") or {}
    found = {
        "image": container["Image"],
        "entrypoint": " ".join(container.get("Command") or []),
        "command": " ".join(container.get("Args") or []),
        "memory": str(limits.get("MemoryBytes") or ""),
        "health check": " ".join(_in_order(check)),
        "restart": f"{restart.get('Condition')} after {int(restart.get('Delay') or 0) // SECOND} s",
        "placement": " ".join((task.get("Placement") or {}).get("Constraints") or []),
        "networks": " ".join(sorted(networks.get(one["Target"], one["Target"]) for one in task.get("Networks") or [])),
        "log": " ".join(_flat(task.get("LogDriver") or {})),
        "replicas": str(((spec.get("Mode") or {}).get("Replicated") or {}).get("Replicas", "one per node")),
        "stopping": f"{int(container.get('StopGracePeriod') or 0) // SECOND or GRACE} s",
        "endpoint": str((spec.get("EndpointSpec") or {}).get("Mode")),
    }
    for name in ("UpdateConfig", "RollbackConfig"):
        update = _UNSAID | {key: value for key, value in (spec.get(name) or {}).items() if value}
        found[name] = f"{update['Order']}, then {update['FailureAction']}, {update['Parallelism']} at once"
    found |= {
        f"variable {key}": value for key, _, value in (line.partition("=") for line in container.get("Env") or [])
    }
    for mount in container.get("Mounts") or []:
        found[f"volume {mount['Target']}"] = " ".join(_flat({k: v for k, v in mount.items() if k != "VolumeOptions"}))
    for kind in ("Secret", "Config"):
        for one in container.get(f"{kind}s") or []:
            found[f"{kind.lower()} {one['File']['Name']}"] = one[f"{kind}Name"]
    for port in (spec.get("EndpointSpec") or {}).get("Ports") or []:
        found[f"port {port['TargetPort']}/{port['Protocol']}"] = f"{port['PublishedPort']} {port['PublishMode']}"
    return {key: value for key, value in found.items() if value}


def _in_order(check: Mapping[str, Any]) -> list[str]:
    return [*check.get("Test", []), *(f"{key}={check[key]}" for key in sorted(check) if key != "Test" and check[key])]


def _flat(node: Any) -> list[str]:
    if isinstance(node, Mapping):
        return [f"{key}={'+'.join(_flat(node[key]))}" for key in sorted(node)]
    return [str(node)]


def change(name: str, wanted: Mapping[str, str], runs: Mapping[str, str] | None) -> Change | None:
    """What posting the wanted facets would do to a service; None: nothing."""
    if runs is None:
        return Change(name, "new", (f"image: {wanted['image']}",))
    keys = [key for key in {**runs, **wanted} if runs.get(key) != wanted.get(key)]
    lost = tuple(key for key in keys if key.startswith("volume ") and "Type=volume" in runs.get(key, ""))
    if not keys:
        return None
    lines = tuple(f"{key}: {runs.get(key, 'nothing')} → {wanted.get(key, 'nothing')}" for key in keys)
    return Change(name, "changed", lines, lost)
