"""Between the plan that was shown and the first step the world may have moved; and what is said at the end is what was done."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from acting import ALICE, BOB, QUICK, Stage, engine, mark, plan

from opsbot.errors import Refused, Unavailable
from opsbot.runs.plan import Plan
from opsbot.runs.step import Fact
from opsbot.store import Store


def back_to(release: int, color: str = "green") -> tuple[tuple[str, Fact], ...]:
    return (("release", Fact("release", color, f"Back to web-{release}.", bind=release)),)  # type: ignore[arg-type]  # as tests name it


def test_the_second_of_two_rollbacks_does_not_go_one_release_further(store: Store, stage: Stage) -> None:
    live = [3]

    def look(shown: Plan) -> Plan:
        return replace(shown, facts=back_to(live[0] - 1))

    bot = engine(store, stage, replan=look)
    alice, bobs = (plan(mark(name), title="Roll web back", facts=back_to(2)) for name in "ab")
    first = bot.submit(alice, ALICE, "slack")
    assert bot.drive(first) == "succeeded"
    live[0] = 2
    second = bot.submit(bobs, BOB, "slack")
    assert bot.drive(second) == "rejected"
    view = bot.view(second)
    assert view.code == "plan_changed"
    assert "Planned: Back to web-2. Now: Back to web-1." in str(view.outcome)
    assert stage.effects() == ["do a"]


def test_an_identity_that_changed_names_the_fact_also_when_nobody_had_to_approve(store: Store, stage: Stage) -> None:
    bot = engine(store, stage, replan=lambda shown: replace(shown, facts=back_to(1), playbook_hash="other"))
    run = bot.submit(plan(mark("a"), facts=back_to(2)), ALICE, "slack")
    assert bot.drive(run) == "rejected"
    assert "The playbook deploy was edited, or the bot was upgraded." in str(bot.view(run).outcome)


def test_a_colour_alone_stops_only_what_was_approved(store: Store, stage: Stage) -> None:
    bot = engine(store, stage, replan=lambda shown: replace(shown, facts=back_to(2, "amber")))
    assert bot.drive(bot.submit(plan(mark("a"), facts=back_to(2)), ALICE, "slack")) == "succeeded"
    run = bot.submit(plan(mark("b"), facts=back_to(2), approval={"expires": 60}), ALICE, "slack")
    bot.approve(run, BOB, "slack")
    assert bot.drive(run) == "rejected"


def test_words_and_measures_may_change(store: Store, stage: Stage) -> None:
    before = (("size", Fact("size", "green", "3 rows.")),)
    bot = engine(store, stage, replan=lambda shown: replace(shown, facts=(("size", Fact("size", "green", "4 rows.")),)))
    run = bot.submit(plan(mark("a"), facts=before, approval={"expires": 60}), ALICE, "slack")
    bot.approve(run, BOB, "slack")
    assert bot.drive(run) == "succeeded"


@pytest.mark.parametrize("how", ["raises", "fact"])
def test_a_part_that_does_not_answer_is_waited_for_and_said_once(store: Store, stage: Stage, how: str) -> None:
    asked: list[int] = []

    def look(shown: Plan) -> Plan:
        asked.append(1)
        if len(asked) > 3:
            return shown
        if how == "raises":
            raise Unavailable("The engine does not answer.")
        return replace(shown, facts=(("a", Fact("engine", "red", "The engine does not answer.", again=True)),))

    bot = engine(store, stage, replan=look)
    run = bot.submit(plan(mark("a")), ALICE, "slack")
    assert bot.drive(run) == "queued"
    waits = store.runs.get(run)
    assert waits is not None
    assert waits.wake_at is not None
    end = time.monotonic() + 10
    while bot.view(run).status == "queued" and time.monotonic() < end:
        for due in bot.due():
            bot.drive(due)
        time.sleep(0.01)
    assert bot.view(run).status == "succeeded"
    assert bot.view(run).said == ("The engine does not answer. It begins as soon as that answers.",)
    assert len(asked) == 4


def test_a_part_that_stays_away_is_not_waited_for_for_ever(store: Store, stage: Stage) -> None:
    def look(shown: Plan) -> Plan:
        raise Unavailable("The engine does not answer.")

    bot = engine(store, stage, replan=look, pace=replace(QUICK, patience=0.02))
    run = bot.submit(plan(mark("a")), ALICE, "slack")
    assert bot.drive(run) == "queued"
    time.sleep(0.06)
    assert bot.drive(run) == "expired"
    assert bot.view(run).code == "unavailable"
    bot.submit(plan(mark("b")), ALICE, "slack")


def test_a_queued_run_that_waits_for_a_part_can_be_cancelled(store: Store, stage: Stage) -> None:
    def look(shown: Plan) -> Plan:
        raise Unavailable("The engine does not answer.")

    bot = engine(store, stage, replan=look)
    run = bot.submit(plan(mark("a")), ALICE, "slack")
    bot.drive(run)
    assert bot.cancel(run, BOB, "slack") == "cancelled"
    assert stage.lines() == []


def test_what_forbids_the_change_between_plan_and_start_ends_it(store: Store, stage: Stage) -> None:
    window: list[str] = []
    bot = engine(store, stage, frozen=lambda _environment, _now: window[0] if window else None)
    run = bot.submit(plan(mark("a")), ALICE, "slack")
    window.append("staging is frozen until Monday.")
    assert bot.drive(run) == "rejected"
    assert bot.view(run).code == "frozen"
    with pytest.raises(Refused, match="until Monday") as refused:
        bot.submit(plan(mark("a")), ALICE, "slack")
    assert refused.value.code == "frozen"
    assert bot.drive(bot.submit(plan(mark("back"), passes_freeze=True), ALICE, "slack")) == "succeeded"
    assert stage.effects() == ["do back"]


def test_the_last_sentence_is_about_what_was_done(store: Store, stage: Stage) -> None:
    driver = engine(store, stage)
    made = plan(
        mark("a"), say={"success": "V1 is live.", "failure": "as planned"}, sentences={"success": "$steps.a.value"}
    )
    run = driver.submit(made, ALICE, "slack")
    driver.drive(run)
    assert driver.view(run).outcome == "A"
    lost = replace(made, sentences={"success": "$steps.nowhere.value"}, lock=None)
    run = driver.submit(lost, ALICE, "slack")
    driver.drive(run)
    assert driver.view(run).outcome == "V1 is live."


def test_a_plan_with_several_targets_takes_all_or_none(store: Store, stage: Stage) -> None:
    bot = engine(store, stage)
    both = plan(mark("a"), lock=["staging/web", "staging/main"])
    assert both.locks == ("staging/main", "staging/web")
    run = bot.submit(both, ALICE, "slack")
    with pytest.raises(Refused, match="staging/main is locked by alice"):
        bot.submit(plan(mark("b"), lock="staging/main"), BOB, "slack")
    with pytest.raises(Refused, match="locked by alice"):
        bot.submit(plan(mark("b"), lock="staging"), BOB, "slack")
    bot.submit(plan(mark("b"), lock="stagingx/web"), BOB, "slack")
    bot.drive(run)
    bot.submit(plan(mark("b"), lock=("staging/main", "staging/web")), BOB, "slack")
