"""What becomes of a release whose deploy was undone, and what the next plan says of it: on a real store, no engine asked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from opsbot.config.settings import Config
from opsbot.runtime import blue_green, jobs
from opsbot.runtime.target import Target, Targets
from opsbot.steps.rollout import OfImage, Prepare
from opsbot.steps.rollout_facts import _blocked
from opsbot.steps.rollout_tries import failed_before
from opsbot.store import Store, open_store
from opsbot.store.rows import ReleaseRow

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SPEC: dict[str, Any] = {"TaskTemplate": {"ContainerSpec": {"Image": "i@sha256:2"}}}
OTHER: dict[str, Any] = {"TaskTemplate": {"ContainerSpec": {"Image": "i@sha256:2", "Env": ["FIXED=1"]}}}
BAKE = {"step": "bake", "error": {"code": "bake_failed", "what": "/ answers 500."}, "cancelled": False}
SMOKE = {"step": "smoke", "error": {"code": "step_failed", "what": "The smoke test of v2 failed: / answers 500."}}
STOPPED = {"step": "bake", "error": {"code": "cancelled", "what": "bob stopped it."}, "cancelled": True}


class Ctx:
    """All that an undo asks of its context."""

    run = "r2"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """web-1 is live; web-2 is what run r2 made of v2."""
    made = open_store(f"sqlite:///{tmp_path / 'opsbot.db'}")
    for number in (1, 2):
        plan = {
            "playbook": "deploy",
            "title": "t",
            "environment": "test",
            "lock": None,
            "fingerprint": "f",
            "facts": [],
        }
        made.runs.add(f"r{number}", plan, {"id": "U1"}, "slack", "queued", None, None, NOW)
        made.releases.add(
            "test", "web", f"i@sha256:{number}", "d", f"v{number}", "", {}, {}, SPEC if number == 2 else {}, None,
            f"r{number}", "alice", NOW,
        )  # fmt: skip
    made.releases.mark("test", "web", 1, "live", None, NOW)
    return made


@pytest.fixture
def target(store: Store, monkeypatch: pytest.MonkeyPatch) -> Target:
    """With an engine that nobody will ever reach: there is nothing of the release to take away."""
    monkeypatch.setattr(jobs, "end_all", lambda *_args: None)
    monkeypatch.setattr(blue_green.BlueGreen, "discard", lambda *_args, **_keys: None)
    environments = {"test": {"engine": "unix:///nowhere.sock", "stack": "t"}}
    services = {"web": {"image": "i", "strategy": "blue-green"}}
    return Targets(Config.model_validate({"environments": environments, "services": services}), store).get("test")


def undone(store: Store, target: Target, failed: Mapping[str, Any], *, met: bool) -> ReleaseRow:
    """The release after its run failed so and was undone. `met`: people had been sent to it."""
    if met:
        store.releases.mark("test", "web", 2, "live", None, NOW + timedelta(minutes=1))
        store.releases.mark("test", "web", 1, "live", "again, by the undo of r2", NOW + timedelta(minutes=2))
    store.events.add("r2", "step_failed", failed, NOW)
    args = OfImage(environment="test", service="web", image="i@sha256:2", tag="v2")
    for _ in range(2):  # an undo may be done twice
        Prepare(target_of(target)).undo(Ctx(), args, None)  # type: ignore[arg-type]  # nothing else is asked
    row = store.releases.get("test", "web", 2)
    assert row is not None
    return row


def target_of(target: Target) -> Targets:
    class One:
        def get(self, _name: str) -> Target:
            return target

    return One()  # type: ignore[return-value]  # the only one there is


def test_a_release_that_people_met_and_that_the_bake_undid_is_blocked(store: Store, target: Target) -> None:
    row = undone(store, target, BAKE, met=True)

    assert (row.state, row.note) == ("bad", "rolled back: it did not stand the bake in run r2")
    fact = _blocked(target, "web", SPEC, "v2")
    assert fact is not None
    assert (fact.key, fact.color) == ("blocked", "red")
    assert fact.text.startswith(
        "v2 with these settings is blocked: it is web-2, rolled back: it did not stand the bake in run r2. "
    )
    assert "`unblock web-2 on test`" in fact.text
    corrected = _blocked(target, "web", OTHER, "v2")
    assert corrected is not None
    assert corrected.color == "amber", "with other settings it may be the way forward"


def test_once_unblocked_it_may_be_deployed_again(store: Store, target: Target) -> None:
    undone(store, target, BAKE, met=True)
    store.releases.mark("test", "web", 2, "retired", None, NOW)

    assert _blocked(target, "web", SPEC, "v2") is None
    assert failed_before(target, "web", SPEC, "v2") is None


def test_a_release_that_nobody_saw_may_be_tried_again_and_the_plan_says_how_it_failed(
    store: Store, target: Target
) -> None:
    row = undone(store, target, SMOKE, met=False)

    assert row.state == "abandoned"
    assert _blocked(target, "web", SPEC, "v2") is None
    fact = failed_before(target, "web", SPEC, "v2")
    assert fact is not None
    assert (fact.key, fact.color, fact.bind) == ("failed_before", "amber", 2)
    assert fact.text == "v2 failed its last try, web-2 in run r2: The smoke test of v2 failed: / answers 500."
    assert failed_before(target, "web", OTHER, "v2") is None


@pytest.mark.parametrize("met", [True, False])
def test_what_a_person_stopped_is_neither_blocked_nor_said_to_have_failed(
    store: Store, target: Target, met: bool
) -> None:
    row = undone(store, target, STOPPED, met=met)

    assert (row.state, row.note) == ("abandoned", "stopped in r2")
    assert _blocked(target, "web", SPEC, "v2") is None
    assert failed_before(target, "web", SPEC, "v2") is None
