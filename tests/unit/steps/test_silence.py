"""Who waits for an engine is heard of as long as it answers, whatever little happens; one that hangs is left by silence."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from known_steps import bare

from opsbot.clock import SystemClock
from opsbot.commands.catalog import RESERVED
from opsbot.config.settings import Environment
from opsbot.playbooks import expressions
from opsbot.playbooks.load import load_all
from opsbot.runs import step
from opsbot.runs.engine import Engine
from opsbot.runs.lease import Pace
from opsbot.runs.plan import Plan, PlannedStep
from opsbot.runs.step import Context, Outputs, ReadOnly
from opsbot.runtime import jobs, own
from opsbot.runtime import release as rules
from opsbot.runtime.own import Own
from opsbot.runtime.stack import StackOf
from opsbot.runtime.verdict import Expected, wait_until_up
from opsbot.store import open_store

QUIET, SLOW = 0.9, 1.6  # seconds
PACE = Pace(progress=0.02, cancel_poll=0.05, deaf=0.1, heartbeat=0.2)
ALICE = {"kind": "person", "id": "U1", "name": "alice"}
PLAYBOOKS = load_all(Path(__file__).parents[3] / "playbooks", bare(), RESERVED)
SPEC: dict[str, Any] = {
    "Name": "s_web",
    "Labels": {rules.RELEASE: "2", rules.RUN: "r1", own.FROM: "i"},
    "TaskTemplate": {"ContainerSpec": {"Image": "i", "Labels": {rules.RELEASE: "2"}}},
    "Mode": {"Replicated": {"Replicas": 1}},
}


class Swarm:
    """An engine on which a task is up after a while; `hangs`: from its third answer on it does not answer any more."""

    api = SimpleNamespace(configs=list)

    def __init__(self, *, hangs: bool = False) -> None:
        self._up, self._looks, self._hangs = time.monotonic() + SLOW, 0, hangs
        self.woken, self._made = threading.Event(), False

    def tasks(self, service: str) -> list[dict[str, Any]]:
        self._looks += 1
        if self._hangs and self._looks > 2:
            self.woken.wait(60)
        up = time.monotonic() > self._up
        state = ("complete" if jobs.VERB in service else "running") if up else "starting"
        return [{"ID": "t", "DesiredState": "running", "Status": {"State": state}, "Spec": SPEC["TaskTemplate"]}]

    def running_tasks(self, service: str) -> list[dict[str, Any]]:
        return [task for task in self.tasks(service) if task["Status"]["State"] == "running"]

    def service(self, name: str) -> dict[str, Any] | None:
        return {"Spec": SPEC}

    def put(self, spec: object) -> None:
        return None

    def remove(self, name: str) -> bool:
        return True

    def networks(self) -> list[dict[str, Any]]:
        return []

    def secret_ids(self, names: object) -> dict[str, str]:
        return {}

    def logs(self, name: str, lines: int) -> list[str]:
        return []

    def speaking(self) -> nullcontext[None]:
        return nullcontext()


def comes_up(swarm: Any, ctx: Context) -> object:
    return wait_until_up(swarm, Expected("s_web", "web", "v2 (web-2)", 2, 1, 60.0, frozenset(), ""), ctx)


def runs_to_its_end(swarm: Any, ctx: Context) -> object:
    return jobs.run_to_end(swarm, {"Name": jobs.VERB}, 60.0, ctx)


def stack_comes_up(swarm: Any, ctx: Context) -> object:
    return StackOf(swarm, Environment.model_validate({"stack": "s"}), {}).post(SPEC, ctx)


def bot_goes_back(swarm: Any, ctx: Context) -> object:
    return own.move_back(Own(swarm, SPEC), "r1", ctx)


Wait = Callable[[Any, Context], object]


class Waits(ReadOnly):
    """Nothing but one of those waits."""

    With: ClassVar[type[step.With]] = step.With
    outputs: ClassVar[tuple[str, ...]] = ()

    def __init__(self, wait: Wait, swarm: Swarm) -> None:
        self._wait, self._swarm = wait, swarm

    def run(self, ctx: Context, args: step.With) -> Outputs:
        self._wait(self._swarm, ctx)
        return {}


@pytest.fixture
def ends(tmp_path: Path) -> Iterator[Callable[[Wait, Swarm], tuple[str, str]]]:
    """Drives a run of one such step; its status, and the code of its error."""
    store = open_store(f"sqlite:///{tmp_path / 'opsbot.db'}")

    def drive(wait: Wait, swarm: Swarm) -> tuple[str, str]:
        bot = Engine(store, SystemClock(), {"waits": Waits(wait, swarm)}, expressions.resolve, "test", pace=PACE)
        waits = PlannedStep("wait", "Wait", "waits", undo=False, quiet=QUIET)
        run = bot.submit(Plan("deploy", "Deploy", {}, None, None, (waits,)), ALICE, "slack")
        status = bot.drive(run)
        return status, str((bot.view(run).error or {}).get("code", ""))

    yield drive
    store.close()


@pytest.mark.parametrize("wait", [comes_up, runs_to_its_end, stack_comes_up, bot_goes_back])
def test_who_waits_is_heard_of_as_long_as_the_engine_answers(
    ends: Callable[[Wait, Swarm], tuple[str, str]], wait: Wait
) -> None:
    assert ends(wait, Swarm()) == ("succeeded", "")


def test_a_step_whose_call_to_the_engine_hangs_is_left_by_silence(
    ends: Callable[[Wait, Swarm], tuple[str, str]],
) -> None:
    swarm, began = Swarm(hangs=True), time.monotonic()
    try:
        assert ends(comes_up, swarm) == ("undone", "silent")
    finally:
        swarm.woken.set()
    assert time.monotonic() - began < 20


def test_no_step_that_moves_a_service_or_a_database_is_waited_for_in_silence_to_its_end() -> None:
    """The client waits a minute for an engine that hangs, and says so: shorter than that nothing is called silent."""
    families = ("rollout.", "backup.take", "backup.check", "restore.load", "stack.apply", "bot.upgrade")
    found = [
        (f"{playbook.name}: {spec.id}", spec.quiet and spec.quiet.total_seconds(), spec.timeout.total_seconds())
        for playbook in PLAYBOOKS.values()
        for spec in playbook.steps
        if spec.kind.startswith(families)
    ]
    assert len(found) >= 18
    assert [where for where, quiet, timeout in found if not quiet or not 60 < quiet < timeout] == []
