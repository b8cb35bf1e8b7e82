"""Glass that is broken when nobody answers: who may stop the countdown, who signs, and that a no says why."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pretend_world import ALICE, BOB, CAROL, EVE, GUEST, World, shown

from opsbot.commands.run_card import run_card


def test_an_admin_breaks_the_glass_and_another_person_signs(world: World) -> None:
    refused = world.say('deploy v2 to production --break-glass "the site is down"', BOB)
    assert "approvers may not deploy without a second person in production. Ask alice." in refused.text

    run = world.say('deploy v2 to production --break-glass "the site is down"', ALICE).run or ""

    assert world.store.runs.get(run).status == "countdown"  # type: ignore[union-attr]  # it was just made
    counting = run_card(world.engine.view(run), world.playbooks["deploy"])
    assert [button.label for button in counting.buttons] == ["Approve", "Stop it"]
    assert "glass broken by alice: the site is down" in shown(counting)
    world.clock.jump_to(world.clock.now() + timedelta(minutes=5))
    for _ in range(3):
        world.drive(run)
    assert world.store.runs.get(run).status == "succeeded"  # type: ignore[union-attr]  # as above
    status = world.say("status")
    assert "Deploy web v2 to production ran without a second person: the site is down" in shown(status)
    assert [button.command for button in status.buttons] == [f"sign {run}"]
    assert world.say("sign", ALICE).code == "own_debt"
    assert world.say("sign I looked at it", BOB).code == "not_found"
    assert world.say(f"sign {run} I looked at it", BOB).text == "bob signed: Deploy web v2 to production."
    assert world.store.debts.open_ones() == []
    assert world.say("sign", BOB).code == "no_debt"


def test_anybody_but_a_guest_stops_a_countdown(world: World) -> None:
    run = world.say("deploy v2 to production", CAROL).run or ""
    assert world.say(f"break-glass {run} nobody answers", CAROL).code == "not_allowed"
    assert world.say(f"break-glass {run} nobody answers", ALICE).ok

    assert world.say(f"reject {run} wait for bob", GUEST).code == "guest"
    assert world.say(f"reject {run} wait for bob", EVE).ok

    assert world.store.runs.get(run).status == "rejected"  # type: ignore[union-attr]  # it was just made
    assert world.store.debts.open_ones() == []


def counting_down(world: World) -> str:
    run = world.say('deploy v2 to production --break-glass "the site is down"', ALICE).run or ""
    assert world.store.runs.get(run).status == "countdown"  # type: ignore[union-attr]  # it was just made
    return run


@pytest.mark.parametrize("word", ["cancel", "reject", "reject not now"])
def test_a_viewer_stops_the_only_countdown_without_naming_it(word: str, world: World) -> None:
    run = counting_down(world)

    assert world.say(word, EVE).ok

    assert world.store.runs.get(run).status in ("cancelled", "rejected")  # type: ignore[union-attr]  # it was just made


def test_a_bare_cancel_of_a_viewer_stops_nothing_that_is_not_a_countdown(world: World) -> None:
    assert world.say("cancel", EVE).code == "not_allowed"
    run = world.say("deploy v2 to staging", CAROL).run or ""
    assert world.say("cancel", EVE).code == "not_allowed"
    counting = counting_down(world)
    asked = world.say("cancel", EVE)
    assert (asked.code, counting in asked.text, run in asked.text) == ("which_run", True, False)
    assert {world.store.runs.get(each).cancel_by for each in (run, counting)} == {None}  # type: ignore[union-attr]  # as above


@pytest.mark.parametrize("word", ["cancel", "reject"])
def test_a_viewers_word_that_comes_as_the_countdown_ends_stops_nothing(
    word: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, told = counting_down(world), getattr(world.engine, word)

    def too_late(*args: object) -> str:
        world.clock.jump_to(world.clock.now() + timedelta(minutes=5))
        world.drive(run)  # it is queued now
        return str(told(*args))

    monkeypatch.setattr(world.engine, word, too_late)

    assert world.say(f"{word} {run}", EVE).code == ("begun" if word == "cancel" else "not_waiting")

    row = world.store.runs.get(run)
    assert row is not None
    assert (row.cancel_by, row.status in ("cancelled", "rejected")) == (None, False)
    monkeypatch.undo()
    assert word != "cancel" or world.say(f"cancel {run}", CAROL).code in ("ok", "ended"), "an operator may"


@pytest.mark.parametrize("text", ["reject {run} too late today", "reject too late today"])
def test_a_no_says_why(text: str, world: World) -> None:
    run = world.say("deploy v2 to production", CAROL).run or ""

    assert world.say(text.format(run=run), BOB).ok

    row = world.store.runs.get(run)
    assert row is not None
    assert row.outcome == "Rejected by bob: too late today. Nothing was changed."
