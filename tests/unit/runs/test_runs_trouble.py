"""What goes wrong in the bot itself: a plan nobody can read, a mistake in its code, a stop in mid-step, what a dead owner left."""

from __future__ import annotations

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from acting import ALICE, BOB, QUICK, Mark, Stage, drive_when_due, engine, mark, plan, resolve, sleep, submit

from opsbot.clock import SystemClock
from opsbot.errors import OpsError, Unavailable
from opsbot.log import REDACTED, redactor
from opsbot.runs import approval
from opsbot.runs.engine import STRIKES, Engine
from opsbot.runs.plan import Plan
from opsbot.runs.pool import Pool
from opsbot.runs.step import Context, Outputs
from opsbot.store import Store
from opsbot.store.runs import Change


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


def test_a_plan_that_nobody_can_read_and_nobody_answered_is_given_up_once(store: Store, stage: Stage) -> None:
    """Its time is over, so it is due; if it could not be ended it would be due for ever."""
    bot = engine(store, stage)
    run = submit(bot, plan(mark("a"), approval={"from": "approver", "people": 1, "expires": 0.0}))
    rewrite(store, run, steps=[{"nothing": "known"}])
    assert bot.due() == [run]
    assert bot.drive(run) == "failed"
    assert bot.due() == []
    row = store.runs.get(run)
    assert row is not None
    assert "cannot be read. Nothing was changed." in str(row.outcome)
    assert [row.outcome for row in store.audit.list(what=run)][:1] == ["failed"]


def test_a_countdown_whose_end_breaks_the_bots_own_code_is_given_up(
    store: Store, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = engine(store, stage)
    made = plan(mark("a"), approval={"from": "approver", "people": 1, "expires": 60.0})
    run = bot.submit(made, ALICE, "slack", glass="the site is down")
    store.runs.transition(run, ["countdown"], "countdown", datetime.now(UTC), wake_at=datetime.now(UTC))

    def broken(*_: object) -> Change:
        raise ZeroDivisionError("a mistake of ours")

    monkeypatch.setattr(approval, "count_down", broken)
    for _ in range(STRIKES - 1):
        assert bot.due() == [run]
        with pytest.raises(ZeroDivisionError):
            bot.drive(run)
    assert (bot.drive(run), bot.due(), bot.view(run).code) == ("failed", [], "bug")
    assert stage.effects() == []


@pytest.mark.parametrize("error", [None, Unavailable("The engine does not answer."), KeyError("a mistake of ours")])
def test_what_a_run_that_is_given_up_left_running_is_ended_before_its_locks_are_free(
    store: Store, stage: Stage, error: Exception | None
) -> None:
    run = left_behind(store, stage, "do")
    rewrite(store, run, steps=[{"nothing": "known"}])

    def end_one_offs(gone: str) -> None:
        stage.write(f"ended {gone} while {len(store.locks.list(datetime.now(UTC)))} is locked")
        if error:
            raise error

    assert engine(store, stage, forsaken=end_one_offs).drive(run) == "failed"
    assert stage.lines() == [f"ended {run} while 1 is locked"]
    assert store.locks.list(datetime.now(UTC)) == []
    assert "A human is needed" in str(store.runs.get(run).outcome)  # type: ignore[union-attr]  # it was just driven


def test_a_run_whose_left_overs_cannot_be_ended_for_a_mistake_of_ours_is_given_up(store: Store, stage: Stage) -> None:
    def broken(gone: str) -> None:
        raise KeyError("a mistake of ours")

    run = left_behind(store, stage, "do")
    bot = engine(store, stage, forsaken=broken)
    for _ in range(STRIKES - 1):
        with pytest.raises(KeyError):
            bot.drive(run)
    assert (bot.drive(run), bot.due(), bot.view(run).code) == ("failed", [], "bug")
    assert store.locks.list(datetime.now(UTC)) == []


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


def left_behind(store: Store, stage: Stage, phase: str, **more: Any) -> str:
    bot = engine(store, stage, "dead")
    run, now = submit(bot, plan(mark("a", **more))), datetime.now(UTC)
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

    drive_when_due(engine(store, stage, forsaken=end_one_offs), run)
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


class Counting(SystemClock):
    """A clock that is as far as somebody slept."""

    def __init__(self) -> None:
        self.slept = 0.0

    def monotonic(self) -> float:
        return self.slept

    def sleep(self, seconds: float) -> None:
        self.slept += seconds


def test_between_two_tries_the_wait_doubles_until_it_is_half_a_minute(store: Store, stage: Stage) -> None:
    clock, tried = Counting(), list[float]()

    class Watched(Mark):
        def run(self, ctx: Context, args: Any) -> Outputs:
            tried.append(clock.slept)
            return super().run(ctx, args)

    pace = replace(QUICK, backoff=1.0, expiry=30.0)
    bot = Engine(store, clock, {"mark": Watched(stage)}, resolve, "test", pace=pace)
    run = submit(bot, plan(mark("a", flaky=8, retries=8)))
    assert bot.drive(run) == "succeeded"
    waits = [round(after - before, 3) for before, after in itertools.pairwise(tried)]
    assert waits[:8] == [1, 2, 4, 8, 16, 30, 30, 30]


class Leaping(SystemClock):
    """A clock that stands still but for what was leapt over."""

    def __init__(self) -> None:
        self._began, self.leapt = super().now(), timedelta()

    def now(self) -> datetime:
        return self._began + self.leapt


@pytest.mark.parametrize("secret", [None, "whether"])
def test_a_recheck_that_has_no_answer_holds_no_thread_and_is_asked_again_ever_later(
    store: Store, stage: Stage, secret: str | None
) -> None:
    if secret:
        redactor.add(secret)  # a word of what is told meanwhile
    run = left_behind(store, stage, "do", silent=8)
    clock, waits = Leaping(), list[float]()
    pace = replace(QUICK, backoff=1.0, expiry=3600.0)
    bot = Engine(store, clock, {"mark": Mark(stage)}, resolve, "test", pace=pace)
    while bot.drive(run) == "running":
        assert bot.due() == [], "not before its moment"
        row = store.runs.get(run)
        assert row is not None
        assert row.wake_at is not None
        left = row.wake_at - clock.now()
        waits.append(left.total_seconds())
        clock.leapt += left
        assert bot.due() == [run]
    assert waits == [1, 1, 2, 4, 8, 16, 30, 30]
    (said,) = (text for text in bot.view(run).said if "nobody can tell yet" in text)
    assert (secret or REDACTED) not in said
    row = store.runs.get(run)
    assert row is not None
    assert (row.status, row.wake_at) == ("succeeded", None)


def test_runs_that_wait_for_a_dead_part_keep_no_other_run_waiting(store: Store, stage: Stage) -> None:
    bot = engine(store, stage, pace=replace(QUICK, backoff=60.0))
    stuck = left_behind(store, stage, "do", silent=10_000)
    pool = Pool(bot, workers=1)
    pool.start()
    try:
        stage.wait_for("recheck a")
        run = bot.submit(plan(mark("b"), lock="staging/other"), ALICE, "slack")
        end = time.monotonic() + 10
        while bot.view(run).status != "succeeded" and time.monotonic() < end:
            time.sleep(0.01)
    finally:
        assert pool.stop()
    assert (bot.view(run).status, bot.view(stuck).status) == ("succeeded", "running")
