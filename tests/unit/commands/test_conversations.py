"""What people ask for and what comes of it, through the front door, on a real store and a real engine."""

from __future__ import annotations

import pytest
from pretend_world import ALICE, BOB, CAROL, EVE, GUEST, SCHEDULE, World, shown

from opsbot.commands.desk import Desk
from opsbot.commands.reply import HEARD_BEFORE
from opsbot.commands.request import Request
from opsbot.errors import NotFound, Refused, StepFailed
from opsbot.runs.view import RunView


def card(world: World, run: str | None) -> str:
    from opsbot.commands.run_card import run_card

    view: RunView = world.engine.view(run or "")
    return shown(run_card(view, world.playbooks[view.playbook]))


def test_a_deploy_is_planned_run_and_told(world: World) -> None:
    reply = world.say("deploy v2 to staging", CAROL)

    assert reply.ok
    assert world.submitted == [reply.run]
    assert reply.text == "Deploy web v2 to staging."
    assert world.drive(reply.run or "") == "succeeded"
    told = card(world, reply.run)
    assert "Deploy web v2 to staging: done. v2 is live in staging." in told
    assert "✓ Send people to it" in told
    assert "Roll back: opsbot rollback staging --service web --to 1 --from 2" in told


def test_a_plan_is_shown_and_nothing_is_done(world: World) -> None:
    reply = world.say("deploy v2 to staging --plan")

    assert reply.text == "The plan: Deploy web v2 to staging."
    assert "image.resolve is ready." in shown(reply)
    assert "cannot be undone: its migrations stay" in shown(reply)
    assert "Do it: opsbot deploy --tag v2 --environment staging --service web" in shown(reply)
    assert world.store.runs.list() == []
    assert world.asked == []


def test_a_tag_that_does_not_exist_changes_nothing_and_names_the_closest(world: World) -> None:
    world.red["image.resolve"] = NotFound("There is no tag v22.", "Did you mean v2?", code="unknown_tag")

    reply = world.say("deploy v22 to staging")

    assert (reply.ok, reply.code, reply.exit_code) == (False, "unknown_tag", 1)
    assert reply.text == "There is no tag v22. Did you mean v2?"
    assert "Nothing was changed." in shown(reply)
    assert world.store.runs.list() == []
    assert world.store.audit.list()[0].outcome == "unknown_tag"


def test_a_second_command_is_told_who_holds_the_lock(world: World) -> None:
    world.say("deploy v2 to staging", CAROL)

    reply = world.say("rollback staging")

    assert reply.code == "locked"
    assert reply.exit_code == 3
    assert "carol" in reply.text
    assert len(world.store.runs.list()) == 1


def test_a_failed_step_is_undone_and_the_last_words_are_shown(world: World) -> None:
    world.failing["rollout.smoke"] = StepFailed("The front page answers 500.", "Look at its log.")
    reply = world.say("deploy v2 to staging")

    assert world.drive(reply.run or "") == "undone"

    told = card(world, reply.run)
    assert "v2 did not go live in staging." in told
    assert "The front page answers 500. Look at its log." in told
    assert "“Migrate the database” is not undone: its migrations stay" in told
    assert "Try again: opsbot deploy --tag v2 --environment staging --service web" in told
    assert ("undo", "rollout.prepare") in [(kind, name) for kind, name, _ in world.asked]


def test_a_failed_deploy_says_if_the_old_release_does_not_know_what_has_run(world: World) -> None:
    stays = ", but migration 0003 has run, and v1 (web-1) does not know it: look whether it works"
    world.outputs["rollout.migrate"] = {"from": "0002", "to": "0003", "stays": stays}
    world.failing["rollout.smoke"] = StepFailed("The front page answers 500.", "Look at its log.")
    reply = world.say("deploy v2 to staging --one-way yes")

    assert world.drive(reply.run or "") == "undone"

    assert f"v2 did not go live in staging{stays}." in card(world, reply.run)
    assert "deploy --tag v2 --environment staging --service web --one-way true" in card(world, reply.run)


def test_production_waits_for_a_second_person(world: World) -> None:
    reply = world.say("deploy v2 to production", CAROL)
    run = reply.run or ""

    assert world.drive(run) == "awaiting_approval"
    assert "a yes of an approver other than the one who asks" in card(world, run)
    assert "Approve: opsbot approve " + run in card(world, run)
    assert world.say("approve", CAROL).code == "not_allowed"
    assert world.say("approve", BOB).text == "bob approved: Deploy web v2 to production."
    assert world.drive(run) == "succeeded"
    assert "approved by bob" in card(world, run)


def test_nobody_approves_their_own_plan(world: World) -> None:
    run = world.say("deploy v2 to production", BOB).run or ""

    reply = world.say(f"approve {run}", BOB)

    assert (reply.code, reply.ok) == ("own_plan", False)
    assert world.drive(run) == "awaiting_approval"


def test_a_no_is_told_with_the_playbooks_words(world: World) -> None:
    run = world.say("restore production", CAROL).run or ""

    world.say(f"reject {run}", BOB)

    assert "Rejected by bob. Nothing was changed." in card(world, run)
    assert world.asked == []


def test_a_rollback_of_production_waits_for_nobody(world: World) -> None:
    reply = world.say("roll back production", CAROL)

    assert world.drive(reply.run or "") == "succeeded"
    assert "v1 is live again in production." in card(world, reply.run)


