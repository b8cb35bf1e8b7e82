"""Deploys and rollbacks of MiniTwit in two colours: real engine, registry, edge, database; what people would notice."""

from __future__ import annotations

import subprocess
import time
from typing import Any

import pytest
from clients import Clients

from opsbot.errors import Cancelled, NotFound, Refused, StepFailed, Unavailable
from opsbot.runs.step import Park
from opsbot.runtime.target import Target, Targets

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("standing")]


def test_the_first_release_is_blue_and_answers_through_the_edge(deploys: Any, target: Target) -> None:
    deploys.ensure("v1")
    live = target.observed("web")
    assert live is not None
    assert (live.running, live.wanted) == (2, 2)
    assert target.replicas("web") == (2, 2)
    assert deploys.live() == "v1"


def test_no_request_fails_while_a_release_goes_live_and_is_rolled_back(deploys: Any, target: Target) -> None:
    deploys.ensure("v1")
    with Clients(target.edge_url()) as traffic:
        _, _, switched = deploys.deploy("v2")
        assert deploys.live() == "v2"
        time.sleep(0.5)
        back = deploys.roll_back()
        assert deploys.live() == "v1"
        time.sleep(0.5)
    assert set(traffic.answers) == {"200"}
    assert traffic.answers["200"] > 200
    assert switched["seconds"] < 2
    assert back["seconds"] < 2


def test_a_release_that_fails_its_smoke_test_is_never_seen_and_leaves_nothing(deploys: Any, target: Target) -> None:
    deploys.ensure("v1")
    live, run = target.observed("web"), deploys.run()
    with pytest.raises(StepFailed, match=r"smoke test of v4 failed: front page .*500") as caught:
        deploys.prepared("v4", run)
    assert "Exit code 1." in caught.value.as_json()["details"]  # type: ignore[operator]  # text, here
    deploys.undo_prepare("v4", run)
    assert target.observed("web") == live
    assert deploys.colours() == [live.colour if live else None]
    assert deploys.state_of(run) == "abandoned"


def test_a_release_that_cannot_start_says_its_exit_code_and_last_words(
    deploys: Any, parts: Any, config_of: Any, store: Any, target: Target
) -> None:
    deploys.ensure("v1")
    broken = Targets(config_of(parts, env={"SECRET_KEY_FILE": "/run/secrets/secret_key"}), store)
    run = deploys.run()
    with pytest.raises(StepFailed, match=r"v2 \(web-\d+\) (did not come up|was not healthy)") as caught:
        deploys.with_targets(broken).prepared("v2", run)
    details = str(caught.value.as_json()["details"])
    assert details.startswith("Exit code ")
    assert "DATABASE_URL is not set" in details
    assert "It ended by itself: exit code" in caught.value.what
    assert "Nobody was sent to it." in caught.value.fix
    deploys.undo_prepare("v2", run)
    assert deploys.live() == "v1"
    broken.close()


def test_a_release_whose_health_never_comes_up_says_what_its_check_and_its_log_say(
    deploys: Any, parts: Any, config_of: Any, store: Any, target: Target
) -> None:
    deploys.ensure("v1")
    quick = Targets(config_of(parts, ready_within="12s"), store)
    run = deploys.run()
    with Clients(target.edge_url()) as people, pytest.raises(StepFailed) as caught:
        deploys.with_targets(quick).prepared("v3", run)
    error = caught.value.as_json()
    assert "was not healthy within 12 s. Its health check never passed" in str(error["what"])
    assert "Nobody was sent to it." in str(error["fix"])
    assert "raise `ready_within` of web in opsbot.yml if it only starts slowly" in str(error["fix"])
    details = str(error["details"])
    assert "Out of memory: no." in details
    assert "Health check: exit code 1" in details
    assert "Last lines of its log:" in details
    deploys.undo_prepare("v3", run)
    assert (deploys.live(), len(deploys.colours())) == ("v1", 1)
    assert set(people.answers) == {"200"}
    quick.close()


