"""What people do by hand where the bot cannot: a step that hangs, a question nobody can answer, an undo that failed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from acting import ALICE, BOB, QUICK, Stage, engine, mark, plan, sleep

from opsbot.errors import Refused
from opsbot.runs.engine import Engine
from opsbot.runs.plan import Plan, PlannedStep
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
    assert store.journal.rows(run)[1].outputs == {}, "nothing reads them, so nobody is asked for them"


def test_what_later_steps_read_must_be_known_before_a_step_counts_as_done(bot: Engine, stage: Stage) -> None:
    run = submit(bot, plan(mark("a", before=60), mark("$steps.a.value")))
    with ThreadPoolExecutor(1) as pool:
        driven = pool.submit(bot.drive, run)
        stage.wait_for(f"try a {os.getpid()}")
        with pytest.raises(Refused, match="needs to know what “Mark a” left: value") as unknown:
            bot.complete(run, "a", BOB, "ran it on the host", "slack")
        assert unknown.value.fix == f"Say it: `complete {run} --output value=… WHAT SHOWS IT`."
        with pytest.raises(Refused, match="has no output “valeu”") as mistyped:
            bot.complete(run, "a", BOB, "ran it on the host", "slack", {"valeu": "hand"})
        assert (unknown.value.code, mistyped.value.code) == ("no_outputs", "unknown_output")
        bot.complete(run, "a", BOB, "ran it on the host", "slack", {"value": "hand"})
        assert driven.result(5) == "succeeded"
    assert stage.effects() == ["do hand"]


def test_what_the_step_itself_can_tell_of_its_outputs_nobody_has_to_say(
    bot: Engine, store: Store, stage: Stage
) -> None:
    run = submit(bot, plan(mark("a", after=60), mark("$steps.a.value")))
    with ThreadPoolExecutor(1) as pool:
        driven = pool.submit(bot.drive, run)
        stage.wait_for("do a")
        bot.complete(run, "a", BOB, "it is there, see the host", "slack")
        assert driven.result(5) == "succeeded"
    assert stage.effects() == ["do a", "do A"]
    first = store.journal.rows(run)[0]
    assert (first.outputs, first.owner) == ({"value": "A"}, "bob, by hand")
    assert [step.note for step in bot.view(run).steps] == ["Done by hand by bob: it is there, see the host", ""]


Meanwhile = Callable[[], object]


def told_at_the_last_moment(store: Store, monkeypatch: pytest.MonkeyPatch, phase: str, says: Meanwhile) -> None:
    """A person's word that is written just before the result of the step, which knows nothing of it."""
    after, said = store.journal.after, []

    def late(run: str, step: str, doing: str, *rest: Any, **more: Any) -> bool:
        if doing == phase and not said:
            said.append(says())
        return after(run, step, doing, *rest, **more)

    monkeypatch.setattr(store.journal, "after", late)


@pytest.mark.parametrize(
    ("step", "left"),
    [
        (mark("a"), {"value": "A"}),
        (mark("a", fails=True), {"value": "A"}),
        (mark("a", flaky=9), {}),
        (sleep("a", ask="Is it well?"), {}),
    ],
    ids=["ends well", "fails", "cannot now", "parks"],
)
def test_a_word_that_is_heard_just_before_the_step_ends_by_itself_stands(
    bot: Engine, store: Store, monkeypatch: pytest.MonkeyPatch, step: PlannedStep, left: dict[str, str]
) -> None:
    run = submit(bot, plan(step, mark("b")))
    told_at_the_last_moment(store, monkeypatch, "do", lambda: bot.complete(run, "a", BOB, "did it", "slack"))
    assert bot.drive(run) == "succeeded"
    first = store.journal.rows(run)[0]
    assert (first.step, first.outcome, first.owner) == ("a", "done", "bob, by hand")
    assert first.outputs == left, "what the step knows is kept"


