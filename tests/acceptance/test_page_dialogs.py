"""What an app asks in dialogs and shows on its Home tab, as a person meets it in a browser."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import FilePayload, Page, expect
from room import Room, asked, button, hears, marked, modal, options, plain, type_in

from opsbot.demo.argv import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


def test_a_dialog_shows_faults_beside_fields_keeps_what_was_typed_and_submits_everything(
    room: Room, page: Page
) -> None:
    room.view = modal(
        "Deploy",
        asked("env", "Environment", {"type": "static_select", "options": options("staging", "production"), "initial_option": options("staging")[0]}),
        asked("tag", "Tag", {"type": "external_select", "min_query_length": 0}),
        asked("n", "Replicas", {"type": "number_input", "is_decimal_allowed": False}, optional=True),
        asked("why", "Reason", {"type": "plain_text_input", "multiline": True}, optional=True),
        asked("tell", "Tell", {"type": "multi_users_select"}, optional=True),
        asked("note", "Notes", {"type": "rich_text_input"}, optional=True),
        asked("log", "Log file", {"type": "file_input"}, optional=True),
        submit=plain("Plan it"),
    )  # fmt: skip
    room.on_submit = lambda _view: {"response_action": "errors", "errors": {"why": "Say why: production is frozen."}}
    type_in(page, "/ops deploy")
    page.get_by_role("button", name="Plan it").click()
    expect(page.locator("[data-fault=tag]")).to_have_text("Please complete this required field.")
    page.get_by_role("combobox", name="Tag").fill("v2")
    page.get_by_role("option", name="V2").click()
    expect(page.get_by_role("option")).to_have_count(0)
    page.get_by_role("combobox", name="Tell").fill("bob")
    page.keyboard.press("Enter")
    page.get_by_label("Replicas").fill("3")
    page.get_by_label("Notes").fill("rich")
    with page.expect_response("**/page/upload?*"):
        page.get_by_label("Log file").set_input_files([FilePayload(name="web.log", mimeType="text/plain", buffer=b"a")])
    page.get_by_role("button", name="Plan it").click()
    expect(page.locator("[data-fault=why]")).to_have_text("Say why: production is frozen.")
    expect(page.get_by_label("Reason")).to_be_focused()
    page.get_by_label("Reason").fill("a hotfix")
    room.on_submit = lambda _view: {}
    page.get_by_role("button", name="Plan it").click()
    expect(page.locator("#modal")).to_be_hidden()
    values = room.last("deploy")["state"]["values"]
    assert values["env"]["env"]["selected_option"]["value"] == "staging"
    assert values["tag"]["tag"]["selected_option"]["value"] == "v2"
    assert (values["n"]["n"]["value"], values["why"]["why"]["value"]) == ("3", "a hotfix")
    assert values["tell"]["tell"]["selected_users"] == ["U02BOB"]
    assert values["note"]["note"]["rich_text_value"]["elements"][0]["elements"][0]["text"] == "rich"
    assert len(values["log"]["log"]["files"]) == 1


def test_on_a_phone_dialogs_are_pushed_updated_and_closed_one_by_one(room: Room, page: Page) -> None:
    first = modal("First", asked("name", "Name", {"type": "plain_text_input"}), submit=plain("Next"))
    second = modal("Second", {"type": "section", "text": marked("deeper")}, submit=plain("Finish"))
    room.view = first
    room.on_submit = lambda view: (
        {"response_action": "push", "view": second} if view["callback_id"] == "first" else {"response_action": "clear"}
    )
    type_in(page, "/ops")
    page.get_by_label("Name").fill("web")
    view = room.workspace.views("U01ALICE")[-1]
    hint = {"type": "section", "block_id": "hint", "text": marked("updated meanwhile")}
    room.web.views_update(view_id=view["id"], view=first | {"blocks": [hint, *first["blocks"]]})
    expect(page.locator("#modal")).to_contain_text("updated meanwhile")
    expect(page.get_by_label("Name")).to_have_value("web")
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_role("heading", name="Second")).to_be_visible()
    page.get_by_role("button", name="Back").click()
    expect(page.get_by_label("Name")).to_have_value("web")
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Finish").click()
    expect(page.locator("#modal")).to_be_hidden()


def home(words: str) -> dict[str, Any]:
    """A Home tab with a sentence and a button."""
    alert = {"type": "section", "block_id": "s", "text": marked(words), "accessory": button("ack", "Acknowledge")}
    return {"type": "home", "blocks": [alert]}


def test_the_home_tab_is_drawn_reports_its_buttons_and_changes_live(room: Room, page: Page) -> None:
    room.web.views_publish(user_id="U01ALICE", view=home("one alert"))
    page.locator("#apps button").click()
    page.get_by_role("button", name="Home", exact=True).click()
    expect(page.locator("#home")).to_contain_text("one alert")
    assert wait_until(lambda: any(one.get("tab") == "home" for one in room.heard), 8)
    page.get_by_role("button", name="Acknowledge").click()
    assert hears(room, "button")["action_id"] == "ack"
    room.web.views_publish(user_id="U01ALICE", view=home("no alert"))
    expect(page.locator("#home")).to_contain_text("no alert")