def test_a_release_that_needs_too_much_memory_says_so(
    deploys: Any, parts: Any, config_of: Any, store: Any, target: Target
) -> None:
    deploys.ensure("v1")
    tight = Targets(config_of(parts, memory="12m"), store)
    run = deploys.run()
    with pytest.raises(StepFailed, match="out of memory") as caught:
        deploys.with_targets(tight).prepared("v2", run)
    assert "Raise `memory` of web in opsbot.yml" in caught.value.fix
    assert "Out of memory: yes." in str(caught.value.as_json()["details"])
    deploys.undo_prepare("v2", run)
    tight.close()


@pytest.mark.long  # the tour, the kills and test_steps_alike try it too
def test_without_a_smoke_test_the_bake_catches_what_answers_500_and_people_are_sent_back(deploys: Any) -> None:
    deploys.ensure("v1")
    run = deploys.run()
    release = deploys.prepared_only("v4", run)
    switched = deploys.switch(run, release)
    assert deploys.live() == "v4"
    with pytest.raises(StepFailed, match=r"Under traffic the new release is not well: / answers 500") as caught:
        deploys.baked(run, release)
    assert caught.value.code == "bake_failed"
    deploys.undo_switch(run, release, switched)
    deploys.undo_prepare("v4", run)
    assert (deploys.live(), len(deploys.colours())) == ("v1", 1)


def test_a_deploy_that_is_cancelled_while_it_starts_can_be_undone_twice(deploys: Any, target: Target) -> None:
    deploys.ensure("v1")
    run = deploys.run(cancel_at="healthy")
    with pytest.raises(Cancelled):
        deploys.prepared("v2", run)
    deploys.undo_prepare("v2", run)
    deploys.undo_prepare("v2", run)
    assert deploys.state_of(run) == "abandoned"
    assert deploys.live() == "v1"


@pytest.mark.long  # the tour, the kills and test_steps_alike try it too
def test_undoing_a_switch_sends_people_back_and_records_it(deploys: Any, target: Target) -> None:
    deploys.ensure("v1")
    before = target.store.releases.live("test", "web")
    run, release, switched = deploys.deploy("v2")
    for outputs in (switched, None):
        deploys.undo_switch(run, release, outputs)
        assert deploys.live() == "v1"
        after = target.store.releases.live("test", "web")
        assert (after.number if after else None) == (before.number if before else 0)
    deploys.undo_prepare("v2", run)
    assert len(deploys.colours()) == 1


@pytest.mark.long  # the tour, the kills and test_steps_alike try it too
def test_a_new_owner_learns_from_the_world_what_took_effect(deploys: Any, target: Target) -> None:
    deploys.ensure("v1")
    run = deploys.run()
    assert deploys.recheck_prepare("v2", run) == ("not_done", None)
    release = deploys.prepared("v2", run)
    found, outputs = deploys.recheck_prepare("v2", run)
    assert (found, outputs["release"]) == ("done", release.release)
    assert deploys.recheck_switch(run, release) == ("not_done", None)
    target.edge.point(str(outputs["colour"]))  # the bot died between the flag and its record of it
    assert deploys.recheck_switch(run, release) == ("not_done", None)
    switched = deploys.switch(run, release)
    found, outputs = deploys.recheck_switch(run, release)
    assert (found, outputs["from_release"]) == ("done", switched["from_release"])
    deploys.undo_switch(run, release, None)
    deploys.undo_prepare("v2", run)


@pytest.mark.long  # several deploys; each takes both processors of a small machine for seconds
def test_what_is_live_already_or_blocked_is_refused_in_the_plan(
    deploys: Any, parts: Any, config_of: Any, store: Any
) -> None:
    deploys.ensure("v2", "v1")
    assert deploys.colours_of_facts("v2")["nothing_to_do"] == "red"
    deploys.roll_back()
    deploys.block_left()
    facts = deploys.colours_of_facts("v2")
    assert facts == {"blocked": "red"}
    changed = Targets(config_of(parts, memory="300m"), store)
    assert deploys.with_targets(changed).colours_of_facts("v2") == {"blocked_image": "amber", "change": "green"}
    changed.close()
    deploys.unblock()


def answers(target: Target) -> bool:
    try:
        target.live("web")
    except Unavailable:
        return False
    return True


