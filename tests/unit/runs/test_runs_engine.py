"""What the engine promises, on steps that leave traces. The contract tests run all of this on Postgres as well."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from acting import ALICE, BOB, QUICK, Stage, drive_on, engine, kinds, mark, plan, sleep, submit

from opsbot.errors import NotFound, Refused
from opsbot.runs.engine import Engine
from opsbot.runs.plan import Plan
from opsbot.runs.step import Fact
from opsbot.store import Store


def test_a_run_does_its_steps_in_order_and_passes_outputs_on(bot: Engine, store: Store, stage: Stage) -> None:
    run = submit(
        bot, plan(mark("a"), mark("b", check="$steps.b.value"), mark("$steps.a.value"), say={"success": "v2 is live."})
    )
    assert bot.drive(run) == "succeeded"
    assert stage.effects() == ["do a", "do b", "do A"]
    row = store.runs.get(run)
    assert row is not None
    assert row.outcome == "v2 is live."
    assert row.started_at is not None
    assert row.ended_at is not None
    assert kinds(store, run) == ["submitted", "started", *["step_started", "step_done"] * 3, "finished"]
    assert [event.seq for event in store.events.after(run, 0)] == list(range(1, 1 + row.last_event))


def test_a_failed_step_undoes_what_was_done_in_reverse_order(bot: Engine, store: Store, stage: Stage) -> None:
    run = submit(bot, plan(mark("a"), mark("b"), mark("c", fails=True), mark("d")))
    assert bot.drive(run) == "undone"
    assert stage.effects() == ["do a", "do b", "do c", "undo c", "undo b", "undo a"]
    assert "reverse c None" in stage.lines()  # whether c finished is not known
    assert "reverse a {'value': 'A'}" in stage.lines()
    view = bot.view(run)
    assert view.error is not None
    assert view.error["what"] == "It is broken."
    assert [step.state for step in view.steps] == ["undone", "undone", "undone", "pending"]


def test_a_mistake_in_a_steps_code_undoes_the_run_and_is_told(bot: Engine, stage: Stage) -> None:
    run = submit(bot, plan(mark("a"), mark("b", bug=True)))
    assert bot.drive(run) == "undone"
    assert stage.effects() == ["do a", "undo a"]
    error = bot.view(run).error
    assert error is not None
    assert error["code"] == "bug"
    assert "KeyError" in error["what"]


def test_a_false_check_after_a_step_is_a_failure(bot: Engine, stage: Stage) -> None:
    run = submit(bot, plan(mark("a", check="no")))
    assert bot.drive(run) == "undone"
    assert stage.effects() == ["do a", "undo a"]


def test_a_false_when_skips_the_step_and_its_undo(bot: Engine, store: Store, stage: Stage) -> None:
    run = submit(bot, plan(mark("a", when="false"), mark("b", fails=True)))
    assert bot.drive(run) == "undone"
    assert stage.effects() == ["do b", "undo b"]
    assert "step_skipped" in kinds(store, run)


def test_what_fails_for_a_while_is_tried_again_as_often_as_the_playbook_says(bot: Engine, stage: Stage) -> None:
    assert bot.drive(submit(bot, plan(mark("a", flaky=2, retries=2)))) == "succeeded"
    assert bot.drive(submit(bot, plan(mark("b", flaky=2, retries=1)))) == "undone"
    assert len([line for line in stage.lines() if line.startswith("try b")]) == 2


def test_a_failure_that_trying_again_cannot_mend_is_not_tried_again(bot: Engine, stage: Stage) -> None:
    assert bot.drive(submit(bot, plan(mark("a", fails=True, retries=5)))) == "undone"
    assert len([line for line in stage.lines() if line.startswith("try a")]) == 1


def test_a_step_without_end_is_stopped_by_its_timeout(bot: Engine, stage: Stage) -> None:
    run = submit(bot, plan(mark("a", before=60, timeout=0.1)))
    began = time.monotonic()
    assert bot.drive(run) == "undone"
    assert time.monotonic() - began < 5
    error = bot.view(run).error
    assert error is not None
    assert error["code"] == "timeout"


def test_an_undo_that_fails_stops_everything_and_calls_for_a_human(bot: Engine, store: Store, stage: Stage) -> None:
    run = submit(bot, plan(mark("a"), mark("b", undo_fails=True), mark("c", fails=True)))
    assert bot.drive(run) == "failed"
    assert stage.effects() == ["do a", "do b", "do c", "undo c"]  # a stands: b may rest on it
    row = store.runs.get(run)
    assert row is not None
    assert "Mark b” could not be undone. A human is needed." in str(row.outcome)
    assert store.locks.list(datetime.now(UTC)) == []


def test_an_undo_that_fails_for_a_moment_is_tried_again(bot: Engine, stage: Stage) -> None:
    run = submit(bot, plan(mark("a", undo_flaky=2), mark("b", fails=True)))
    assert bot.drive(run) == "undone"
    assert stage.effects() == ["do a", "do b", "undo b", "undo a"]


def test_a_step_that_cannot_be_undone_stays_and_the_outcome_says_so(bot: Engine, store: Store, stage: Stage) -> None:
    run = submit(bot, plan(mark("a"), mark("b", undo=False, why_no_undo="it only adds"), mark("c", fails=True)))
    assert bot.drive(run) == "undone"
    assert stage.effects() == ["do a", "do b", "do c", "undo c", "undo a"]
    row = store.runs.get(run)
    assert row is not None
    assert "“Mark b” is not undone: it only adds." in str(row.outcome)


def test_a_step_without_undo_that_fails_itself_makes_the_run_failed(bot: Engine) -> None:
    assert bot.drive(submit(bot, plan(mark("a", fails=True, undo=False, why_no_undo="rows are gone")))) == "failed"


def test_a_step_without_undo_that_changed_nothing_leaves_nothing_behind(
    bot: Engine, store: Store, stage: Stage
) -> None:
    run = submit(bot, plan(mark("a"), mark("b", refuses=True, undo=False, why_no_undo="it only adds")))
    assert bot.drive(run) == "undone"
    assert stage.effects() == ["do a", "undo a"]
    row = store.runs.get(run)
    assert row is not None
    assert "is not undone" not in str(row.outcome)


def test_a_step_that_does_not_exist_any_more_is_a_failure_in_words(bot: Engine, stage: Stage) -> None:
    gone = replace(mark("b"), do="rollout.gone", undo=False)
    run = submit(bot, plan(mark("a"), gone))
    assert bot.drive(run) == "undone"
    error = bot.view(run).error
    assert error is not None
    assert error["what"] == "There is no step “rollout.gone”."


def test_wrong_arguments_are_a_failure_that_names_the_argument(bot: Engine) -> None:
    run = submit(bot, plan(mark("a", flaky="often")))
    assert bot.drive(run) == "undone"
    error = bot.view(run).error
    assert error is not None
    assert "flaky" in error["what"]


def test_a_second_change_of_the_same_target_is_refused_with_who_why_and_since_when(bot: Engine, store: Store) -> None:
    run = submit(bot, plan(mark("a")))
    with pytest.raises(Refused) as refused:
        submit(bot, plan(mark("b")))
    assert refused.value.code == "locked"
    assert refused.value.what == "staging/web is locked by alice, for 0 s now: Deploy web v2 to staging."
    assert f"cancel {run}" in refused.value.fix
    submit(bot, plan(mark("b"), lock="production/web"))
    assert len(store.runs.list()) == 2
    bot.drive(run)
    submit(bot, plan(mark("b")))


def test_a_red_fact_refuses_and_writes_nothing(bot: Engine, store: Store) -> None:
    with pytest.raises(Refused) as refused:
        submit(bot, plan(mark("a"), facts=(("a", Fact("tag", "red", "There is no tag v9. Did you mean v2?")),)))
    assert refused.value.code == "red_fact"
    assert "Did you mean v2?" in refused.value.what
    assert store.runs.list() == []
    assert store.locks.list(datetime.now(UTC)) == []


def test_waiting_holds_no_thread_and_the_state_comes_back(bot: Engine, store: Store, stage: Stage) -> None:
    run = submit(bot, plan(mark("a"), sleep("bake", times=3), mark("b")))
    assert bot.drive(run) == "waiting"
    assert store.leases.holder(f"run:{run}", datetime.now(UTC)) is None
    assert drive_on(engine(store, stage, "another"), run) == "succeeded"
    assert store.journal.rows(run)[-2].outputs == {"answer": None, "slices": 3}
    assert kinds(store, run).count("step_started") == 3


def test_a_parked_run_is_due_when_its_moment_comes_and_not_before(bot: Engine) -> None:
    run = submit(bot, plan(sleep("bake")))
    assert bot.due() == [run]
    bot.drive(run)
    time.sleep(0.03)
    assert bot.due() == [run]
    assert bot.drive(run) == "succeeded"
    assert bot.due() == []


def test_a_persons_answer_completes_a_manual_step(bot: Engine, store: Store, stage: Stage) -> None:
    run = submit(bot, plan(sleep("look", ask="Is the front page right?"), mark("b")))
    assert bot.drive(run) == "waiting"
    assert bot.due() == []
    assert bot.view(run).ask == "Is the front page right?"
    bot.answer(run, BOB, "yes, see C-12", "slack")
    with pytest.raises(Refused, match="asks nothing"):
        bot.answer(run, ALICE, "no", "slack")
    assert bot.due() == [run]
    assert bot.drive(run) == "succeeded"
    assert store.journal.rows(run)[1].outputs == {"answer": "yes, see C-12", "slices": 0}


def test_a_plan_that_needs_a_second_person_waits_for_one(bot: Engine, stage: Stage) -> None:
    run = submit(bot, plan(mark("a"), approval={"from": "approver", "expires": 60}))
    assert bot.drive(run) == "awaiting_approval"
    with pytest.raises(Refused) as own:
        bot.approve(run, ALICE, "slack")
    assert own.value.code == "own_plan"
    bot.approve(run, BOB, "slack")
    assert bot.drive(run) == "succeeded"
    with pytest.raises(Refused, match="does not wait for approval"):
        bot.reject(run, BOB, "slack")


def test_a_rejected_plan_changes_nothing(bot: Engine, stage: Stage) -> None:
    run = submit(bot, plan(mark("a"), approval={"expires": 60}))
    bot.reject(run, BOB, "slack")
    assert bot.drive(run) == "rejected"
    assert stage.lines() == []
    assert bot.view(run).outcome == "Rejected by bob. Nothing was changed."


def test_nobody_answers_so_the_plan_expires(bot: Engine, stage: Stage) -> None:
    run = submit(bot, plan(mark("a"), approval={"expires": 0}))
    assert bot.due() == [run]
    assert bot.drive(run) == "expired"
    assert stage.lines() == []


def test_an_approval_does_not_hold_for_another_plan(store: Store, stage: Stage) -> None:
    def moved(approved: Plan) -> Plan:
        return replace(approved, facts=(("a", Fact("digest", "green", "v2 is here.", bind="sha256:2")),))

    bot = engine(store, stage, replan=moved)
    run = submit(bot, plan(mark("a"), approval={"expires": 60}))
    bot.approve(run, BOB, "slack")
    assert bot.drive(run) == "rejected"
    assert "plan_changed" in str(bot.view(run).outcome)
    assert stage.lines() == []


def test_of_two_answers_the_first_counts(bot: Engine, store: Store) -> None:
    run = submit(bot, plan(sleep("look", ask="Right?")))
    bot.drive(run)
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(bot.answer, run, BOB, str(n), "slack") for n in range(8)]
        assert [answer.exception() for answer in answers].count(None) == 1


def test_progress_is_told_at_most_at_the_set_pace_and_only_the_newest_is_kept(store: Store, stage: Stage) -> None:
    bot = engine(store, stage, pace=replace(QUICK, progress=0.1))
    run = submit(bot, plan(mark("a", after=0.5)))
    bot.drive(run)
    events = store.events.after(run, 0)
    assert [event.kind for event in events if event.kind == "progress"] == ["progress"]
    replaced = events[-1].seq - len(events)
    assert 1 <= replaced <= 6


def test_following_a_run_waits_for_the_next_event(bot: Engine, store: Store) -> None:
    run = submit(bot, plan(mark("a", before=0.1)))
    assert [event.kind for event in bot.follow(run, 0, 1)] == ["submitted"]
    threading.Thread(target=bot.drive, args=[run]).start()
    seq, seen = 1, list[str]()
    while "finished" not in seen:
        for event in bot.follow(run, seq, 5):
            assert event.seq > seq
            seq = event.seq
            seen.append(event.kind)
    assert bot.follow(run, seq, 0.02) == []


def test_a_run_that_does_not_exist_is_said_so(bot: Engine) -> None:
    with pytest.raises(NotFound, match="no run r00"):
        bot.drive("r00")
    with pytest.raises(NotFound):
        bot.cancel("r00", ALICE, "slack")


def test_everything_that_people_and_runs_did_is_in_the_audit(bot: Engine, store: Store) -> None:
    run = submit(bot, plan(mark("a"), approval={"expires": 60}))
    bot.approve(run, BOB, "slack")
    bot.drive(run)
    trail = [(row.what, row.actor["id"], row.outcome) for row in reversed(store.audit.list())]
    assert trail == [
        ("deploy", "U1", "awaiting_approval"),
        ("approve", "U2", "queued"),
        ("deploy", "U1", "succeeded"),
    ]
