"""A step that hangs: it is left behind after its time, or when a person has decided, and what it did is found out."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from acting import BOB, QUICK, Mark, Stage, engine, mark, plan, submit

from opsbot.runs.context import RunContext
from opsbot.runs.engine import Engine
from opsbot.store import Store


def test_a_step_that_goes_on_telling_how_far_it_is_does_not_hang(bot: Engine) -> None:
    assert bot.drive(submit(bot, plan(replace(mark("a", after=0.9), quiet=0.7)))) == "succeeded"


STRICT = replace(QUICK, deaf=0.1, expiry=20.0)


@pytest.mark.parametrize(("limit", "why"), [({"quiet": 0.1}, "silent"), ({"timeout": 0.1}, "timeout")])
def test_a_step_that_listens_to_nobody_does_not_hold_its_run(
    store: Store, stage: Stage, limit: dict[str, float], why: str
) -> None:
    bot = engine(store, stage, pace=STRICT, forsaken=lambda run: stage.write("ended what it left"))
    run = submit(bot, plan(mark("x"), replace(mark("a", before=60, deaf=True), **limit)))
    began = time.monotonic()
    assert bot.drive(run) == "undone"
    assert time.monotonic() - began < 30
    error = bot.view(run).error
    assert error is not None
    assert (error["code"], error["again"]) == (why, False)
    lines = [line for line in stage.lines() if "try" not in line]
    assert lines == ["do x", "ended what it left", "recheck a", "reverse a None", "reverse x {'value': 'X'}", "undo x"]
    assert stage.effects() == ["do x", "undo x"]


def test_what_a_step_did_before_it_hung_counts(store: Store, stage: Stage) -> None:
    bot = engine(store, stage, pace=STRICT)
    run = submit(bot, plan(replace(mark("a", after=60, deaf=True), timeout=0.1, retries=3), mark("$steps.a.value")))
    assert bot.drive(run) == "succeeded"
    assert stage.effects() == ["do a", "do A"]
    assert [(row.step, row.outcome) for row in store.journal.rows(run)] == [("a", "done"), ("$steps.a.value", "done")]


def test_a_person_is_asked_what_a_step_that_hung_has_done_where_the_playbook_says_so(
    store: Store, stage: Stage
) -> None:
    bot = engine(store, stage, pace=STRICT)
    made = replace(mark("a", before=60, deaf=True, found="unknown", on_resume="ask"), timeout=0.1)
    run = submit(bot, plan(made))
    assert bot.drive(run) == "waiting"
    assert bot.view(run).choices == ("done", "again", "undo")


def test_a_step_that_listens_to_nobody_is_left_behind_when_a_person_did_its_work(
    store: Store, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opsbot.runs.context.LOOK", 0.05)
    bot = engine(store, stage, pace=STRICT)
    run = submit(bot, plan(mark("a", before=60, deaf=True), mark("b")))
    with ThreadPoolExecutor(1) as pool:
        driven = pool.submit(bot.drive, run)
        stage.wait_for(f"try a {os.getpid()}")
        bot.complete(run, "a", BOB, "ran it on the host", "slack")
        assert driven.result(5) == "succeeded"
    assert store.journal.rows(run)[0].owner == "bob, by hand"
    assert stage.effects() == ["do b"]


@pytest.mark.parametrize("limit", [{}, {"timeout": 0.3}], ids=["in time", "late"])
def test_a_step_that_listens_to_nobody_is_left_behind_when_the_run_is_cancelled(
    store: Store, stage: Stage, monkeypatch: pytest.MonkeyPatch, limit: dict[str, float]
) -> None:
    monkeypatch.setattr("opsbot.runs.context.LOOK", 0.05)
    bot = engine(store, stage, pace=STRICT, forsaken=lambda run: stage.write("ended what it left"))
    run = submit(bot, plan(mark("x"), replace(mark("a", before=60, deaf=True), **limit)))
    with ThreadPoolExecutor(1) as pool:
        driven = pool.submit(bot.drive, run)
        stage.wait_for(f"try a {os.getpid()}")
        bot.cancel(run, BOB, "slack")
        assert driven.result(5) == "cancelled"
    lines = [line for line in stage.lines() if "try" not in line]
    assert lines == ["do x", "ended what it left", "recheck a", "reverse a None", "reverse x {'value': 'X'}", "undo x"]


def test_an_undo_that_listens_to_nobody_needs_a_human_and_what_it_began_is_ended(store: Store, stage: Stage) -> None:
    bot = engine(store, stage, pace=STRICT, forsaken=lambda run: stage.write("ended what it left"))
    run = submit(bot, plan(replace(mark("a", undo_slow=60), timeout=0.2), mark("b", refuses=True)))
    assert bot.drive(run) == "failed"
    assert bot.view(run).left == ("a",)
    assert stage.lines()[-1] == "ended what it left"


def test_a_step_that_was_left_behind_stops_at_its_next_look_and_says_nothing_more(store: Store, stage: Stage) -> None:
    bot = engine(store, stage, pace=STRICT)
    slept = threading.Event()

    def wakes(mark: Mark, ctx: RunContext, args: object, seconds: float) -> None:
        if seconds:
            time.sleep(0.6)  # deaf
            ctx.say("Good morning.")
            slept.set()
            ctx.check()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Mark, "_work", wakes)
        run = submit(bot, plan(replace(mark("a", before=1), timeout=0.1)))
        assert bot.drive(run) == "undone"
        assert slept.wait(5)
    assert bot.view(run).said == ()
    assert stage.effects() == []


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