@pytest.mark.long  # several deploys; each takes both processors of a small machine for seconds
def test_a_service_that_was_killed_may_be_deployed_again_as_it_was(deploys: Any, target: Target) -> None:
    deploys.ensure("v1")
    live = target.observed("web")
    assert live is not None
    target.swarm.remove(live.swarm_name)
    deadline = time.monotonic() + 40
    while answers(target):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert deploys.colours_of_facts("v1").get("change") == "green"
    deploys.deploy("v1")
    assert deploys.live() == "v1"


@pytest.mark.long  # several deploys; each takes both processors of a small machine for seconds
def test_a_rollback_to_a_cold_release_needs_no_registry(
    deploys: Any, parts: Any, config_of: Any, store: Any, target: Target
) -> None:
    deploys.ensure("v2", "v1")
    for colour in deploys.colours():
        if colour != target.observed("web").colour:  # type: ignore[union-attr]  # it runs
            target.swarm.remove(f"dtest_web-{colour}")
    alone = Targets(config_of(parts, image="127.0.0.1:1/minitwit"), store)
    with pytest.raises(Unavailable, match=r"registry 127\.0\.0\.1:1 does not answer"):
        alone.get("test").resolve("web", "v1")
    deploys.with_targets(alone).roll_back()
    assert deploys.live() == "v1"
    alone.close()


def test_the_flag_outlives_the_edge(deploys: Any, target: Target) -> None:
    deploys.ensure("v1")
    deploys.deploy("v2")
    expected = target.edge.flag()
    old = target.swarm.running_tasks("dtest_edge")[0]["ID"]
    target.swarm.remove_container(
        target.swarm.running_tasks("dtest_edge")[0]["Status"]["ContainerStatus"]["ContainerID"]
    )
    deadline = time.monotonic() + 40
    while [task["ID"] for task in target.swarm.running_tasks("dtest_edge")] in ([], [old]):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert target.edge.flag() == expected
    assert deploys.live() == "v2"


def test_the_bake_holds_no_thread_and_fails_when_the_release_dies(deploys: Any, target: Target) -> None:
    deploys.ensure("v1")
    run, release, _ = deploys.deploy("v2")
    parked = deploys.bake(run, release)
    assert isinstance(parked, Park)
    live = target.observed("web")
    assert live is not None
    target.swarm.remove(live.swarm_name)
    for _ in range(2):
        run.parked = parked.state
        parked = deploys.bake(run, release)
    run.parked = parked.state
    with pytest.raises(StepFailed, match="not well"):
        deploys.bake(run, release)
    deploys.undo_switch(run, release, None)
    assert deploys.live() == "v1"
    deploys.undo_prepare("v2", run)


def test_a_rollback_says_when_there_is_nothing_or_no_such_release(deploys: Any) -> None:
    deploys.ensure("v1")
    with pytest.raises(NotFound, match=r"no release v7 of web\. Did you mean"):
        deploys.roll_back("v7")
    live = deploys.live_number()
    with pytest.raises(Refused, match="is live already"):
        deploys.roll_back(str(live))


def test_nothing_of_ours_was_left_in_containers_of_ended_work(target: Target) -> None:
    names = [found["Names"][0] for found in target.swarm.api.containers(all=True)]
    assert [name for name in names if name.startswith(("/dtest_web-smoke", "/dtest_web-migrate"))] == []


def test_a_missing_secret_or_network_refuses_the_plan(deploys: Any, parts: Any, config_of: Any, store: Any) -> None:
    deploys.ensure("v1")
    without = Targets(config_of(parts, secrets={"key": "no_such_key"}), store)
    assert deploys.with_targets(without).colours_of_facts("v2").get("secret") == "red"
    without.close()


def test_an_edge_that_is_not_there_refuses_the_plan_instead_of_guessing(deploys: Any, target: Target) -> None:
    deploys.ensure("v1")
    scaled = ["docker", "-H", target.swarm.url, "service", "scale", "-d"]
    subprocess.run([*scaled, "dtest_edge=0"], check=True, capture_output=True)
    try:
        deadline = time.monotonic() + 40
        while target.swarm.running_tasks("dtest_edge"):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert deploys.colours_of_facts("v2").get("edge") == "red"
    finally:
        subprocess.run([*scaled, "dtest_edge=1"], check=True, capture_output=True)
