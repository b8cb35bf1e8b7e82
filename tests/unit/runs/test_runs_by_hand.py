"""What people do by hand where the bot cannot: a step that hangs, a question nobody can answer, an undo that failed."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from acting import ALICE, BOB, QUICK, Stage, engine, mark, plan, sleep

from opsbot.errors import Refused
from opsbot.runs.engine import Engine
from opsbot.runs.plan import Plan
from opsbot.store import Store


def submit(bot: Engine, made: Plan) -> str:
    return bot.submit(made, ALICE, "slack")


def test_a_step_that_hangs_is_completed_by_hand_and_the_run_goes_on(bot: Engine, store: Store, stage: Stage) -> None:
    run = submit(bot, plan(mark("a", before=60), mark("$steps.a.value")))
    with ThreadPoolExecutor(1) as pool:
        driven = pool.submit(bot.drive, run)
        stage.wait_for(f"try a {os.getpid()}")
        with pytest.raises(Refused) as wrong:
            bot.complete(run, "b", BOB, "did it", "slack")
        assert wrong.value.code == "not_at_hand"
        assert bot.complete(run, "a", BOB, "ran it on the host, see C-12", "slack", {"value": "hand"}) == "running"
        assert driven.result(5) == "succeeded"
    assert stage.effects() == ["do hand"]
    (row,) = [row for row in store.audit.list() if row.what == "complete"]
    assert (row.actor["id"], row.body["evidence"]) == ("U2", "ran it on the host, see C-12")


def test_a_bake_is_cut_short_by_hand(bot: Engine, store: Store) -> None:
    run = submit(bot, plan(sleep("look", ask="Is it well?"), mark("b")))
    bot.drive(run)
    bot.complete(run, "look", BOB, "looked at the graphs", "slack")
    assert bot.due() == [run]
    assert bot.drive(run) == "succeeded"
    assert store.journal.rows(run)[1].outputs == {"answer": None, "slices": None}


def test_what_nobody_can_tell_is_told_by_a_person_who_looked(bot: Engine, store: Store, stage: Stage) -> None:
    run = left_behind(bot, store, plan(mark("a", silent=10_000), mark("b")))
    with ThreadPoolExecutor(1) as pool:
        driven = pool.submit(bot.drive, run)
        stage.wait_for("recheck a")
        bot.complete(run, "a", BOB, "docker service ps says so", "slack", {"value": "A"})
        assert driven.result(5) == "succeeded"
    assert stage.effects() == ["do b"]


def test_a_run_whose_recheck_waits_for_a_dead_engine_can_be_cancelled(bot: Engine, store: Store, stage: Stage) -> None:
    run = left_behind(bot, store, plan(mark("a", silent=10_000)))
    with ThreadPoolExecutor(1) as pool:
        driven = pool.submit(bot.drive, run)
        stage.wait_for("recheck a")
        bot.cancel(run, BOB, "slack")
        assert driven.result(5) == "cancelled"
    assert "reverse a None" in stage.lines()
    assert store.locks.list(datetime.now(UTC)) == []


def test_an_undo_that_failed_says_what_is_left_and_the_rest_follows_when_a_person_did_it(
    bot: Engine, store: Store, stage: Stage
) -> None:
    run = submit(bot, plan(mark("a"), mark("b", undo_fails=True), mark("c", fails=True)))
    assert bot.drive(run) == "failed"
    view = bot.view(run)
    assert view.left == ("b", "a")
    assert "Still to be reversed by hand, in this order: “Mark b”, “Mark a”." in str(view.outcome)
    with pytest.raises(Refused) as wrong:
        bot.complete(run, "a", BOB, "did it", "slack")
    assert wrong.value.code == "not_at_hand"
    with pytest.raises(Refused) as unproven:
        bot.complete(run, "b", BOB, " ", "slack")
    assert unproven.value.code == "no_evidence"
    assert bot.complete(run, "b", BOB, "removed the service", "slack") == "undoing"
    assert [lock.run for lock in store.locks.list(datetime.now(UTC))] == [run]
    assert bot.due() == [run]
    assert bot.drive(run) == "undone"
    assert stage.effects() == ["do a", "do b", "do c", "undo c", "undo a"]
    assert [step.state for step in bot.view(run).steps] == ["undone", "undone", "undone"]
    assert bot.view(run).left == ()
    assert store.locks.list(datetime.now(UTC)) == []


def test_what_was_left_is_not_reversed_under_somebody_elses_run(bot: Engine, store: Store, stage: Stage) -> None:
    run = submit(bot, plan(mark("a", undo_fails=True), mark("b", fails=True)))
    bot.drive(run)
    submit(bot, plan(mark("c")))
    with pytest.raises(Refused) as refused:
        bot.complete(run, "a", BOB, "did it", "slack")
    assert refused.value.code == "locked"
    assert bot.view(run).status == "failed"


def test_an_undo_that_hangs_is_completed_by_hand(bot: Engine, store: Store, stage: Stage) -> None:
    run = submit(bot, plan(mark("a"), mark("b", undo_flaky=10_000), mark("c", fails=True)))
    with ThreadPoolExecutor(1) as pool:
        slow = engine(store, stage, pace=replace(QUICK, backoff=5))
        driven = pool.submit(slow.drive, run)
        stage.wait_for("reverse b {'value': 'B'}")
        while bot.view(run).step("b").state != "undoing":  # type: ignore[union-attr]  # it is there
            time.sleep(0.01)
        bot.complete(run, "b", BOB, "did it", "slack")
        assert driven.result(10) == "undone"
    assert stage.effects() == ["do a", "do b", "do c", "undo c", "undo a"]


def test_a_run_that_went_well_has_nothing_to_complete(bot: Engine) -> None:
    run = submit(bot, plan(mark("a")))
    bot.drive(run)
    with pytest.raises(Refused) as refused:
        bot.complete(run, "a", BOB, "did it", "slack")
    assert refused.value.code == "ended"


def left_behind(bot: Engine, store: Store, made: Plan) -> str:
    """A run whose owner died in its first step."""
    run = submit(bot, made)
    now = datetime.now(UTC)
    store.runs.transition(run, ["queued"], "running", now, started_at=now)
    store.leases.take(f"run:{run}", "dead", 60, now)
    store.journal.before(run, made.steps[0].id, "do", 1, "dead", now)
    store.leases.release(f"run:{run}", "dead")
    return run
