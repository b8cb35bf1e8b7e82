"""The bot's own service on a real engine: moved beside the old one, put back by Swarm when it dies, moved back by hand."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from opsbot.errors import StepFailed
from opsbot.runtime import own
from opsbot.runtime import release as rules
from opsbot.runtime.own import Own
from opsbot.runtime.progress import Nobody
from opsbot.runtime.swarm import Swarm

pytestmark = pytest.mark.engine
NAME = "otest_bot"
BODIES = {
    "one": 'ENTRYPOINT ["sleep", "600"]',
    "two": 'ENTRYPOINT ["sleep", "601"]',
    "dead": 'ENTRYPOINT ["sleep", "602"]\nHEALTHCHECK --interval=1s --retries=1 CMD ["false"]',
    "short": 'ENTRYPOINT ["sleep", "0.5"]',
}


class Patient(Nobody):
    """Waits no longer than a test should."""

    def __init__(self, seconds: float = 60) -> None:
        self._ends = time.monotonic() + seconds

    def check(self) -> None:
        assert time.monotonic() < self._ends, "it took too long"

    def sleep(self, seconds: float) -> None:
        self.check()
        time.sleep(min(seconds, 0.1))


@pytest.fixture(scope="module")
def versions(parts: Any) -> dict[str, str]:
    """Images that differ in what they do, by digest."""
    repository, made = f"{parts.registry.address}/otest", {}
    for tag, body in BODIES.items():
        name = f"{repository}:{tag}"
        parts.engine.docker("build", "--tag", name, "-", stdin=f"FROM {parts.images.base}\n{body}\n")
        parts.engine.docker("push", "--quiet", name)
        known = parts.engine.lines("image", "inspect", "--format", "{{range .RepoDigests}}{{println .}}{{end}}", name)
        made[tag] = next(one for one in known if one.startswith(f"{repository}@"))
    return made


@pytest.fixture
def installed(parts: Any, versions: dict[str, str]) -> Iterator[None]:
    """As the stack file of `init` says: start-first, and Swarm puts the old one back."""
    parts.engine.has("service", "rm", NAME)
    how = ["--update-order", "start-first", "--update-failure-action", "rollback", "--update-monitor", "2s"]
    how += ["--endpoint-mode", "dnsrr", "--restart-delay", "1s", "--stop-grace-period", "1s", "--with-registry-auth"]
    parts.engine.docker("service", "create", "--name", NAME, "--label", f"{rules.BOT}=true", *how, versions["one"])
    yield
    parts.engine.has("service", "rm", NAME)


def bot(swarm: Swarm) -> Own:
    """By its name: other tests have bots on this engine too."""
    found = swarm.service(NAME)
    assert found
    return Own(swarm, found["Spec"])


@pytest.mark.usefixtures("installed")
def test_it_moves_to_another_version_and_back_and_a_second_try_changes_nothing(
    swarm: Swarm, versions: dict[str, str]
) -> None:
    own.move(bot(swarm), versions["two"], "r1", Patient())
    assert own.settled(swarm, NAME, versions["two"])
    before = [task["ID"] for task in swarm.running_tasks(NAME)]
    own.move(bot(swarm), versions["two"], "r1", Patient())
    own.move_back(bot(swarm), "another run", Patient())
    assert [task["ID"] for task in swarm.running_tasks(NAME)] == before
    own.move_back(bot(swarm), "r1", Patient())
    assert own.settled(swarm, NAME, versions["one"])


@pytest.mark.usefixtures("installed")
def test_a_version_that_dies_is_put_back_and_the_old_one_was_never_stopped(
    swarm: Swarm, versions: dict[str, str]
) -> None:
    (task,) = swarm.running_tasks(NAME)
    with pytest.raises(StepFailed, match="the one before serves on") as caught:
        own.move(bot(swarm), versions["dead"], "r1", Patient())
    assert caught.value.code == "put_back"
    own.move_back(bot(swarm), "r1", Patient())
    assert bot(swarm).image == versions["one"]
    assert [one["ID"] for one in swarm.running_tasks(NAME)] == [task["ID"]]


@pytest.mark.usefixtures("installed")
def test_a_version_that_dies_after_it_came_up_is_no_success(swarm: Swarm, versions: dict[str, str]) -> None:
    with pytest.raises(StepFailed, match="the one before serves on"):
        own.move(bot(swarm), versions["short"], "r1", Patient())
    assert bot(swarm).image == versions["one"]
