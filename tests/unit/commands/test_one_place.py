"""A role in one environment counts there: what reaches all environments, or names none, needs it in each of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pretend_world import BOB, CAROL, CONFIG, World, shown

from opsbot.commands.request import Actor, Request

DAN = Actor("person", "U04DAN", "dan")
FAY = Actor("person", "U06FAY", "fay")
HERE = CONFIG.replace(
    'staging: {stack: s, channel: "#staging"}',
    'staging: {stack: s, channel: "#staging", roles: {approver: [U04DAN, U06FAY]}}',
).replace("protected: true}", "protected: true, roles: {approver: [U06FAY]}}")
IN_ALL = "you need the role approver in every environment; in production you are viewer."


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, config_text=HERE)
    yield made
    made.store.close()


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ("freeze all for 2h the fair", "freeze everything"),
        ("lock all for 2h the fair", "lock everything"),
        ("unfreeze all", "unfreeze everything"),
        ("upgrade v2", "upgrade"),
    ],
)
def test_an_approver_of_staging_alone_does_nothing_to_everything(here: World, words: str, what: str) -> None:
    here.say("freeze all for 2h the fair", BOB) if words.startswith("un") else None
    before = here.store.holds.list(here.clock.now())

    refused = here.say(words, DAN)

    assert (refused.code, refused.text) == ("not_allowed", f"To {what} {IN_ALL} Ask bob, alice.")
    assert here.store.holds.list(here.clock.now()) == before
    assert here.store.runs.list() == []
    assert [row.outcome for row in here.store.audit.list(who="dan")] == ["not_allowed"]


def test_what_somebody_else_locked_everywhere_is_not_unlocked_by_an_approver_of_one_place(here: World) -> None:
    here.say("lock all for 2h the fair", BOB)

    assert here.say("unlock all", DAN).text == f"To unlock what bob locked {IN_ALL} Ask bob, alice."
    assert here.say("unlock all", FAY).ok


def test_whoever_has_the_role_in_each_environment_may_what_touches_all_of_them(here: World) -> None:
    for words in ("freeze all for 2h the fair", "unfreeze all", "lock all for 2h the fair", "unlock all"):
        assert here.say(words, FAY).ok, words
    assert here.say("upgrade v2", FAY).run


def test_in_their_own_environment_they_may_as_before(here: World) -> None:
    for words in ("freeze staging for 2h the fair", "unfreeze staging", "lock staging/web the fair"):
        assert here.say(words, DAN).ok, words
    assert here.say("freeze production for 2h the fair", DAN).code == "not_allowed"


def test_a_run_without_an_environment_is_nobodys_of_one_place(here: World) -> None:
    run = here.say("upgrade v2", BOB).run

    assert here.say(f"cancel {run}", DAN).code == "not_allowed"
    assert here.say("cancel", DAN).code == "not_allowed"
    assert here.say(f"cancel {run}", CAROL).ok


def test_without_a_run_they_are_asked_about_the_one_of_their_place(here: World) -> None:
    here.say("deploy v2 to staging", BOB)

    assert here.say("cancel", DAN).text == "dan asked to stop: Deploy web v2 to staging. What was done is undone."


def test_an_alert_is_looked_after_where_it_is(here: World) -> None:
    now = here.clock.now()
    for name in ("staging", "production", None):
        here.store.alerts.open(f"probe:{name}", f"{name} is down", "critical", name, None, {}, now)

    assert here.say("ack 1", DAN).ok
    assert "in production" in here.say("ack 2", DAN).text
    assert here.say("ack 3", DAN).code == "not_allowed"
    assert [row.state for row in here.store.alerts.open_ones()] == ["acknowledged", "firing", "firing"]
    assert [here.say(f"ack {number}", CAROL).ok for number in (2, 3)] == [True, True]


def test_help_offers_no_upgrade_to_them(here: World) -> None:
    there = Request(DAN, "slack", text="help more", channel="C2", channel_name="#staging")
    mine, _, others = shown(here.front.handle(there)).partition("Not for you")

    assert "`upgrade`" in others
    assert "freeze" in mine
    assert "upgrade" not in mine
    assert shown(here.say("help more", FAY)).partition("Not for you")[0].count("upgrade") == 1


def test_a_question_is_answered_to_everybody(here: World) -> None:
    for words in ("status", "locks", "runs", "alerts", "audit"):
        assert here.say(words, DAN).ok, words