def test_the_schedule_backs_up_production_by_itself(world: World) -> None:
    reply = world.say("backup main on production", SCHEDULE)

    assert world.drive(reply.run or "") == "succeeded"
    assert "by schedule nightly" in card(world, reply.run)


def test_cancel_means_the_newest_run(world: World) -> None:
    run = world.say("deploy v2 to staging").run

    assert world.say("cancel").text == "alice asked to stop: Deploy web v2 to staging. What was done is undone."
    assert "Cancelled by alice before it began." in card(world, run)
    assert world.say("cancel").text == "Nothing is running. `runs` shows what there is."
    assert world.say(f"cancel {run}").code == "ended"


REFUSED = [
    (
        "deploy v2 to staging",
        EVE,
        "Your role is viewer, and viewers may not deploy in staging. Ask carol, @oncall, bob, alice.",
    ),
    ("approve", CAROL, "Your role is operator, and operators may not approve. Ask bob, alice."),
    ("ack 1", EVE, "Your role is viewer, and viewers may not ack."),
]


@pytest.mark.parametrize(("text", "actor", "answer"), REFUSED)
def test_who_may_not_is_told_why_and_who_can(text: str, actor: object, answer: str, world: World) -> None:
    reply = world.say(text, actor)  # type: ignore[arg-type]  # parametrized

    assert (reply.code, reply.exit_code, reply.private) == ("not_allowed", 3, True)
    assert answer in reply.text
    assert world.store.audit.list()[0].outcome == "not_allowed"
    assert world.store.runs.list() == []


def test_everybody_may_ask_and_look_at_plans(world: World) -> None:
    for text in ("status", "releases", "backups", "alerts", "runs", "help", "deploy v2 to production --plan"):
        assert world.say(text, EVE).ok, text


@pytest.mark.parametrize(
    "text",
    [
        "status", "audit", "logs web staging", "runs", "releases", "deploy v2 to staging --plan", "deploy v2 to staging",
        "approve", "cancel", "lock staging mine", "ack 1", "rehearse deploy", "explain deploy v2 to staging",
        "deploy", "nonsense", "",
    ],
)  # fmt: skip
def test_a_guest_is_refused_everything_but_help(text: str, world: World) -> None:
    reply = world.say(text, GUEST) if text else world.say("deploy 'v2", GUEST)

    assert (reply.code, reply.exit_code, reply.private, reply.buttons) == ("guest", 3, True, [])
    assert reply.text.startswith("You are a guest here, and guests may ask me for nothing but `help`. Ask carol, ")
    assert [row.outcome for row in world.store.audit.list()] == ["guest"]
    assert world.store.runs.list() == []


@pytest.mark.parametrize("text", ["help", "help more", "help deploy", "help nonsense"])
def test_a_guest_who_asks_for_help_is_told_what_this_is_and_whom_to_ask(text: str, world: World) -> None:
    reply = world.say(text, GUEST)

    told = shown(reply)
    assert reply.ok
    assert reply.private
    assert "You are a guest here" in told
    assert "Ask carol, " in told
    assert "production" not in told


def test_panel_home_and_forms_are_not_for_guests_either(world: World) -> None:
    desk, asked = Desk(world.front), Request(GUEST, "slack", text="deploy", channel="C1")

    for page in (desk.panel(asked), desk.home(asked)):
        assert [reply.text for reply in page] == ["You are a guest here, so I answer you nothing but this."]
        assert not page[0].buttons
    with pytest.raises(Refused, match="You are a guest here"):
        desk.form(asked)
    assert [row.outcome for row in world.store.audit.list()] == ["guest"]


def test_a_usergroup_gives_its_role(world: World) -> None:
    world.groups = {"U09EVE": {"@oncall"}}

    assert world.say("deploy v2 to staging", EVE).ok


def test_what_the_bot_did_not_expect_is_an_id_and_not_a_traceback(world: World) -> None:
    def broken(_environment: str, _service: str) -> list[str]:
        raise ZeroDivisionError

    world.store.runs.list = broken  # type: ignore[method-assign, assignment]  # the bug of tomorrow

    reply = world.say("runs")

    assert reply.code == "unexpected"
    assert "Its log has the details under" in reply.text


def test_an_answer_lets_a_waiting_run_go_on(world: World, tmp_path: object) -> None:
    assert world.say("answer rabcde done").code == "not_found"
    run = world.say("backup staging").run or ""
    assert world.say(f"answer {run} done").code == "not_asking"


def test_the_person_who_asked_is_in_every_run_and_audit_row(world: World) -> None:
    run = world.say("backup staging", CAROL).run or ""

    assert world.store.runs.get(run).actor["id"] == "U03CAROL"  # type: ignore[union-attr]  # it was just made
    assert {entry.actor["id"] for entry in world.store.audit.list()} == {"U03CAROL"}
    assert world.type("cancel", run, actor=ALICE).ok
    assert world.store.audit.list()[0].actor["id"] == "U01ALICE"


def test_words_that_change_something_act_once_however_often_slack_delivers_them(world: World) -> None:
    words = Request(ALICE, "slack", text="deploy v2 to staging", channel="C1", key="message:T01:C1:1.0")

    first, again = world.front.handle(words), world.front.handle(words)

    assert first.run is not None
    assert again.code == HEARD_BEFORE
    assert [run.id for run in world.store.runs.list()] == [first.run]
