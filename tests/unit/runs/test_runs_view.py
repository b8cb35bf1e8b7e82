"""What a card shows, folded from events."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from acting import ALICE, Stage, mark, plan, sleep

from opsbot.runs.engine import Engine
from opsbot.runs.step import Fact
from opsbot.runs.view import fold
from opsbot.store import Store


def test_before_anything_happens_the_plan_is_shown(bot: Engine) -> None:
    fact = Fact("tag", "amber", "v2 was never tried in staging.")
    view = bot.view(bot.submit(plan(mark("a"), sleep("bake"), facts=(("a", fact),)), ALICE, "terminal"))
    assert (view.title, view.status, view.actor, view.ended) == ("Deploy web v2 to staging", "queued", "alice", False)
    assert [(step.name, step.state) for step in view.steps] == [("Mark a", "pending"), ("Wait bake", "pending")]
    assert view.facts == (("a", fact),)


def test_a_step_at_work_shows_its_progress(bot: Engine, stage: Stage) -> None:
    run = bot.submit(plan(mark("a", after=60)), ALICE, "slack")
    with ThreadPoolExecutor(1) as pool:
        driven = pool.submit(bot.drive, run)
        stage.wait_for("do a")
        seq, step = 0, bot.view(run).step("a")
        while step is not None and step.progress is None:
            seq = [event.seq for event in bot.follow(run, seq, 5)][-1]
            step = bot.view(run).step("a")
        assert step is not None
        assert step.state == "running"
        assert step.progress is not None
        assert step.progress[1:] == (60, "working")
        bot.cancel(run, "bob", "slack")
        driven.result(5)
    assert [step.state for step in bot.view(run).steps] == ["undone"]


def test_a_bake_shows_until_when_and_a_question_is_shown_until_it_is_answered(bot: Engine) -> None:
    run = bot.submit(plan(sleep("bake"), lock=None), ALICE, "slack")
    bot.drive(run)
    view = bot.view(run)
    assert (view.status, view.steps[0].state, view.steps[0].note) == ("waiting", "waiting", "It bakes.")
    assert view.until is not None
    asked = bot.submit(plan(sleep("look", ask="Right?"), lock=None), ALICE, "slack")
    bot.drive(asked)
    assert bot.view(asked).ask == "Right?"
    bot.answer(asked, "bob", "yes", "slack")
    assert bot.view(asked).ask is None
    bot.drive(asked)
    assert bot.view(asked).steps[0].state == "done"


def test_a_cursor_in_the_middle_shows_the_run_as_it_was_then(bot: Engine, store: Store) -> None:
    run = bot.submit(plan(mark("a"), mark("b")), ALICE, "slack")
    bot.drive(run)
    row = store.runs.get(run)
    assert row is not None
    events = store.events.after(run, 0)
    half = [event for event in events if event.seq <= 4]
    assert [step.state for step in fold(row, half).steps] == ["done", "pending"]
    assert fold(row, half).cursor == 4
    assert fold(row, events).cursor == row.last_event


def test_events_of_a_newer_bot_are_passed_over(bot: Engine, store: Store) -> None:
    run = bot.submit(plan(mark("a")), ALICE, "slack")
    before = bot.view(run)
    store.events.add(run, "sung", {"step": "a", "song": 1}, before.created_at)
    assert bot.view(run).steps == before.steps
