"""A deploy whose undo fails half-way: the real steps in a real engine, on a strategy of which one act does not work."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest

from opsbot.clock import SystemClock
from opsbot.config.settings import Config
from opsbot.errors import StepFailed
from opsbot.playbooks import expressions
from opsbot.runs import step
from opsbot.runs.engine import Engine
from opsbot.runs.plan import Plan, PlannedStep
from opsbot.runs.step import Context, Outputs, ReadOnly
from opsbot.runtime import jobs
from opsbot.runtime.rollout import Prepared
from opsbot.runtime.target import Target, Targets
from opsbot.steps.rollout import Prepare, Ready, Switch
from opsbot.store import Store, open_store
from opsbot.store.rows import ReleaseRow

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ALICE = {"kind": "person", "id": "U1", "name": "alice"}
OF = {"environment": "test", "service": "web"}


class Strategy:
    """What answers, and which of its acts do not work now."""

    def __init__(self) -> None:
        self.answers, self.broken, self.discarded = 1, set[str](), list[str]()

    def serving(self, row: ReleaseRow) -> bool:
        return self.answers == row.number

    def prepare(self, row: ReleaseRow, run: str, watch: object) -> Prepared:
        return Prepared("green", "http://web")

    def switch(self, row: ReleaseRow, run: str, watch: object) -> None:
        self._works("switch back" if row.number == 1 else "switch")
        self.answers = row.number

    def discard(self, run: str, *, even_live: bool) -> bool:
        self._works("discard")
        self.discarded.append(run)
        return True

    def _works(self, act: str) -> None:
        if act in self.broken:
            raise StepFailed(f"There is no {act} now.")


class Bake(ReadOnly):
    """It fails."""

    With: ClassVar[type[step.With]] = step.With
    outputs: ClassVar[tuple[str, ...]] = ()

    def run(self, ctx: Context, args: step.With) -> Outputs:
        raise StepFailed("/ answers 500.", code="bake_failed")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """web-1 is live."""
    made = open_store(f"sqlite:///{tmp_path / 'opsbot.db'}")
    recorded(made, "r1")
    made.releases.mark("test", "web", 1, "live", None, NOW)
    yield made
    made.close()


@pytest.fixture
def strategy(monkeypatch: pytest.MonkeyPatch) -> Strategy:
    made = Strategy()
    monkeypatch.setattr(Target, "rollout", lambda *_: made)
    monkeypatch.setattr(jobs, "end_all", lambda *_: None)
    return made


@pytest.fixture
def bot(store: Store, strategy: Strategy) -> Engine:
    environments = {"test": {"engine": "unix:///nowhere.sock", "stack": "t"}}
    config = Config.model_validate({"environments": environments, "services": {"web": {"image": "i"}}})
    targets = Targets(config, store)
    steps: dict[str, Any] = {"bake": Bake(), "prepare": Prepare(targets), "ready": Ready(targets)}
    return Engine(store, SystemClock(), steps | {"switch": Switch(targets)}, expressions.resolve, "test")


def recorded(store: Store, run: str) -> int:
    row = store.releases.add(
        "test", "web", f"i@sha256:{run}", "d", f"of-{run}", "", {}, {}, {}, None, run, "alice", NOW
    )
    return row.number


def failed(bot: Engine, store: Store, *first: PlannedStep) -> str:
    """A run whose bake fails; web-2 is its release."""
    switch = PlannedStep("switch", "Send people to it", "switch", {**OF, "release": 2})
    bake = PlannedStep("bake", "Watch it", "bake", undo=False)
    made = Plan("deploy", "Deploy web v2 to test", {}, "test", "test/web", (*first, switch, bake))
    run = bot.submit(made, ALICE, "slack")
    recorded(store, run)
    assert bot.drive(run) == "failed"
    return run


PREPARE = PlannedStep("prepare", "Start it", "prepare", {**OF, "image": "i@sha256:2", "tag": "v2"})
READY = PlannedStep("ready", "Make sure that it runs", "ready", {**OF, "release": 2})


def state(store: Store, number: int) -> str:
    row = store.releases.get("test", "web", number)
    assert row is not None
    return row.state


def test_a_release_that_cannot_be_removed_is_blocked_all_the_same(
    bot: Engine, store: Store, strategy: Strategy
) -> None:
    strategy.broken = {"discard"}
    run = failed(bot, store, PREPARE)
    assert (state(store, 1), state(store, 2)) == ("live", "bad")
    bot.complete(run, "prepare", ALICE, "removed it on the host", "slack")
    assert bot.drive(run) == "undone"
    assert state(store, 2) == "bad"


def test_the_record_follows_the_person_who_sent_people_back_by_hand(
    bot: Engine, store: Store, strategy: Strategy
) -> None:
    strategy.broken = {"switch back"}
    run = failed(bot, store, PREPARE)
    assert (state(store, 1), state(store, 2)) == ("retired", "live")
    strategy.answers = 1
    bot.complete(run, "switch", ALICE, "removed the flag on the host", "slack")
    assert bot.drive(run) == "undone"
    assert (state(store, 1), state(store, 2)) == ("live", "bad")
    assert strategy.discarded == [run]


def test_a_word_that_people_were_sent_back_is_not_taken_where_they_were_not(
    bot: Engine, store: Store, strategy: Strategy
) -> None:
    strategy.broken = {"switch back"}
    run = failed(bot, store, PREPARE)
    bot.complete(run, "switch", ALICE, "I think so", "slack")
    assert bot.drive(run) == "failed", "it would say that the release did not go live"
    assert (state(store, 1), state(store, 2)) == ("retired", "live")
    assert strategy.discarded == []
    assert bot.view(run).left == ("prepare",)
    error = store.journal.rows(run)[-1].error or {}
    assert error["code"] == "still_live"
    assert error["fix"] == "Say `rollback test --service web --to web-1`, then remove it."


def test_the_record_of_a_rollback_follows_as_well(bot: Engine, store: Store, strategy: Strategy) -> None:
    strategy.broken = {"switch back"}
    run = failed(bot, store, READY)
    strategy.answers = 1
    bot.complete(run, "switch", ALICE, "removed the flag on the host", "slack")
    assert bot.drive(run) == "undone"
    assert (state(store, 1), state(store, 2)) == ("live", "retired")
