"""People stop a run: inside a step, between two tries, before it began, and too late. On Postgres as well."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from acting import BOB, QUICK, Stage, engine, kinds, mark, plan, sleep, submit

from opsbot.errors import Refused
from opsbot.runs.context import Signals
from opsbot.runs.engine import Engine
from opsbot.store import Store


def test_a_person_cancels_inside_a_step(bot: Engine, store: Store, stage: Stage) -> None:
    run = submit(bot, plan(mark("a"), mark("b", after=60)))
    with ThreadPoolExecutor(1) as pool:
        driven = pool.submit(bot.drive, run)
        stage.wait_for("do b")
        bot.cancel(run, BOB, "slack")
        assert driven.result(5) == "cancelled"
    assert stage.effects() == ["do a", "do b", "undo b", "undo a"]
    row = store.runs.get(run)
    assert row is not None
    assert str(row.outcome).startswith("Stopped by bob.")


def test_a_cancel_from_another_process_reaches_the_step(bot: Engine, store: Store, stage: Stage) -> None:
    run = submit(bot, plan(mark("a", after=60)))
    with ThreadPoolExecutor(1) as pool:
        driven = pool.submit(bot.drive, run)
        stage.wait_for("do a")
        engine(store, stage, "another").cancel(run, "bob", "slack")
        assert driven.result(5) == "cancelled"


def test_a_cancel_that_comes_too_late_does_not_undo_what_is_done(bot: Engine, store: Store, stage: Stage) -> None:
    run = submit(bot, plan(mark("a", after=0.2, deaf=True)))
    with ThreadPoolExecutor(1) as pool:
        driven = pool.submit(bot.drive, run)
        stage.wait_for("do a")
        bot.cancel(run, BOB, "slack")
        assert driven.result(5) == "succeeded"
    row = store.runs.get(run)
    assert row is not None
    assert "before bob could stop it" in str(row.outcome)
    with pytest.raises(Refused, match="already ended"):
        bot.cancel(run, BOB, "slack")


def test_a_cancelled_run_that_has_not_begun_ends_at_once_and_frees_the_lock(bot: Engine, stage: Stage) -> None:
    run = submit(bot, plan(mark("a")))
    assert bot.cancel(run, BOB, "slack") == "cancelled"
    assert bot.drive(run) == "cancelled"
    assert stage.lines() == []
    submit(bot, plan(mark("a")))


def test_a_run_that_waits_for_a_person_can_be_cancelled(bot: Engine, stage: Stage) -> None:
    run = submit(bot, plan(mark("a"), sleep("look", ask="Sure?")))
    bot.drive(run)
    bot.cancel(run, BOB, "slack")
    assert bot.due() == [run]
    assert bot.drive(run) == "cancelled"
    assert stage.effects() == ["do a", "undo a"]


def test_a_cancel_is_heard_between_two_tries(bot: Engine, store: Store, stage: Stage) -> None:
    slow = engine(store, stage, pace=replace(QUICK, backoff=60))
    run = submit(bot, plan(mark("a", flaky=1, retries=1)))
    with ThreadPoolExecutor(1) as pool:
        driven = pool.submit(slow.drive, run)
        while "say" not in kinds(store, run):
            time.sleep(0.01)
        bot.cancel(run, BOB, "slack")
        assert driven.result(5) == "cancelled"
    assert stage.effects() == []


def test_an_undo_cannot_be_cancelled(bot: Engine, stage: Stage) -> None:
    run = submit(bot, plan(mark("a", undo_slow=0.3), mark("b", fails=True)))
    with ThreadPoolExecutor(1) as pool:
        driven = pool.submit(bot.drive, run)
        stage.wait_for("undo a")
        with pytest.raises(Refused, match="already undoing"):
            bot.cancel(run, BOB, "slack")
        assert driven.result(5) == "undone"


def test_a_cancel_that_comes_as_the_driver_lets_go_is_heard(bot: Engine, store: Store) -> None:
    class Hasty(dict[str, Any]):
        """The driver lets go of the run in the moment in which it was seen to drive it."""

        def __contains__(self, run: object) -> bool:
            return self.pop(run, None) is not None  # type: ignore[call-overload]  # any object may be asked for

    run = submit(bot, plan(mark("a"), sleep("look", ask="Sure?")))
    bot.drive(run)
    bot._driving = Hasty({run: Signals(threading.Event())})
    assert bot.cancel(run, BOB, "slack") == "waiting"
    row = store.runs.get(run)
    assert row is not None
    assert row.cancel_by == "bob"
