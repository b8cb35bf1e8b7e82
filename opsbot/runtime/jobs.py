"""Work that Swarm runs to its end: with the service's secrets (migration, smoke test), or on another node."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opsbot.errors import StepFailed
from opsbot.runtime import release as rules
from opsbot.runtime.progress import Progress
from opsbot.runtime.swarm import Swarm

VERB = "opsbot.job"  # the label of such a service: what it does
_ENDED = ("complete", "failed", "rejected", "orphaned", "shutdown")
_NAME = 63  # the engine's longest service name
_LINES = 60
_TRIES = 3  # at a container that the engine itself cannot start: its mounts may be busy for a moment
_PAUSE = 1.0  # s between them


@dataclass(frozen=True)
class Ended:
    """How it ended. `output` is the last lines of standard output and error together."""

    code: int
    output: str
    seconds: float
    error: str = ""


def name_of(stack: str, service: str, verb: str, run: str) -> str:
    """The Swarm service's name of one run's work, the same after a restart, so that it is found again."""
    end = f"-{verb}-{run}".lower()
    return f"{stack}_{service}"[: _NAME - len(end)] + end


def job_spec(task: Mapping[str, Any], name: str, argv: Sequence[str], labels: Mapping[str, str]) -> dict[str, Any]:
    """A service spec that runs a copy of this task template once, with another command and no healthcheck. Pure."""
    once = copy.deepcopy(dict(task))
    once["ContainerSpec"] |= {"Args": list(argv), "Healthcheck": {"Test": ["NONE"]}, "Labels": dict(labels)}
    once["RestartPolicy"] = {"Condition": "none", "MaxAttempts": 0}
    for network in once.get("Networks") or []:
        network["Aliases"] = []
    return {
        "Name": name,
        "Labels": dict(labels),
        "TaskTemplate": once,
        "Mode": {"ReplicatedJob": {"MaxConcurrent": 1, "TotalCompletions": 1}},
        "EndpointSpec": {"Mode": "dnsrr"},
    }


def run_to_end(swarm: Swarm, spec: Mapping[str, Any], timeout: float, watch: Progress | None = None) -> Ended:
    """Start it, or find it started before a restart; wait; read its output; remove it.

    What the engine could not start, and of which nothing ran therefore, is started again. StepFailed (code `timeout`)
    after `timeout` seconds. Cancelling stops it.
    """
    name, started = spec["Name"], time.monotonic()
    try:
        status = _status(swarm, spec, started + timeout, watch)
        for _ in range(_TRIES - 1):
            if not _never_began(status):
                break
            _clear(swarm, name)
            time.sleep(_PAUSE)
            status = _status(swarm, spec, started + timeout, watch)
        code = int((status.get("ContainerStatus") or {}).get("ExitCode") or 0)
        failed = status["State"] != "complete"
        output = "\n".join(swarm.logs(name, _LINES)).strip()
        return Ended(code or int(failed), output, time.monotonic() - started, status.get("Err", "") if failed else "")
    finally:
        _clear(swarm, name)


def end_all(swarm: Swarm, stack: str, run: str) -> None:
    """End the work of a run that its dead owner left; nothing happens if there is none."""
    for found in swarm.labelled({rules.STACK: stack, rules.RUN: run}):
        if VERB in rules.labels_of(found["Spec"]):
            _clear(swarm, found["Spec"]["Name"])


def _clear(swarm: Swarm, name: str) -> None:
    """Remove the service and its containers: Swarm forgets a job's ended containers and leaves them behind."""
    containers = [(task["Status"].get("ContainerStatus") or {}).get("ContainerID") for task in swarm.tasks(name)]
    swarm.remove(name)
    for ident in containers:
        if ident:
            swarm.remove_container(ident)


def _status(swarm: Swarm, spec: Mapping[str, Any], ends: float, watch: Progress | None) -> dict[str, Any]:
    """How its task ended, raw; it is started unless it is there."""
    if swarm.service(spec["Name"]) is None:
        swarm.put(spec)
    status: dict[str, Any] = _wait(swarm, spec["Name"], ends, watch)["Status"]
    return status


def _never_began(status: Mapping[str, Any]) -> bool:
    """Whether the engine failed to start the container (dockerd's words), so that no program of it ran."""
    return str(status.get("Err") or "").startswith("starting container failed")


def _wait(swarm: Swarm, name: str, ends: float, watch: Progress | None) -> dict[str, Any]:
    while True:
        task = next(iter(swarm.tasks(name)), None)
        if task and task["Status"]["State"] in _ENDED:
            return task
        if time.monotonic() > ends:
            said = task["Status"].get("Err") or task["Status"].get("Message") if task else "it was never scheduled"
            raise StepFailed(f"{name} did not end in time ({said}) and was stopped.", code="timeout")
        if watch:
            watch.check()
            watch.progress(0, 1, "its program runs")  # silence is a sign that the engine does not answer
        time.sleep(0.1)


def on_node(swarm: Swarm, node: str, name: str, image: str, argv: Sequence[str], mount: Mapping[str, Any]) -> Ended:
    """An argv in a container on one node, with one of its volumes; no agent is left there."""
    task = {
        "ContainerSpec": {"Image": image, "Command": list(argv[:1]), "User": "root", "Mounts": [dict(mount)]},
        "Placement": {"Constraints": [f"node.id == {node}"]},
        "LogDriver": {"Name": "json-file", "Options": {"max-size": "1m", "max-file": "1"}},
    }
    return run_to_end(swarm, job_spec(task, name, argv[1:], {rules.SERVICE: "job"}), timeout=30)
