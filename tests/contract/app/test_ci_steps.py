"""The CI workflow's own steps, run in their order on a real engine and registry, as far as they need no bot."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from opsbot.demo import base, engine, images, registry
from opsbot.demo.docker import Engine
from opsbot.demo.state import State

pytestmark = pytest.mark.engine

ROOT = Path(__file__).resolve().parents[3]
WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "minitwit.yml").read_text())
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Runner:
    """Runs a job's steps as GitHub's runner does: bash, `-e -o pipefail`, outputs by file."""

    settings: dict[str, str] = field(repr=False)
    folder: Path
    engine: Engine
    outputs: dict[str, str] = field(default_factory=dict)

    def step(self, name: str) -> subprocess.CompletedProcess[str]:
        """Run the step of that name; the test says what its expressions stand for."""
        found = next(one for one in WORKFLOW["jobs"]["image"]["steps"] if one.get("name") == name)
        written = self.folder / "outputs"
        written.write_text("")
        own = {key: self._value(text) for key, text in found.get("env", {}).items()}
        ended = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", found["run"]],
            cwd=ROOT, env=self.settings | own | {"GITHUB_OUTPUT": str(written)},
            capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        self.outputs |= dict(line.partition("=")[::2] for line in written.read_text().splitlines())
        return ended

    def _value(self, text: str) -> str:
        known = {
            "${{ steps.tag.outputs.tag }}": self.outputs.get("tag", ""),
            "${{ vars.BASE_IMAGE }}": self.settings["BASE"],
            "${{ github.server_url }}/${{ github.repository }}": "https://forge/team/minitwit",
            "${{ vars.REGISTRY_USER || github.actor }}": self.settings["LOGIN"].partition(":")[0],
            "${{ secrets.REGISTRY_PASSWORD || secrets.GITHUB_TOKEN }}": self.settings["LOGIN"].partition(":")[2],
        }
        return known[text]


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    state = State.default()
    state.claim()
    host = engine.ensure(state, print)
    place = registry.ensure(state, host, print)
    images.ensure(state, host, place, print)
    folder = tmp_path_factory.mktemp("ci")
    stack = f"citest-{os.getpid()}"
    settings = {
        "PATH": os.environ["PATH"], "HOME": str(folder), "DOCKER_HOST": host.url, "DOCKER_BUILDKIT": "0",
        "DOCKER_CONFIG": str(folder / "docker"), "REGISTRY": place.address, "IMAGE": f"{place.address}/ci-minitwit",
        "GITHUB_REF": "refs/heads/main", "GITHUB_REF_NAME": "main", "GITHUB_SHA": COMMIT,
        "BASE": base.ensure(state, host, print), "LOGIN": f"{place.user}:{place.password}", "STACK": stack, "SECONDS_OF_TRAFFIC": "2", "LIMIT": "5",
    }  # fmt: skip
    made = Runner(settings, folder, host)
    yield made
    made.step("Remove the stack")
    host.docker("image", "rm", "--force", f"{settings['IMAGE']}:sha-{COMMIT[:12]}", f"{stack}-db")


def passed(ended: subprocess.CompletedProcess[str]) -> str:
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_a_commit_is_named_after_itself_and_a_released_version_keeps_its_name(runner):
    passed(runner.step("Choose the tag"))
    assert runner.outputs["tag"] == f"sha-{COMMIT[:12]}"
    released = Runner(
        runner.settings | {"GITHUB_REF": "refs/tags/v1.2", "GITHUB_REF_NAME": "v1.2"}, runner.folder, runner.engine
    )
    passed(released.step("Choose the tag"))
    assert released.outputs == {"tag": "v1.2"}


def test_the_image_is_built_with_its_labels_and_pushed(runner):
    passed(runner.step("Build"))
    image = f"{runner.settings['IMAGE']}:{runner.outputs['tag']}"
    labels: dict[str, Any] = json.loads(
        runner.engine.docker("image", "inspect", "--format", "{{json .Config.Labels}}", image)
    )
    assert {name.rpartition(".")[2]: value for name, value in labels.items() if "opencontainers" in name} == {
        "title": "minitwit", "version": runner.outputs["tag"], "revision": COMMIT, "source": "https://forge/team/minitwit",
    }  # fmt: skip
    assert labels["opsbot.migrations"].split()[:2] == ["0001:expand", "0002:expand"]
    login = runner.step("Log in to the registry")
    assert runner.settings["LOGIN"].partition(":")[2] not in passed(login) + login.stderr
    passed(runner.step("Push"))


def test_the_simulator_finds_the_image_good_on_a_stack_of_its_own(runner):
    passed(runner.step("Start a stack to throw away"))
    report = json.loads(passed(runner.step("Simulate")))
    (ROOT / "simulator.json").unlink()
    assert (report["ok"], report["errors"], report["end_state"]["differences"]) == (True, {}, [])
    assert report["requests"] > 10


def test_a_simulation_that_finds_something_wrong_fails_the_step(runner):
    impatient = Runner(
        runner.settings | {"LIMIT": "0.0001", "SECONDS_OF_TRAFFIC": "1"}, runner.folder, runner.engine, runner.outputs
    )
    ended = impatient.step("Simulate")
    (ROOT / "simulator.json").unlink()
    assert ended.returncode == 1
    assert json.loads(ended.stdout)["errors"]["timeout"] > 0


def test_nothing_is_left_of_the_stack_however_often_it_is_removed(runner):
    for _ in range(2):
        passed(runner.step("Remove the stack"))
    stack = runner.settings["STACK"]
    for what in (("ps", "--all"), ("network", "ls"), ("volume", "ls")):
        assert runner.engine.lines(*what, "--quiet", "--filter", f"name={stack}") == []