def test_an_undo_that_fails_just_after_a_person_reversed_it_counts_as_reversed(
    bot: Engine, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = submit(bot, plan(mark("a", undo_fails=True), mark("b", refuses=True)))
    told_at_the_last_moment(store, monkeypatch, "undo", lambda: bot.complete(run, "a", BOB, "did it", "slack"))
    assert bot.drive(run) == "undone"
    assert bot.view(run).steps[0].note == "Done by hand by bob: did it"


def test_a_step_that_has_failed_already_is_not_at_hand_any_more(
    bot: Engine, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = submit(bot, plan(mark("a", fails=True)))
    move, refused = store.runs.transition, []

    def late(*which: Any, **more: Any) -> bool:
        if which[2] == "undoing":
            with pytest.raises(Refused) as late_word:
                bot.complete(run, "a", BOB, "did it", "slack")
            refused.append(late_word.value.code)
        return move(*which, **more)

    monkeypatch.setattr(store.runs, "transition", late)
    assert (bot.drive(run), refused) == ("undone", ["ended"])


def asks_what_happened(bot: Engine, store: Store, *more: PlannedStep) -> str:
    run = left_behind(bot, store, plan(mark("a", found="unknown", on_resume="ask"), *more))
    assert bot.drive(run) == "waiting"
    return run


@pytest.mark.parametrize("words", ["done, I looked", "yes it is", "no idea", "maybe", "undone", "not again"])
def test_an_answer_that_can_be_taken_in_more_than_one_way_changes_nothing(
    bot: Engine, store: Store, words: str
) -> None:
    run = asks_what_happened(bot, store)
    assert bot.view(run).choices == ("done", "again", "undo")
    with pytest.raises(Refused) as refused:
        bot.answer(run, BOB, words, "slack")
    assert refused.value.code == "unclear"
    assert all(f"`{choice}`" in refused.value.fix for choice in ("done", "again", "undo"))
    assert bot.view(run).status == "waiting"
    assert bot.view(run).ask is not None


@pytest.mark.parametrize(
    ("words", "ends", "effects"),
    [
        ("Yes, it did.", "succeeded", ["do b"]),
        ("“Done”", "succeeded", ["do b"]),
        ("Run it again!", "succeeded", ["do a", "do b"]),
        ("undo", "undone", []),
    ],
)
def test_a_clear_answer_is_heard_whatever_its_spelling(
    bot: Engine, store: Store, stage: Stage, words: str, ends: str, effects: list[str]
) -> None:
    run = asks_what_happened(bot, store, mark("b"))
    bot.answer(run, BOB, words, "slack")
    assert bot.drive(run) == ends
    assert stage.effects() == effects


def test_done_is_no_answer_while_nobody_knows_what_later_steps_read(bot: Engine, store: Store, stage: Stage) -> None:
    run = asks_what_happened(bot, store, mark("$steps.a.value"))
    with pytest.raises(Refused) as refused:
        bot.answer(run, BOB, "done", "slack")
    assert refused.value.code == "no_outputs"
    bot.complete(run, "a", BOB, "docker service ps says so", "slack", {"value": "hand"})
    assert bot.drive(run) == "succeeded"
    assert stage.effects() == ["do hand"]


def test_what_nobody_can_tell_is_told_by_a_person_who_looked(store: Store, stage: Stage) -> None:
    bot = engine(store, stage, pace=replace(QUICK, backoff=60.0))
    run = left_behind(bot, store, plan(mark("a", silent=10_000), mark("b")))
    assert (bot.drive(run), bot.due()) == ("running", [])
    bot.complete(run, "a", BOB, "docker service ps says so", "slack", {"value": "A"})
    assert bot.due() == [run], "at once, and not when it would be asked again"
    assert bot.drive(run) == "succeeded"
    assert stage.effects() == ["do b"]


def test_a_run_whose_recheck_waits_for_a_dead_engine_can_be_cancelled(store: Store, stage: Stage) -> None:
    bot = engine(store, stage, pace=replace(QUICK, backoff=60.0))
    run = left_behind(bot, store, plan(mark("a", silent=10_000)))
    assert (bot.drive(run), bot.due()) == ("running", [])
    bot.cancel(run, BOB, "slack")
    assert bot.due() == [run], "at once, and not when it would be asked again"
    assert bot.drive(run) == "cancelled"
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
