"""Work that Swarm runs to its end, where the engine itself stumbles over its start."""

from __future__ import annotations

from typing import Any

import pytest

from opsbot.runtime import jobs

BUSY = "starting container failed: unable to remount dir as readonly: device or resource busy"
WELL: dict[str, Any] = {"State": "complete"}
SPEC: dict[str, Any] = {"Name": "s_web-smoke-r1"}


def stumbled(words: str = BUSY) -> dict[str, Any]:
    return {"State": "failed", "Err": words, "ContainerStatus": {"ExitCode": 128}}


class Swarm:
    """An engine on which each start of the service ends like the next of these."""

    def __init__(self, *ends: dict[str, Any]) -> None:
        self._ends, self._there, self.starts = list(ends), False, 0

    def service(self, name: str) -> dict[str, Any] | None:
        return SPEC if self._there else None

    def put(self, spec: object) -> None:
        self._there, self.starts = True, self.starts + 1

    def tasks(self, name: str) -> list[dict[str, Any]]:
        return [{"Status": self._ends[self.starts - 1]}] if self._there else []

    def remove(self, name: str) -> bool:
        self._there = False
        return True

    def logs(self, name: str, lines: int) -> list[str]:
        return []


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "_PAUSE", 0.0)


def ended(swarm: Any) -> jobs.Ended:
    return jobs.run_to_end(swarm, SPEC, 5.0)


def test_what_the_engine_could_not_start_is_started_again() -> None:
    swarm = Swarm(stumbled(), WELL)
    assert (ended(swarm).code, swarm.starts) == (0, 2)


def test_what_it_can_never_start_is_told_with_its_words() -> None:
    swarm = Swarm(stumbled(), stumbled(), stumbled())
    found = ended(swarm)
    assert (found.code, found.error, swarm.starts) == (128, BUSY, 3)


def test_a_program_that_ran_and_failed_is_not_run_again() -> None:
    swarm = Swarm(stumbled("task: non-zero exit (1)") | {"ContainerStatus": {"ExitCode": 1}})
    assert (ended(swarm).code, swarm.starts) == (1, 1)
