"""People press buttons of the panel and of the home page, in a real local workspace, before the real commands."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chat_team import ALICE, BOB, CAROL, DAVE, Team, until

from opsbot.runs.plan import Plan
from opsbot.store.runs import Change
from opsbot.workspace import spoken

DOORS = ("socket", "http")


def test_a_slash_alone_opens_the_control_panel_for_its_asker(team: Team) -> None:
    team.world.release("v1")
    team.world.release("v2")

    assert team.workspace.slash(ALICE, "#ops", "/ops", "") == "ok"

    panel = team.workspace.wait_for("#ops", "Deploy…", as_user=ALICE)
    assert "v2" in spoken(panel)
    assert panel["only_for"] == ALICE
    values = [
        element["value"] for block in panel["blocks"] if block["type"] == "actions" for element in block["elements"]
    ]
    assert "rollback staging --service web --to 1 --from 2" in values
    assert "deploy --environment production" in values


def test_a_button_that_lacks_something_opens_the_form_with_what_it_knows(team: Team) -> None:
    team.workspace.slash(ALICE, "#ops", "/ops", "")
    panel = team.workspace.wait_for("#ops", "Deploy…", as_user=ALICE)
    [button] = [
        element
        for block in panel["blocks"] if block["type"] == "actions"
        for element in block["elements"] if element["value"] == "deploy --environment production"
    ]  # fmt: skip

    assert team.workspace.click(ALICE, "#ops", panel["ts"], button["action_id"]) == "ok"

    view = team.view(ALICE, lambda view: view["callback_id"] == "form")
    fields = {block["block_id"]: block["element"] for block in view["blocks"] if block["type"] == "input"}
    assert fields["field:environment"]["initial_option"]["value"] == "production"
    assert team.workspace.submit(ALICE, view["id"], {"field:tag": "v2"})["ok"]
    team.workspace.wait_for("#ops", "Deploy web v2 to production")


def home(team: Team, user: str, words: str) -> dict[str, Any]:
    """The person's home page, once it says that."""
    return until(
        lambda: next((view for view in [team.workspace.home_of(user)] if view and words in spoken(view)), None)
    )


def pressed(view: dict[str, Any], command: str) -> str:
    """The action id of the button that says so, whatever options follow."""
    buttons = [element for block in view["blocks"] if block["type"] == "actions" for element in block["elements"]]
    return next(button["action_id"] for button in buttons if f"{button['value']} ".startswith(f"{command} "))


def test_the_home_page_shows_what_is_live_and_follows_what_changes(team: Team) -> None:
    team.world.release("v1")
    team.workspace.home(BOB)
    home(team, BOB, "*staging* · web v1")

    team.workspace.slash(CAROL, "#ops", "/ops", "deploy v2 to production")

    page = home(team, BOB, "waits for a yes")
    run = team.world.store.runs.list()[0].id
    assert pressed(page, f"approve {run}")
    assert "Times are those of " in spoken(page)


def test_a_plan_is_approved_on_the_home_page_in_two_taps(team: Team) -> None:
    team.workspace.slash(CAROL, "#ops", "/ops", "deploy v2 to production")
    run = until(team.world.store.runs.list)[0].id
    team.workspace.home(BOB)
    page = home(team, BOB, "waits for a yes")

    assert team.workspace.act(BOB, page["id"], pressed(page, f"approve {run}")) == "ok"

    until(lambda: team.world.store.runs.list()[0].status == "queued")
    until(lambda: "waits for a yes" not in spoken(team.workspace.home_of(BOB) or {}))
    assert team.workspace.views(BOB) == []


def test_a_question_on_the_home_page_is_answered_in_a_modal(team: Team) -> None:
    team.workspace.home(CAROL)
    page = home(team, CAROL, "nothing deployed yet")

    assert team.workspace.act(CAROL, page["id"], pressed(page, "status")) == "ok"

    team.shows(CAROL, "staging")


def test_the_home_page_of_a_guest_says_only_whom_to_ask(team: Team) -> None:
    team.workspace.home(DAVE)

    page = home(team, DAVE, "You are a guest here")

    assert "Ask carol" in spoken(page)
    assert "staging" not in spoken(page)
    assert not [block for block in page["blocks"] if block["type"] == "actions"]


def test_a_deploy_from_the_home_page_is_told_in_the_environments_channel(team: Team) -> None:
    team.workspace.home(ALICE)
    page = home(team, ALICE, "nothing deployed yet")
    team.workspace.act(ALICE, page["id"], pressed(page, "deploy --environment staging"))
    view = team.view(ALICE, lambda view: view["callback_id"] == "form")

    assert team.workspace.submit(ALICE, view["id"], {"field:tag": "v2"})["ok"]

    team.workspace.wait_for("#staging", "Deploy web v2 to staging")
    team.shows(ALICE, "It is on its way")


def test_only_those_who_opened_their_page_get_it(team: Team) -> None:
    team.workspace.home(BOB)
    home(team, BOB, "nothing deployed yet")
    team.workspace.slash(CAROL, "#ops", "/ops", "deploy v2 to production")
    home(team, BOB, "waits for a yes")
    assert {call["args"]["user_id"] for call in team.workspace.calls("views.publish")} == {BOB}


def test_an_old_card_is_answered_with_the_plan_of_now_and_its_buttons(team: Team) -> None:
    team.workspace.slash(CAROL, "#ops", "/ops", "deploy v2 to production")
    card = team.workspace.wait_for("#ops", "waits for a yes")
    run = until(team.world.store.runs.list)[0]
    made = replace(Plan.from_json(run.plan), params={**run.plan["params"], "tag": "v3"})
    columns = {"plan": made.as_json(), "fingerprint": made.fingerprint}
    team.world.store.runs.change(run.id, team.world.clock.now(), lambda _run, _around: Change(columns=columns))

    assert team.workspace.click(BOB, "#ops", card["ts"], pressed(card, f"approve {run.id}")) == "ok"

    told = team.workspace.wait_for("#ops", "has another plan than the one that you were shown", as_user=BOB)
    assert (told["only_for"], "image.resolve is ready." in spoken(told)) == (BOB, True)
    assert [row.status for row in team.world.store.runs.list()] == ["awaiting_approval"]
    assert team.workspace.click(BOB, "#ops", told["ts"], pressed(told, f"approve {run.id}")) == "ok"
    until(lambda: team.world.store.runs.list()[0].status == "queued")
    assert team.world.store.approvals.of(run.id)[0].fingerprint == made.fingerprint
