"""What people say to a plan before it begins, through the engine, and the debts that a broken glass leaves."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from acting import ALICE, BOB, Stage, engine, mark, plan, submit

from opsbot.errors import Refused
from opsbot.runs import approval
from opsbot.runs.engine import Engine
from opsbot.runs.plan import Plan
from opsbot.store import Store

CAROL = {"kind": "person", "id": "U3", "name": "carol"}
CI = {"kind": "ci", "id": "ci:build", "name": "ci"}


def needs_yes(people: int = 1, expires: float = 60, **more: object) -> Plan:
    return plan(mark("a"), approval={"from": "approver", "expires": expires, "people": people}, **more)


def now() -> datetime:
    return datetime.now(UTC)


def code(refused: pytest.ExceptionInfo[Refused]) -> str:
    return refused.value.code


def test_a_plan_that_waits_for_a_yes_holds_no_lock(bot: Engine, store: Store) -> None:
    waits = submit(bot, needs_yes())
    assert store.locks.list(now()) == []
    urgent = submit(bot, plan(mark("rollback")))
    assert bot.drive(urgent) == "succeeded"
    bot.approve(waits, BOB, "slack")
    assert [lock.run for lock in store.locks.list(now())] == [waits]


def test_a_yes_while_somebody_else_holds_the_target_is_refused_and_not_used_up(bot: Engine, store: Store) -> None:
    waits = submit(bot, needs_yes())
    other = submit(bot, plan(mark("rollback")))
    with pytest.raises(Refused) as refused:
        bot.approve(waits, BOB, "slack")
    assert code(refused) == "locked"
    assert store.approvals.of(waits) == []
    bot.drive(other)
    assert bot.approve(waits, BOB, "slack") == "queued"


def test_two_different_people_have_to_say_yes_where_the_playbook_wants_two(bot: Engine, store: Store) -> None:
    run = submit(bot, needs_yes(people=2))
    assert bot.approve(run, BOB, "slack") == "awaiting_approval"
    assert bot.view(run).approvals == ("bob",)
    with pytest.raises(Refused) as twice:
        bot.approve(run, BOB, "terminal")
    assert code(twice) == "already_said"
    with pytest.raises(Refused) as own:
        bot.approve(run, {**ALICE, "name": "alice at her terminal"}, "terminal")
    assert code(own) == "own_plan"
    assert bot.approve(run, CAROL, "terminal") == "queued"
    assert bot.view(run).approved_by == "bob, carol"
    assert [(row.who, row.door) for row in store.approvals.of(run)] == [("bob", "slack"), ("carol", "terminal")]
    assert bot.drive(run) == "succeeded"


def test_of_two_approvers_at_once_one_makes_it_run_and_the_other_is_told(bot: Engine, stage: Stage) -> None:
    run = submit(bot, needs_yes())
    with ThreadPoolExecutor(2) as pool:
        said = [pool.submit(bot.approve, run, who, "slack") for who in (BOB, CAROL)]
        codes = sorted(getattr(each.exception(), "code", "queued") for each in said)
    assert codes == ["not_waiting", "queued"]
    bot.drive(run)
    assert stage.effects() == ["do a"]


def test_a_program_cannot_be_the_second_person(bot: Engine) -> None:
    run = submit(bot, needs_yes())
    with pytest.raises(Refused) as refused:
        bot.approve(run, CI, "web")
    assert code(refused) == "not_a_person"


def test_a_yes_that_comes_too_late_ends_the_plan_even_if_no_bot_ran_meanwhile(bot: Engine, store: Store) -> None:
    run = submit(bot, needs_yes(expires=0))
    with pytest.raises(Refused) as refused:
        bot.approve(run, BOB, "slack")
    assert code(refused) == "expired"
    assert bot.view(run).status == "expired"
    assert store.locks.list(now()) == []


def test_an_old_button_belongs_to_an_old_plan(bot: Engine) -> None:
    run = submit(bot, needs_yes())
    with pytest.raises(Refused) as refused:
        bot.approve(run, BOB, "slack", fingerprint="0123456789abcdef")
    assert code(refused) == "plan_changed"
    fingerprint = needs_yes().fingerprint
    assert bot.approve(run, BOB, "slack", fingerprint=fingerprint) == "queued"


def test_a_no_has_a_reason_and_is_an_outcome_of_its_own(bot: Engine, stage: Stage) -> None:
    run = submit(bot, needs_yes())
    assert bot.reject(run, BOB, "slack", "not on a Friday.") == "rejected"
    view = bot.view(run)
    assert view.outcome == "Rejected by bob: not on a Friday. Nothing was changed."
    assert view.code == "rejected"
    assert bot.drive(run) == "rejected"
    assert stage.lines() == []


def test_who_said_yes_may_still_say_no(bot: Engine, store: Store) -> None:
    run = submit(bot, needs_yes(people=2))
    bot.approve(run, BOB, "slack")
    bot.reject(run, BOB, "slack", "I looked again")
    assert [(row.verdict, row.reason) for row in store.approvals.of(run)] == [("no", "I looked again")]


def test_nobody_answers_so_the_glass_is_broken_and_somebody_else_signs_later(
    bot: Engine, store: Store, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(approval, "COUNTDOWN", 0.05)
    run = bot.submit(needs_yes(), ALICE, "slack", glass="the site is down and everybody sleeps")
    view = bot.view(run)
    assert (view.status, view.glass and view.glass["reason"]) == ("countdown", "the site is down and everybody sleeps")
    assert view.until is not None
    assert bot.due() == [] or stage.lines() == []
    time.sleep(0.06)
    assert bot.due() == [run]
    assert bot.drive(run) == "queued"
    assert bot.drive(run) == "succeeded"
    (debt,) = store.debts.open_ones()
    assert (debt.run, debt.who, debt.reason) == (run, "alice", "the site is down and everybody sleeps")
    assert store.debts.overdue(now()) == []
    assert store.debts.overdue(now() + timedelta(days=2)) == [debt]
    with pytest.raises(Refused) as own:
        bot.sign(run, ALICE, "fine", "slack")
    assert code(own) == "own_debt"
    bot.sign(run, BOB, "looked at the logs", "slack")
    assert store.debts.open_ones() == []
    signed = store.debts.get(run)
    assert signed is not None
    assert (signed.signed_by, signed.note) == ("bob", "looked at the logs")
    with pytest.raises(Refused) as again:
        bot.sign(run, CAROL, "me too", "slack")
    assert code(again) == "no_debt"
    assert [row.what for row in store.audit.list(what=run)] == [
        "sign",
        "deploy",
        "break-glass",
        "break-glass",
        "deploy",
    ]


def test_the_one_who_asked_cannot_sign_for_a_glass_that_somebody_else_broke(
    bot: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(approval, "COUNTDOWN", 0.0)
    run = submit(bot, needs_yes())
    bot.break_glass(run, BOB, "urgent", "slack")
    assert [bot.drive(run), bot.drive(run)] == ["queued", "succeeded"]
    for who in (ALICE, BOB):
        with pytest.raises(Refused, match="cannot sign"):
            bot.sign(run, who, "fine", "slack")
    bot.sign(run, CAROL, "fine", "slack")


def test_anybody_stops_a_countdown(bot: Engine, store: Store, stage: Stage) -> None:
    for stop in (bot.reject, bot.cancel):
        run = bot.submit(needs_yes(), ALICE, "slack", glass="urgent")
        stop(run, CAROL, "slack")
        assert bot.drive(run) in ("rejected", "cancelled")
    assert stage.lines() == []
    assert store.debts.open_ones() == []


def test_a_yes_during_the_countdown_leaves_no_debt(bot: Engine, store: Store) -> None:
    run = bot.submit(needs_yes(), ALICE, "slack", glass="urgent")
    assert bot.approve(run, BOB, "slack") == "queued"
    assert bot.drive(run) == "succeeded"
    assert store.debts.open_ones() == []
    assert bot.view(run).glass is None


def test_breaking_the_glass_needs_a_reason_and_a_person(bot: Engine, store: Store) -> None:
    for who, reason, why in ((ALICE, "  ", "no_reason"), (CI, "urgent", "not_a_person")):
        with pytest.raises(Refused) as refused:
            bot.submit(needs_yes(), who, "slack", glass=reason)
        assert code(refused) == why
    assert store.runs.list() == []


def test_a_countdown_that_ends_on_a_locked_target_ends_the_run(
    bot: Engine, store: Store, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(approval, "COUNTDOWN", 0.0)
    run = bot.submit(needs_yes(), ALICE, "slack", glass="urgent")
    submit(bot, plan(mark("b")))
    assert bot.drive(run) == "rejected"
    assert bot.view(run).code == "locked"
    assert store.debts.open_ones() == []


def test_nobody_says_yes_to_a_plan_whose_playbook_was_edited_meanwhile(store: Store, stage: Stage) -> None:
    says = {"deploy": "as planned"}
    bot = engine(store, stage, hash_of=says.get)
    same, run = (submit(bot, needs_yes(playbook_hash="as planned")) for _ in range(2))
    assert bot.approve(same, BOB, "slack") == "queued"
    assert bot.drive(same) == "succeeded"
    says["deploy"] = "edited"
    with pytest.raises(Refused) as refused:
        bot.approve(run, BOB, "slack")
    assert code(refused) == "not_waiting"
    assert "The playbook deploy was edited, or the bot was upgraded. Ask for it again." in refused.value.sentence()
    assert store.approvals.of(run) == []
    view = bot.view(run)
    assert (view.status, view.code) == ("rejected", "plan_changed")
    assert "The playbook deploy was edited, or the bot was upgraded. Nothing was changed. Ask again." in str(
        view.outcome
    )


def test_nobody_breaks_the_glass_for_a_plan_whose_playbook_was_edited_meanwhile(store: Store, stage: Stage) -> None:
    bot = engine(store, stage, hash_of=lambda _: "edited")
    run = submit(bot, needs_yes(playbook_hash="as planned"))
    with pytest.raises(Refused) as refused:
        bot.break_glass(run, BOB, "the site is down", "slack")
    assert (code(refused), bot.view(run).status) == ("not_waiting", "rejected")


def edited(shown: Plan) -> Plan:
    return replace(shown, playbook_hash="another")


def cancelled(bot: Engine, run: str) -> None:
    bot.cancel(run, CAROL, "slack")


def locked(bot: Engine, run: str) -> None:
    bot.restraints.lock("staging/web", CAROL, "we measure", None, "slack")


def unchanged(bot: Engine, run: str) -> None:
    return None


@pytest.mark.parametrize(
    ("replan", "meanwhile", "ends"),
    [(edited, unchanged, "rejected"), (None, locked, "rejected"), (None, cancelled, "cancelled")],
)
def test_what_ends_before_it_begins_owes_nothing_though_its_countdown_was_over(
    store: Store,
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    replan: Callable[[Plan], Plan] | None,
    meanwhile: Callable[[Engine, str], None],
    ends: str,
) -> None:
    monkeypatch.setattr(approval, "COUNTDOWN", 0.0)
    bot = engine(store, stage, replan=replan)
    run = bot.submit(needs_yes(), ALICE, "slack", glass="urgent")
    assert bot.drive(run) == "queued"
    meanwhile(bot, run)
    assert bot.drive(run) == ends
    assert store.debts.get(run) is None
    assert stage.lines() == []


def test_a_plan_that_is_asked_for_with_its_glass_broken_is_never_seen_waiting_for_an_approval(
    bot: Engine, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt  # as if the bot died after its first transaction

    monkeypatch.setattr(store.runs, "change", killed)
    run = bot.submit(needs_yes(), ALICE, "slack", glass="urgent")
    view = bot.view(run)
    assert (view.status, view.glass and view.glass["who"]) == ("countdown", "alice")
    assert [row.what for row in store.audit.list(what=run)] == ["break-glass", "deploy"]
    assert [event.kind for event in store.events.after(run, 0)] == ["submitted", "countdown"]


def test_an_approved_plan_is_approved_through_any_door_that_shares_the_store(
    bot: Engine, store: Store, stage: Stage
) -> None:
    run = submit(bot, needs_yes())
    terminal = engine(store, stage, "terminal")
    assert terminal.approve(run, BOB, "terminal") == "queued"
    assert [row.door for row in store.audit.list() if row.what == "approve"] == ["terminal"]
    assert bot.drive(run) == "succeeded"
