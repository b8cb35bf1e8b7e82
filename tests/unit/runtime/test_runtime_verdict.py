"""Why a container is not well, in a sentence with a cure, beside its last words."""

from __future__ import annotations

from typing import Any

import pytest

from opsbot.runtime.verdict import verdict_of

LOGS = ["starting", "DATABASE_URL is not set"]


def check(code: int, output: str = "503 failed\n") -> dict[str, Any]:
    return {"ExitCode": code, "Output": output}


def state(code: int = 0, oom: bool = False, *checks: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"ExitCode": code, "OOMKilled": oom}
    return found | ({"Health": {"Log": list(checks)}} if checks else {})


@pytest.mark.parametrize(
    ("told", "state", "cause", "cure"),
    [
        ("task: non-zero exit (1)", state(1), "It ended by itself: exit code 1.", "mend the image or the settings"),
        ("task: non-zero exit (1)", state(1, False, check(1)), "exit code 1", "Its last lines say why"),
        ("task: non-zero exit (137)", state(137, False), "most likely because it was out of memory", "Raise `memory`"),
        ("task: non-zero exit (137)", state(137, True), "out of memory (exit code 137)", "Raise `memory`"),
        (
            "task: non-zero exit (143): dockerexec: unhealthy container",
            state(143, False, check(1)),
            "Its health check never passed: 503 failed.",
            "`ready_within`",
        ),
        ("started", state(0, False, check(1, "")), "Its health check never passed.", "`ready_within`"),
        ("no suitable node (insufficient resources on 1 node)", {}, "No suitable node", "docker service ps"),
        ("", {}, "", "docker service ps"),
    ],
)
def test_each_end_has_its_cause_and_its_cure(told: str, state: dict[str, Any], cause: str, cure: str) -> None:
    end = verdict_of({"Err": told}, state, LOGS)
    assert cause in end.cause
    assert cure in end.cure
    assert "exit code 143" not in end.cause, "that Swarm ended it is not what people must know"


def test_the_last_words_hold_exit_code_memory_health_and_log() -> None:
    details = verdict_of({}, state(1, False, check(0), check(1)), LOGS).details.splitlines()
    assert details == [
        "Exit code 1. Out of memory: no.",
        "Health check: exit code 1",
        "503 failed",
        "Last lines of its log:",
        *LOGS,
    ]


def test_a_health_check_that_passes_again_is_no_finding() -> None:
    assert "Health" not in verdict_of({}, state(1, False, check(1), check(0)), LOGS).details


def test_a_container_that_is_gone_leaves_what_swarm_says() -> None:
    end = verdict_of({"Err": "task: non-zero exit (2)", "ContainerStatus": {"ExitCode": 2}}, {}, [])
    assert end.cause == "It ended by itself: exit code 2."
    assert end.details == "Exit code 2. Nobody knows whether memory was short: the container is gone."


def test_a_container_that_still_runs_has_no_exit_code() -> None:
    running = {**state(0, False, check(1)), "Running": True}
    end = verdict_of({"Message": "started"}, running, LOGS)
    assert end.cause == "Its health check never passed: 503 failed."
    assert end.details.splitlines()[0] == "It still runs, so there is no exit code. Out of memory: no."


def test_a_health_check_that_had_no_turn_is_told_as_such() -> None:
    end = verdict_of({"Message": "started"}, {**state(), "Running": True, "Health": {"Log": []}}, LOGS)
    assert end.cause == "Its health check never passed."
    assert "Health check: it has not answered yet." in end.details
