"""One owner after the other: a lease that is lost, a shutdown, and what the next one makes of a crash. On Postgres as well."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from acting import BOB, QUICK, Stage, drive_when_due, engine, mark, plan, submit

from opsbot.runs.engine import Engine
from opsbot.runs.plan import Plan
from opsbot.store import Store


def test_two_drivers_of_one_run_exclude_one_another(bot: Engine, stage: Stage, store: Store) -> None:
    run = submit(bot, plan(mark("a", before=0.2), mark("b")))
    with ThreadPoolExecutor(4) as pool:
        statuses = [each.result() for each in [pool.submit(bot.drive, run) for _ in range(4)]]
    assert statuses.count("succeeded") >= 1
    assert stage.effects() == ["do a", "do b"]


def test_a_lost_lease_stops_the_old_owner_at_once_and_it_writes_nothing(
    bot: Engine, store: Store, stage: Stage
) -> None:
    run = submit(bot, plan(mark("a", after=60), mark("b")))
    with ThreadPoolExecutor(1) as pool:
        driven = pool.submit(bot.drive, run)
        stage.wait_for("do a")
        owner = store.leases.holder(f"run:{run}", datetime.now(UTC))
        assert owner is not None
        store.leases.release(f"run:{run}", owner)
        assert store.leases.take(f"run:{run}", "thief", 60, datetime.now(UTC))
        assert driven.result(5) == "running"
    rows = store.journal.rows(run)
    assert [(row.step, row.outcome) for row in rows] == [("a", None)]
    store.leases.release(f"run:{run}", "thief")
    assert bot.recover() == [run]
    assert bot.drive(run) == "succeeded"
    assert stage.effects() == ["do a", "do b"]


def test_a_deaf_step_that_ends_after_the_lease_was_lost_is_not_written(bot: Engine, store: Store, stage: Stage) -> None:
    run = submit(bot, plan(mark("a", after=0.4, deaf=True)))
    with ThreadPoolExecutor(1) as pool:
        driven = pool.submit(bot.drive, run)
        stage.wait_for("do a")
        store.leases.release(f"run:{run}", str(store.leases.holder(f"run:{run}", datetime.now(UTC))))
        store.leases.take(f"run:{run}", "thief", 60, datetime.now(UTC))
        driven.result(5)
    assert store.journal.rows(run)[0].ended_at is None


def test_a_shutdown_leaves_the_run_for_the_next_owner(store: Store, stage: Stage) -> None:
    leaving = engine(store, stage, "old")
    run = submit(leaving, plan(mark("a", after=60), mark("b")))
    with ThreadPoolExecutor(1) as pool:
        driven = pool.submit(leaving.drive, run)
        stage.wait_for("do a")
        leaving.stop()
        assert driven.result(5) == "running"
    bot = engine(store, stage, "new")
    assert bot.due() == [run]
    assert bot.drive(run) == "succeeded"
    assert stage.effects() == ["do a", "do b"]
    assert bot.view(run).resumed == 1


def left_behind(store: Store, stage: Stage, made: Plan, effect: bool, phase: str = "do") -> str:
    """A run whose owner died in its first step: after the intention, with or without the effect, without the result."""
    run = submit(engine(store, stage), made)
    now = datetime.now(UTC)
    store.runs.transition(run, ["queued"], "running", now, started_at=now)
    store.leases.take(f"run:{run}", "dead", 60, now)
    assert store.journal.before(run, made.steps[0].id, phase, 1, "dead", now)
    store.leases.release(f"run:{run}", "dead")
    if effect:
        stage.write(f"do {made.steps[0].id}")
    return run


def test_a_step_that_took_effect_before_the_crash_is_not_done_again(bot: Engine, store: Store, stage: Stage) -> None:
    run = left_behind(store, stage, plan(mark("a"), mark("$steps.a.value")), effect=True)
    assert bot.drive(run) == "succeeded"
    assert stage.effects() == ["do a", "do A"]
    assert stage.lines()[1] == "recheck a"


def test_a_step_that_took_effect_is_still_checked(bot: Engine, store: Store, stage: Stage) -> None:
    run = left_behind(store, stage, plan(mark("a", check="no")), effect=True)
    assert bot.drive(run) == "undone"
    assert stage.effects() == ["do a", "undo a"]


def test_a_step_that_took_no_effect_before_the_crash_is_done_once(bot: Engine, store: Store, stage: Stage) -> None:
    run = left_behind(store, stage, plan(mark("a"), mark("b")), effect=False)
    assert bot.drive(run) == "succeeded"
    assert stage.effects() == ["do a", "do b"]


def test_what_nobody_can_know_is_undone(bot: Engine, store: Store, stage: Stage) -> None:
    run = left_behind(store, stage, plan(mark("a", found="unknown"), mark("b")), effect=True)
    assert bot.drive(run) == "undone"
    assert stage.effects() == ["do a", "undo a"]


def test_while_nobody_can_be_asked_the_run_waits_and_says_so_once(bot: Engine, store: Store, stage: Stage) -> None:
    run = left_behind(store, stage, plan(mark("a", silent=3)), effect=True)
    assert drive_when_due(bot, run) == "succeeded"
    assert stage.lines().count("recheck a") == 4
    said = [event.body["text"] for event in store.events.after(run, 0) if event.kind == "say"]
    assert said == ["Mark a: nobody can tell yet whether it took effect. The engine does not answer. Asking again."]
    assert stage.effects() == ["do a"]


def test_a_shutdown_while_nobody_can_be_asked_decides_nothing(store: Store, stage: Stage) -> None:
    run = left_behind(store, stage, plan(mark("a", silent=1)), effect=True)
    leaving = engine(store, stage, "old")
    assert leaving.drive(run) == "running"
    leaving.stop()
    assert leaving.drive(run) == "running"
    assert stage.lines().count("recheck a") == 1
    assert drive_when_due(engine(store, stage), run) == "succeeded"
    assert stage.effects() == ["do a"]


def test_a_step_may_say_that_it_is_simply_run_again(bot: Engine, store: Store, stage: Stage) -> None:
    run = left_behind(store, stage, plan(mark("a", on_resume="rerun")), effect=False)
    assert bot.drive(run) == "succeeded"
    assert "recheck a" not in stage.lines()


@pytest.mark.parametrize(
    ("answer", "status", "effects"),
    [("done", "succeeded", ["do b"]), ("again", "succeeded", ["do a", "do b"]), ("undo", "undone", [])],
)
def test_what_nobody_can_know_is_asked_where_the_playbook_says_so(
    bot: Engine, store: Store, stage: Stage, answer: str, status: str, effects: list[str]
) -> None:
    run = left_behind(store, stage, plan(mark("a", found="unknown", on_resume="ask"), mark("b")), effect=False)
    assert bot.drive(run) == "waiting"
    assert "Did “Mark a” take effect?" in str(bot.view(run).ask)
    bot.answer(run, BOB, answer, "slack")
    assert bot.drive(run) == status
    assert stage.effects() == effects


def test_a_crash_while_undoing_goes_on_undoing(bot: Engine, store: Store, stage: Stage) -> None:
    made = plan(mark("a"), mark("b", fails=True))
    run = submit(bot, made)
    now = datetime.now(UTC)
    store.runs.transition(run, ["queued"], "running", now, started_at=now)
    store.leases.take(f"run:{run}", "dead", 60, now)
    for step, outcome in (("a", "done"), ("b", "failed")):
        stage.write(f"do {step}")
        store.journal.before(run, step, "do", 1, "dead", now)
        store.journal.after(run, step, "do", 1, outcome, {"value": step}, None, "dead", now)
    store.runs.transition(run, ["running"], "undoing", now)
    store.journal.before(run, "b", "undo", 1, "dead", now)
    stage.write("undo b")
    store.leases.release(f"run:{run}", "dead")
    assert bot.drive(run) == "undone"
    assert stage.effects() == ["do a", "do b", "undo b", "undo a"]


def test_a_run_whose_owner_still_beats_is_not_recovered(store: Store, stage: Stage) -> None:
    pace = replace(QUICK, expiry=1.0)
    bot, other = engine(store, stage, pace=pace), engine(store, stage, "another", pace=pace)
    run = submit(bot, plan(mark("a", after=pace.expiry * 3, deaf=True)))
    with ThreadPoolExecutor(1) as pool:
        driven = pool.submit(bot.drive, run)
        stage.wait_for("do a")
        end = time.monotonic() + pace.expiry * 2
        while time.monotonic() < end:
            assert other.due() == []
            assert other.drive(run) == "running"
            time.sleep(0.05)
        assert driven.result() == "succeeded"
    assert stage.effects() == ["do a"]
