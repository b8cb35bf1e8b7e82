"""What is true and what is recorded: two records beside one stack, lost records, lost flags, hanging and scaled-down releases."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clients import Clients

from opsbot.errors import Refused, StepFailed, Unavailable
from opsbot.runtime.target import Target
from opsbot.store import open_store

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("standing")]


@pytest.fixture
def stranger(deploys: Any, tmp_path: Path) -> Iterator[Any]:
    """Another bot beside the same stack, with a record of its own that knows nothing."""
    theirs = deploys.with_store(open_store(f"sqlite:///{tmp_path / 'other.db'}"))
    yield theirs
    theirs.close()


def engine(target: Target, *words: str) -> None:
    subprocess.run(["docker", "-H", target.swarm.url, *words], check=True, capture_output=True)


def vars_of(deploys: Any, tag: str) -> dict[str, str]:
    """What a deploy of that tag would be given."""
    image = deploys.image(tag)
    return {name: getattr(image, name) for name in ("image", "tag", "revision", "migrations")}


@pytest.mark.long  # several deploys; each takes both processors of a small machine for seconds
def test_two_records_never_take_one_release_for_another(deploys: Any, stranger: Any, target: Target) -> None:
    deploys.ensure("v1")
    ours = deploys.live_number()
    assert target.agrees("web") is None
    assert deploys.running() == {"release": ours, **vars_of(deploys, "v1")}
    _, release, _ = stranger.deploy("v2")
    assert release.release > ours, "the number is not given twice"
    assert deploys.live() == "v2"
    assert stranger.targets.get("test").agrees("web") is None
    said = str(target.agrees("web"))
    assert f"runs v2 (release {release.release}), but the record says that v1 (web-{ours}) is live." in said
    assert deploys.colours_of_facts("v4")["agrees"] == "amber"
    with pytest.raises(Refused, match="test should run v1") as refused:
        deploys.running()
    assert refused.value.code == "disagrees"
    deploys.deploy("v1")
    assert target.agrees("web") is None
    deploys.roll_back()
    assert deploys.live() == "v2", "the way back is what people saw, whoever deployed it"


def test_a_deploy_that_fails_with_a_lost_record_leaves_what_was_live(deploys: Any, stranger: Any) -> None:
    deploys.ensure("v1")
    number, run = deploys.live_number(), stranger.run()
    with pytest.raises(StepFailed, match="smoke test of v4 failed"):
        stranger.prepared("v4", run)
    stranger.undo_prepare("v4", run)
    assert (stranger.live(), stranger.live_number()) == ("v1", number)
    assert len(stranger.colours()) == 1


def test_a_switch_that_is_undone_with_a_lost_record_returns_to_what_was_live(deploys: Any, stranger: Any) -> None:
    deploys.ensure("v1")
    run, release, switched = stranger.deploy("v2")
    stranger.undo_switch(run, release, switched)
    stranger.undo_prepare("v2", run)
    assert (stranger.live(), len(stranger.colours())) == ("v1", 1)


@pytest.mark.long  # several deploys; each takes both processors of a small machine for seconds
def test_a_colour_scaled_to_zero_is_not_warm_and_a_rollback_starts_it_first(deploys: Any, target: Target) -> None:
    deploys.ensure("v2", "v1")
    live = target.observed("web")
    assert live is not None
    idle = next(f"dtest_web-{colour}" for colour in deploys.colours() if colour != live.colour)
    engine(target, "service", "scale", "-d", f"{idle}=0")
    until(lambda: not target.swarm.running_tasks(idle))
    assert (
        deploys.facts_of_rollback()["ready"] == "v1 must be started first; its image is here, so no registry is needed."
    )
    with Clients(target.edge_url()) as people:
        deploys.roll_back()
        time.sleep(0.5)
    assert deploys.live() == "v1"
    assert set(people.answers) == {"200"}


@pytest.mark.long  # several deploys; each takes both processors of a small machine for seconds
def test_a_rollback_of_a_release_that_is_not_live_any_more_is_refused(deploys: Any) -> None:
    deploys.ensure("v2", "v1")
    number = deploys.live_number()
    deploys.roll_back(leaving=f"web-{number}")
    deploys.block_left()
    with pytest.raises(Refused, match=rf"v2 \(web-{number}\) is not live any more: v1 .* is") as caught:
        deploys.roll_back(leaving=str(number))
    assert caught.value.code == "moved_on"
    assert deploys.live() == "v1"
    deploys.unblock()


@pytest.mark.long  # several deploys; each takes both processors of a small machine for seconds
def test_an_edge_that_comes_up_without_its_flag_gets_it_again(deploys: Any, target: Target) -> None:
    deploys.ensure("v2", "v1")
    live = target.observed("web")
    if live is not None and live.colour == "blue":
        deploys.deploy("v1")
    tag = deploys.live()
    edge = target.swarm.running_tasks("dtest_edge")[0]
    container = edge["Status"]["ContainerStatus"]["ContainerID"]
    target.swarm.execute(container, ["rm", "-f", "/traffic/green"])
    until(lambda: deploys.live() != tag)
    assert "but the record says" in str(target.agrees("web"))
    assert target.mend("web") is None, "the same edge lost nothing: somebody took the flag away"
    target.swarm.remove_container(container)
    until(lambda: [task["ID"] for task in target.swarm.running_tasks("dtest_edge")] not in ([], [edge["ID"]]), 60)
    until(lambda: _answers(target))
    assert f"people are sent to {tag}" in str(target.mend("web"))
    assert (deploys.live(), target.agrees("web")) == (tag, None)
    assert target.mend("web") is None


def test_a_live_release_that_hangs_does_not_keep_its_cure_away(deploys: Any, target: Target) -> None:
    deploys.ensure("v1")
    live, run = target.observed("web"), deploys.run()
    assert live is not None
    tasks = target.swarm.running_tasks(live.swarm_name)
    stuck = [task["Status"]["ContainerStatus"]["ContainerID"] for task in tasks]
    engine(target, "pause", *stuck)
    try:
        release = deploys.prepared_only("v2", run)
        deploys.switch(run, release)
        assert deploys.live() == "v2"
    finally:
        subprocess.run(["docker", "-H", target.swarm.url, "unpause", *stuck], check=False, capture_output=True)


def _answers(target: Target) -> bool:
    try:
        return target.edge.ask("/release").status_code == 200
    except Unavailable:
        return False


def until(true: Any, seconds: float = 30) -> None:
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.1)
