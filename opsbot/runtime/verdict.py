"""Whether a service really came up: judged by the release label on its running tasks, with our own deadline."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from opsbot.errors import OpsError
from opsbot.runtime import release as rules
from opsbot.runtime.progress import Progress, RolloutFailed
from opsbot.runtime.swarm import Swarm

_EVERY = 0.25  # s between looks
_FAILURES = 3  # tasks that may die before we say that the release does
_LINES = 15


@dataclass(frozen=True)
class Expected:
    """What should come up: `replicas` tasks of `release` in the Swarm service `name`, within so many seconds.

    `called` is what people call it; `before` are ids of tasks that existed; `so` says where that leaves people.
    """

    name: str
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
    details = last_words(swarm, task) if task else ""
    reason = details.splitlines()[0] if details else ""
    return RolloutFailed(f"{expected.called} {what}. {reason}".strip(), expected.so, details=details)


def _unfinished(swarm: Swarm, name: str) -> Mapping[str, Any] | None:
    return next((task for task in reversed(swarm.tasks(name)) if task["Status"]["State"] != "running"), None)


def last_words(swarm: Swarm, task: Mapping[str, Any]) -> str:
    """Why a task is not well, as lines: exit code or out of memory first, then health output, then its last log lines."""
    status = task["Status"]
    ident = (status.get("ContainerStatus") or {}).get("ContainerID", "")
    try:
        container = swarm.container(ident) if ident else None
        logs = swarm.container_logs(ident, _LINES) if container else []
    except OpsError as gone:
        container, logs = None, [gone.what]
    lines = [_cause(status, container), *_health(container), *logs]
    return "\n".join(line for line in lines if line)


def _cause(status: Mapping[str, Any], container: Mapping[str, Any] | None) -> str:
    state = container["State"] if container else {}
    if state.get("OOMKilled"):
        return "Killed: out of memory."
    if state.get("Health", {}).get("Status") in ("unhealthy", "starting") and not state.get("ExitCode"):
        return "Its health check never passed."
    code = state.get("ExitCode") or (status.get("ContainerStatus") or {}).get("ExitCode")
    told = status.get("Err") or status.get("Message") or ""
    return f"Exit code {code}." if code else f"{told[:1].upper()}{told[1:]}."


def _health(container: Mapping[str, Any] | None) -> list[str]:
    checks = (container or {}).get("State", {}).get("Health", {}).get("Log") or []
    if not checks or checks[-1]["ExitCode"] == 0:
        return []
    output = checks[-1]["Output"].strip().splitlines()[-5:]
    return [f"Health check: exit code {checks[-1]['ExitCode']}", *output]
