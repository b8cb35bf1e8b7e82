"""What goes wrong in the bot itself: a plan nobody can read, a mistake in its code, a stop in mid-step, what a dead owner left."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from acting import ALICE, BOB, QUICK, Stage, engine, mark, plan, sleep

from opsbot.errors import OpsError, Unavailable
from opsbot.runs.engine import STRIKES, Engine
from opsbot.runs.plan import Plan
from opsbot.runs.pool import Pool
from opsbot.store import Store
from opsbot.store.runs import Change


def submit(bot: Engine, made: Plan) -> str:
    return bot.submit(made, ALICE, "slack")


def rewrite(store: Store, run: str, **plan_changes: object) -> None:
    """As if another version of the bot had written the plan."""

    def other(row: object, _around: object) -> Change:
        return Change({"plan": {**row.plan, **plan_changes}})  # type: ignore[attr-defined]  # it is a RunRow

    store.runs.change(run, datetime.now(UTC), other)


def test_a_plan_that_cannot_be_read_ends_its_run_and_says_so(bot: Engine, store: Store) -> None:
    run = submit(bot, plan(mark("a")))
    rewrite(store, run, steps=[{"nothing": "known"}])
    assert bot.drive(run) == "failed"
    assert bot.due() == []
    row = store.runs.get(run)
    assert row is not None
    assert "cannot be read. Nothing was changed." in str(row.outcome)
    assert store.locks.list(datetime.now(UTC)) == []


def test_what_a_newer_bot_added_to_a_plan_is_passed_over(bot: Engine, store: Store) -> None:
    run = submit(bot, plan(mark("a")))
    rewrite(store, run, colour_of_the_card="green")
    assert bot.drive(run) == "succeeded"


def test_a_run_that_breaks_the_bots_own_code_is_given_up(store: Store, stage: Stage) -> None:
    def broken(shown: Plan) -> Plan:
        raise ZeroDivisionError("a mistake of ours")

    bot = engine(store, stage, replan=broken)
    run = submit(bot, plan(mark("a")))
    for _ in range(STRIKES - 1):
        with pytest.raises(ZeroDivisionError):
            bot.drive(run)
    assert bot.drive(run) == "failed"
    view = bot.view(run)
    assert view.code == "bug"
    assert "a mistake in the bot (ZeroDivisionError)" in str(view.outcome)
    submit(bot, plan(mark("b")))


class Moody:
    """An engine whose look fails in ways that nobody foresaw, and then does not."""

    def __init__(self) -> None:
        self.looked, self.driven = 0, threading.Event()

    def due(self) -> list[str]:
        self.looked += 1
        if self.looked == 1:
            raise ValueError("nobody foresaw this")
        return ["r1"]

    def drive(self, run: str) -> str:
        self.driven.set()
        raise KeyError("nor this")

    def stop(self) -> None:
        return None


def test_whoever_looks_for_runs_survives_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    moody = Moody()
    pool = Pool(moody)
    pool.start()
    try:
        assert moody.driven.wait(5)
        assert pool.alive
    finally:
        pool.stop()


def left_behind(store: Store, stage: Stage, phase: str) -> str:
    bot = engine(store, stage, "dead")
    run, now = submit(bot, plan(mark("a"))), datetime.now(UTC)
    store.runs.transition(run, ["queued"], "running", now, started_at=now)
    store.leases.take(f"run:{run}", "dead", 60, now)
    store.journal.before(run, "a", "do", 1, "dead", now)
    if phase == "undo":
        store.journal.after(run, "a", "do", 1, "failed", None, None, "dead", now)
        store.runs.transition(run, ["running"], "undoing", now)
        store.journal.before(run, "a", "undo", 1, "dead", now)
    store.leases.release(f"run:{run}", "dead")
    return run


@pytest.mark.parametrize("phase", ["do", "undo"])
def test_what_a_dead_owner_left_running_is_ended_before_anything_else(store: Store, stage: Stage, phase: str) -> None:
    run = left_behind(store, stage, phase)

    def end_one_offs(gone: str) -> None:
        stage.write(f"ended {gone}")
        if stage.lines().count(f"ended {gone}") == 1:
            raise Unavailable("The engine does not answer.")

    engine(store, stage, forsaken=end_one_offs).drive(run)
    lines = stage.lines()
    assert lines[:2] == [f"ended {run}"] * 2, "it is asked again until it answers"
    assert lines[2].startswith("recheck a" if phase == "do" else "reverse a")


def test_what_cannot_be_ended_at_all_does_not_hold_the_run_up(store: Store, stage: Stage) -> None:
    def gone_environment(run: str) -> None:
        raise OpsError("There is no environment staging any more.")

    run = left_behind(store, stage, "do")
    assert engine(store, stage, forsaken=gone_environment).drive(run) == "succeeded"


def test_a_stop_waits_for_the_next_step_border(store: Store, stage: Stage) -> None:
    leaving = engine(store, stage, "old", pace=replace(QUICK, drain=10))
    run = submit(leaving, plan(mark("a", after=0.3), mark("b")))
    with ThreadPoolExecutor(1) as pool:
        driven = pool.submit(leaving.drive, run)
        stage.wait_for("do a")
        leaving.stop()
        assert driven.result(5) == "running"
    assert [(row.step, row.outcome) for row in store.journal.rows(run)] == [("a", "done")]
    bot = engine(store, stage, "new")
    assert bot.due() == [run], "its lease was given back: nobody waits for it to expire"
    assert bot.drive(run) == "succeeded"
    assert stage.effects() == ["do a", "do b"]
    assert "recheck a" not in stage.lines()


def test_a_stop_does_not_wait_longer_than_its_bound(store: Store, stage: Stage) -> None:
    leaving = engine(store, stage, "old", pace=replace(QUICK, drain=60))
    run = submit(leaving, plan(mark("a", after=60)))
    with ThreadPoolExecutor(1) as pool:
        driven = pool.submit(leaving.drive, run)
        stage.wait_for("do a")
        began = time.monotonic()
        leaving.stop(within=0.1)
        assert driven.result(5) == "running"
    assert time.monotonic() - began < 3
    assert engine(store, stage, "new").drive(run) == "succeeded"
    assert stage.effects() == ["do a"]


def test_an_answer_counts_for_the_question_it_was_given_to(bot: Engine, store: Store, stage: Stage) -> None:
    made = plan(sleep("look", ask="Is it well?"), mark("a", found="unknown", on_resume="ask"))
    run = submit(bot, made)
    bot.drive(run)
    bot.answer(run, BOB, "done", "slack")
    now = datetime.now(UTC)
    store.runs.transition(run, ["waiting"], "running", now, wake_at=None)
    store.leases.take(f"run:{run}", "dead", 60, now)
    store.journal.before(run, "look", "do", 2, "dead", now)
    store.journal.after(run, "look", "do", 2, "done", {"answer": "done", "slices": 0}, None, "dead", now)
    store.journal.before(run, "a", "do", 1, "dead", now)
    unknown = {"state": {}, "unknown": True}
    store.journal.after(run, "a", "do", 1, "parked", unknown, None, "dead", now)  # and killed before it waited
    store.leases.release(f"run:{run}", "dead")
    assert bot.drive(run) == "waiting"
    assert "Did “Mark a” take effect?" in str(bot.view(run).ask)
    assert stage.effects() == []
    bot.answer(run, BOB, "again", "slack")
    assert bot.drive(run) == "succeeded"
    assert stage.effects() == ["do a"]


def test_a_step_that_says_nothing_for_too_long_hangs(bot: Engine) -> None:
    loud = replace(mark("a", after=0.2), quiet=0.15)
    silent = replace(mark("b", after=0.6, deaf=True), quiet=0.05)
    assert bot.drive(submit(bot, plan(loud))) == "succeeded"
    assert bot.drive(submit(bot, plan(silent))) == "succeeded", "what never looks cannot be told"


def test_what_hangs_inside_a_sleep_is_stopped(bot: Engine, stage: Stage) -> None:
    run = submit(bot, plan(replace(mark("a", before=60), quiet=0.1, timeout=30), lock=None))
    began = time.monotonic()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("opsbot.runs.context.RunContext.progress", lambda *_: None)
        assert bot.drive(run) == "undone"
    assert time.monotonic() - began < 5
    error = bot.view(run).error
    assert error is not None
    assert error["code"] == "silent"
