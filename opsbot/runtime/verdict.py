"""Whether a service really came up: judged by the release label on its running tasks, with our own deadline."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opsbot.errors import OpsError
from opsbot.runtime import release as rules
from opsbot.runtime.progress import Progress, RolloutFailed
from opsbot.runtime.swarm import Swarm

_EVERY = 0.25  # s between looks
KILLED = 137  # the exit code of SIGKILL
_LOOKS = 8  # at a killed container, until the engine says whether memory was short
_FAILURES = 3  # tasks that may die before we say that the release does
_LINES = 40  # of the log: a Python traceback of a server's start fits
LOG = "Last lines of its log:"  # the line between what is known of an end and the log
_MEMORY = "Raise `memory` of {service} in opsbot.yml, or look what needs so much."
_UNHEALTHY = (
    "Look at what the check and the log say; raise `ready_within` of {service} in opsbot.yml if it only starts slowly."
)
_EXITED = "Its last lines say why: mend the image or the settings of {service}, then deploy again."


@dataclass(frozen=True)
class Expected:
    """What should come up: `replicas` tasks of `release` in the Swarm service `name`, within so many seconds.

    `service` is its name in opsbot.yml, `called` what people call the release; `before` are ids of tasks that existed; `so` says where that leaves people.
    """

    name: str
    service: str
    called: str
    release: int
    replicas: int
    within: float
    before: frozenset[str]
    so: str


def wait_until_up(swarm: Swarm, expected: Expected, watch: Progress) -> None:
    """Return once exactly the wanted tasks run (and are healthy, where the image can tell).

    RolloutFailed after the time given, after three dead tasks, or when Swarm itself put the old spec back.
    """
    name, label, wanted = expected.name, str(expected.release), expected.replicas
    ends = time.monotonic() + expected.within
    while True:
        seen = rules.observe(swarm.tasks(name), label, expected.before)
        watch.progress(min(seen.ready, wanted), wanted, f"{seen.ready} of {wanted} healthy")
        if seen.settled(wanted):
            return
        service = swarm.service(name)
        if service is None or rules.labels_of(service["Spec"]).get(rules.RELEASE) != label:
            raise _failed(swarm, expected, seen, "did not come up, and Swarm put the earlier one back")
        if len(seen.failed) >= _FAILURES:
            raise _failed(swarm, expected, seen, "did not come up: its containers keep dying")
        if time.monotonic() > ends:
            raise _failed(swarm, expected, seen, f"was not healthy within {expected.within:.0f} s")
        watch.sleep(_EVERY)


def _failed(swarm: Swarm, expected: Expected, seen: rules.Observed, what: str) -> RolloutFailed:
    task = seen.failed[-1] if seen.failed else _unfinished(swarm, expected.name)
    end = read(swarm, task) if task else End()
    cure = end.cure.format(service=expected.service, swarm=expected.name)
    return RolloutFailed(f"{expected.called} {what}. {end.cause}".strip(), f"{expected.so} {cure}", details=end.details)


def _unfinished(swarm: Swarm, name: str) -> Mapping[str, Any] | None:
    return next((task for task in reversed(swarm.tasks(name)) if task["Status"]["State"] != "running"), None)


@dataclass(frozen=True)
class End:
    """Why a task is not well: a sentence, what to do about it, and its last words as lines. `{service}`, `{swarm}` in the cure."""

    cause: str = ""
    cure: str = "See why: docker service ps --no-trunc {swarm}."
    details: str = ""


def read(swarm: Swarm, task: Mapping[str, Any]) -> End:
    """What a task's container left behind: exit code, out of memory or not, its health check's output, its last log lines."""
    status = task["Status"]
    ident = (status.get("ContainerStatus") or {}).get("ContainerID", "")
    try:
        container = _settled(swarm, ident) if ident else None
        logs = swarm.container_logs(ident, _LINES) if container else []
    except OpsError as gone:
        container, logs = None, [gone.what]
    return verdict_of(status, (container or {}).get("State") or {}, logs)


def _settled(swarm: Swarm, ident: str) -> Mapping[str, Any] | None:
    """The container. The engine notes that memory was short a moment after it notes the end."""
    for _ in range(_LOOKS):
        found = swarm.container(ident)
        state = (found or {}).get("State") or {}
        if state.get("ExitCode") != KILLED or state.get("OOMKilled"):
            break
        time.sleep(_EVERY)
    return found


def verdict_of(status: Mapping[str, Any], state: Mapping[str, Any], logs: Sequence[str]) -> End:
    """The same of a raw task's status, a raw container's state ({} if it is gone), and log lines. Pure."""
    told = str(status.get("Err") or status.get("Message") or "")
    code = state.get("ExitCode") or (status.get("ContainerStatus") or {}).get("ExitCode") or 0
    checks = _health(state)
    details = "\n".join([*_known(state, code), *checks, *([LOG, *logs] if logs else [])])
    if state.get("OOMKilled"):
        return End(f"It was killed: out of memory (exit code {code}).", _MEMORY, details)
    if code == KILLED and "unhealthy" not in told:
        return End(f"It was killed (exit code {code}), most likely because it was out of memory.", _MEMORY, details)
    if "unhealthy" in told or (checks and not code):
        said = f": {checks[-1]}" if len(checks) > 1 else ""
        return End(f"Its health check never passed{said}.", _UNHEALTHY, details)
    if code:
        return End(f"It ended by itself: exit code {code}.", _EXITED, details)
    return End(f"{told[:1].upper()}{told[1:]}.".removeprefix("."), details=details)


def _known(state: Mapping[str, Any], code: int) -> list[str]:
    """How it ended as far as the engine knows: of a container that is gone only what Swarm noted is left."""
    memory = f"Out of memory: {'yes' if state.get('OOMKilled') else 'no'}."
    if state.get("Running"):
        return [f"It still runs, so there is no exit code. {memory}"]
    if state:
        return [f"Exit code {code}. {memory}"]
    return [f"Exit code {code}. Nobody knows whether memory was short: the container is gone."] if code else []


def _health(state: Mapping[str, Any]) -> list[str]:
    log = (state.get("Health") or {}).get("Log") or []
    if "Health" in state and not log:
        return ["Health check: it has not answered yet."]
    failed = next((check for check in reversed(log) if check["ExitCode"] != 0), None)
    if failed is None or log[-1]["ExitCode"] == 0:
        return []
    return [f"Health check: exit code {failed['ExitCode']}", *failed["Output"].strip().splitlines()[-5:]]
