"""`stack apply` on the running stack: what the Docker client made is what we would make, and only what differs moves."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opsbot.config.settings import Config, Database, Environment
from opsbot.demo import monitoring, stack
from opsbot.errors import Refused, StepFailed
from opsbot.runtime.progress import Nobody
from opsbot.runtime.target import Targets
from opsbot.steps.stack import Apply, Compare, OfEnvironment, OfPrevious

pytestmark = pytest.mark.engine
FILES = [*stack.FILES, monitoring.FILE]


class Patient(Nobody):
    """A step's context that gives up after so many looks."""

    run, step, actor, environment, parked, answer, cancelled = "rtest", "apply", "", "production", None, None, False

    def __init__(self, looks: int = 400) -> None:
        self.looks = looks

    def check(self) -> None:
        self.looks -= 1
        if self.looks < 0:
            raise StepFailed("The step's time is over.")


@pytest.fixture
def folder(tmp_path: Path, here: Path) -> Path:
    """A copy of the stack files that a test may change."""
    for path in here.rglob("*"):
        if path.suffix in (".yml", ".json") or path.name == "start.sh":
            copy = tmp_path / path.relative_to(here)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    return tmp_path


@pytest.fixture
def targets(watched, folder: Path, tmp_path: Path) -> Targets:
    """An environment whose files are those copies, with the settings that the stack was made with."""
    (env,) = watched.engine.lines(
        "service",
        "inspect",
        "--format",
        "{{json .Spec.TaskTemplate.ContainerSpec.Env}}",
        f"{watched.stack.name}_prometheus",
    )
    given = dict(line.split("=", 1) for line in json.loads(env))
    settings = {
        "DB_IMAGE": watched.images.db,
        "EDGE_IMAGE": watched.images.edge,
        "EDGE_PORT": watched.stack.url.rpartition(":")[2],
        "EDGE_TLS_PORT": watched.stack.https.rpartition(":")[2],
        "BOT": given["BOT"],
        "HOST_ADDRESS": given["HOST_ADDRESS"],
        **watched.images.monitoring,
    }
    place = Environment(
        engine=watched.engine.url,
        stack=watched.stack.name,
        stack_files=tuple(folder / file.name for file in FILES),
        stack_settings=settings,
    )
    database = Database(service="db", name="minitwit", password="unused")
    config = Config(environments={"production": place}, databases={"main": database})
    found = Targets(config, watched.store)
    yield found
    found.close()


def tasks(watched) -> dict[str, list[str]]:
    return {
        name: sorted(watched.engine.lines("service", "ps", "--quiet", f"{watched.stack.name}_{name}"))
        for name in watched.services()
    }


def said(targets: Targets) -> list[tuple[str, str]]:
    facts = Compare(targets).facts(Patient(), OfEnvironment(environment="production"))
    # These tests made web by hand; a deploy's colours are no part of the stack.
    return [(fact.color, fact.text) for fact in facts.items if not fact.text.startswith("web-blue")]


def edit(file: Path, change: Callable[[str], str]) -> None:
    text = file.read_text(encoding="utf-8")
    assert change(text) != text
    file.write_text(change(text), encoding="utf-8")


def compared(targets: Targets) -> dict[str, Any]:
    return dict(Compare(targets).run(Patient(), OfEnvironment(environment="production")))


def apply(targets: Targets, found: dict[str, Any]) -> Any:
    # Outputs are kept in the journal as JSON.
    previous = json.loads(json.dumps(found["previous"]))
    return OfPrevious(environment="production", previous=previous)


def test_what_the_docker_client_made_is_what_the_files_say_to_us(targets: Targets) -> None:
    assert said(targets) == [("green", "The stack runs as its files want it: there is nothing to do.")]
    assert compared(targets)["count"] == 0


