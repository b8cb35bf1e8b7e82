"""A service that somebody else made is adopted, updated in place, and put back: env, scale and all."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from opsbot.errors import StepFailed
from opsbot.runtime import release as rules
from opsbot.runtime.target import Targets

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("standing")]


@pytest.fixture(scope="module")
def targets(parts: Any, config_of: Any, store: Any, standing: str) -> Iterator[Targets]:
    targets = Targets(config_of(parts, strategy="rolling", replicas=1), store)
    yield targets
    targets.close()


@pytest.fixture(scope="module")
def found_running(targets: Targets) -> str:
    """`docker service create`, as people do it."""
    target = targets.get("test")
    image = target.resolve("web", "v1").image
    settings = {**target.service("web").env, "MOTD": "theirs"}
    env = [word for key, value in settings.items() for word in ("--env", f"{key}={value}")]
    secrets = [
        word for name in ("db_password", "secret_key") for word in ("--secret", f"source=dtest_{name},target={name}")
    ]
    network = ["--network", "name=dtest_net,alias=web", "--endpoint-mode", "dnsrr"]
    argv = ["docker", "-H", target.swarm.url, "service", "create", "--name", "dtest_web", "--replicas", "2"]
    subprocess.run([*argv, *env, *secrets, *network, "--no-resolve-image", image], check=True, capture_output=True)
    return image


def container_of(target: Any) -> dict[str, Any]:
    found: dict[str, Any] = target.swarm.service("dtest_web")["Spec"]["TaskTemplate"]["ContainerSpec"]
    return found


def test_a_service_of_others_is_updated_in_place_and_rolled_back_to_what_it_was(
    deploys: Any, targets: Targets, found_running: str
) -> None:
    target = targets.get("test")
    deploys.deploy("v2")
    assert deploys.live() == "v2"
    assert target.replicas("web") == (2, 2)
    assert "MOTD=theirs" not in container_of(target)["Env"]
    tasks = target.swarm.running_tasks("dtest_web")
    assert {rules.task_release(task) for task in tasks} == {str(deploys.live_number())}

    deploys.roll_back()
    assert container_of(target)["Image"] == found_running
    assert "MOTD=theirs" in container_of(target)["Env"]
    assert target.replicas("web") == (2, 2)


def test_a_release_that_does_not_come_up_is_replaced_by_the_one_before(
    deploys: Any, parts: Any, config_of: Any, store: Any, targets: Targets, found_running: str
) -> None:
    target = targets.get("test")
    before = deploys.live_number()
    broken = Targets(
        config_of(parts, strategy="rolling", replicas=1, env={"SECRET_KEY_FILE": "/run/secrets/secret_key"}), store
    )
    theirs, run = deploys.with_targets(broken), deploys.run()
    release = theirs.prepared_only("v2", run)
    started = time.monotonic()
    with pytest.raises(StepFailed, match=r"The earlier release is put back") as caught:
        theirs.switch(run, release)
    assert time.monotonic() - started < 60
    assert "DATABASE_URL is not set" in str(caught.value.as_json()["details"])
    theirs.undo_switch(run, release, None)
    theirs.undo_prepare("v2", run)
    assert target.rollout("web").serving(target.row("web", before))
    assert deploys.live_number() == before
    assert deploys.state_of(run) == "abandoned"
    broken.close()


def test_smoke_and_way_back_of_a_rolling_service_need_no_edge(
    deploys: Any, targets: Targets, found_running: str
) -> None:
    run = deploys.run()
    release = deploys.prepared("v2", run)
    assert deploys.recheck_prepare("v2", run)[1]["address"] == "http://web:8000"
    assert deploys.recheck_switch(run, release) == ("not_done", None)
    deploys.undo_prepare("v2", run)
