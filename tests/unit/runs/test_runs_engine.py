"""What the engine promises, on steps that leave traces. The contract tests run all of this on Postgres as well."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from acting import ALICE, BOB, QUICK, Stage, drive_on, engine, mark, plan, sleep

from opsbot.errors import NotFound, Refused
from opsbot.runs.engine import Engine
from opsbot.runs.plan import Plan
from opsbot.runs.step import Fact
from opsbot.store import Store


def submit(bot: Engine, made: Plan) -> str:
    return bot.submit(made, ALICE, "slack", "C1")


def kinds(store: Store, run: str) -> list[str]:
    return [event.kind for event in store.events.after(run, 0) if event.kind != "progress"]


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


def test_a_run_that_waits_for_a_person_can_be_cancelled(bot: Engine, stage: Stage) -> None:
    run = submit(bot, plan(mark("a"), sleep("look", ask="Sure?")))
    bot.drive(run)
    bot.cancel(run, BOB, "slack")
    assert bot.due() == [run]
    assert bot.drive(run) == "cancelled"
    assert stage.effects() == ["do a", "undo a"]


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
    assert bot.drive(run) == "succeeded"
    assert stage.lines().count("recheck a") == 4
    said = [event.body["text"] for event in store.events.after(run, 0) if event.kind == "say"]
    assert said == ["Mark a: nobody can tell yet whether it took effect. The engine does not answer. Asking again."]
    assert stage.effects() == ["do a"]


def test_a_shutdown_while_nobody_can_be_asked_decides_nothing(store: Store, stage: Stage) -> None:
    run = left_behind(store, stage, plan(mark("a", silent=1)), effect=True)
    leaving = engine(store, stage, "old", pace=replace(QUICK, backoff=60))
    with ThreadPoolExecutor(1) as pool:
        driven = pool.submit(leaving.drive, run)
        stage.wait_for("recheck a")
        leaving.stop()
        assert driven.result(5) == "running"
    assert engine(store, stage).drive(run) == "succeeded"
    assert stage.effects() == ["do a"]


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


def test_of_two_answers_the_first_counts(bot: Engine, store: Store) -> None:
    run = submit(bot, plan(sleep("look", ask="Right?")))
    bot.drive(run)
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(bot.answer, run, BOB, str(n), "slack") for n in range(8)]
        assert [answer.exception() for answer in answers].count(None) == 1


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


def test_a_run_whose_owner_still_beats_is_not_recovered(bot: Engine, store: Store, stage: Stage) -> None:
    run = submit(bot, plan(mark("a", after=QUICK.expiry * 3, deaf=True)))
    other = engine(store, stage, "another")
    with ThreadPoolExecutor(1) as pool:
        driven = pool.submit(bot.drive, run)
        stage.wait_for("do a")
        end = time.monotonic() + QUICK.expiry * 2
        while time.monotonic() < end:
            assert other.due() == []
            assert other.drive(run) == "running"
            time.sleep(0.05)
        assert driven.result() == "succeeded"
    assert stage.effects() == ["do a"]


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