def test_incident_27_a_changed_config_is_a_new_one_and_moves_only_who_reads_it_and_undo_goes_back(
    watched, targets: Targets, folder: Path
) -> None:
    file = "/etc/alertmanager/alertmanager.yml"
    edit(folder / "alertmanager" / "alertmanager.yml", lambda text: text.replace("group_wait: 2s", "group_wait: 4s"))
    ((color, line),) = said(targets)
    name = f"{watched.stack.name}_alertmanager"
    assert color == "green"
    assert re.fullmatch(rf"alertmanager: config {file}: {name}-\w{{10}} → {name}-\w{{10}}", line)
    before, found = tasks(watched), compared(targets)
    args, context = apply(targets, found), Patient()
    assert Apply(targets).run(context, args) == {"changed": ["alertmanager"]}
    watched.known.clear()
    assert "group_wait: 4s" in watched.inside("alertmanager", "cat", file)
    assert {key for key, ids in tasks(watched).items() if ids != before[key]} == {"alertmanager"}
    assert compared(targets)["count"] == 0
    for _ in range(2):
        Apply(targets).undo(Patient(), args, None)
    assert "group_wait: 2s" in watched.inside("alertmanager", "cat", file)
    assert {key for key, ids in tasks(watched).items() if ids != before[key]} == {"alertmanager"}


def test_incident_4_a_file_that_forgets_the_volume_of_the_database_is_refused(targets: Targets, folder: Path) -> None:
    edit(folder / "stack.yml", lambda text: text.replace("      - db:/var/lib/postgresql/data\n", ""))
    told = said(targets)
    assert ("red", "db would lose its volume /var/lib/postgresql/data with all that is on it.") in told
    with pytest.raises(Refused, match="would lose its volume"):
        compared(targets)


def test_a_volume_of_another_name_is_a_lost_one(targets: Targets, folder: Path) -> None:
    edit(
        folder / "stack.yml",
        lambda text: text.replace("- db:/var/lib/postgresql/data", "- new:/var/lib/postgresql/data"),
    )
    with pytest.raises(Refused, match="would lose its volume"):
        Apply(targets).run(Patient(), OfPrevious(environment="production", previous={}))


def test_files_without_the_database_are_refused_and_without_the_monitoring_leave_it_alone(
    targets: Targets, folder: Path
) -> None:
    text = (folder / "stack.yml").read_text(encoding="utf-8")
    begin, end = text.index("  db:\n    image"), text.index("  edge:\n    image")
    (folder / "stack.yml").write_text(text[:begin] + text[end:], encoding="utf-8")
    (folder / "stack.monitoring.yml").write_text("services: {}\n", encoding="utf-8")
    told = said(targets)
    assert ("red", "The database db is in no stack file. Nothing is applied without it.") in told
    assert ("amber", "prometheus runs and is in no stack file: it is left alone.") in told
    with pytest.raises(Refused, match="database db"):
        compared(targets)


def test_a_secret_that_nobody_made_is_told_before_anything_is_done(targets: Targets, folder: Path) -> None:
    edit(folder / "stack.yml", lambda text: text.replace("${STACK}_monitor_password", "${STACK}_other_password"))
    told = said(targets)
    assert [text.partition(" is missing")[0].rpartition("_")[2] for color, text in told if color == "red"] == [
        "password"
    ]


@pytest.mark.long
def test_a_service_that_does_not_come_up_is_said_and_undone_to_what_ran(
    watched, targets: Targets, folder: Path
) -> None:
    edit(folder / "stack.monitoring.yml", lambda text: text.replace("- --path.rootfs=/host\n", "- --no-such-option\n"))
    found = compared(targets)
    args = apply(targets, found)
    assert found["services"] == "node-exporter"
    with pytest.raises(StepFailed, match="did not come up"):
        Apply(targets).run(Patient(), args)
    Apply(targets).undo(Patient(), args, None)
    assert compared_again(watched, targets, folder)["count"] == 0


def compared_again(watched, targets: Targets, folder: Path) -> dict[str, Any]:
    edit(folder / "stack.monitoring.yml", lambda text: text.replace("- --no-such-option\n", "- --path.rootfs=/host\n"))
    return compared(targets)
