"""The page in a real browser: what a person sees and can do, and that nobody's text ever becomes markup."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from slack_bolt import App
from slack_bolt.adapter.socket_mode.websocket_client import SocketModeHandler
from slack_sdk import WebClient

from opsbot.workspace import Workspace
from tests import prepare

Connect = Callable[[], SocketModeHandler]
pytestmark = pytest.mark.browser
expect.set_options(timeout=15_000)  # milliseconds at most, on a machine that has much else to do


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with prepare.chromium_for_a_test() as launched:
        yield launched


@pytest.fixture
def page(browser: Browser, workspace: Workspace) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 375, "height": 812})
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)
    opened.goto(f"{workspace.url}/#U01ALICE/C01OPS")
    expect(opened.get_by_role("heading", name="# ops")).to_be_visible()
    yield opened
    opened.close()
    assert faults == []


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def marked(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}


def options(*values: str) -> list[dict[str, Any]]:
    return [{"text": plain(value), "value": value} for value in values]


DANGER = {
    "type": "button",
    "action_id": "rollback",
    "text": plain("Roll back"),
    "value": "v1",
    "style": "danger",
    "confirm": {"title": plain("Roll back?"), "text": marked("To `v1`."), "confirm": plain("Yes"), "deny": plain("No")},
}
CARD = [
    {"type": "header", "text": plain("Deploy v2")},
    {"type": "section", "text": marked("*web* `v1` by <@U02BOB>\n> quoted\n```a very long line " + "x" * 200 + "```")},
    {"type": "section", "fields": [marked("*Strategy*\nblue-green"), marked("*Failed*\n0")]},
    {"type": "divider"},
    {"type": "actions", "elements": [DANGER]},
    {"type": "context", "elements": [marked("run 7")]},
]


def test_text_of_a_person_is_never_markup(workspace: Workspace, page: Page) -> None:
    workspace.say("U02BOB", "#ops", "<img src=x onerror=alert(1)> *bold* <script>alert(1)</script>")
    item = page.locator("#messages .message").last
    expect(item).to_contain_text("<img src=x onerror=alert(1)> bold <script>")
    assert item.locator(".body img, script").count() == 0
    assert item.locator("strong", has_text="bold").count() == 1


def test_a_card_fits_a_phone_and_its_edit_is_live(workspace: Workspace, web: WebClient, page: Page) -> None:
    ts = web.chat_postMessage(channel="C01OPS", text="Deploy v2", blocks=CARD)["ts"]
    expect(page.get_by_role("heading", name="Deploy v2")).to_be_visible()
    assert page.locator("blockquote").inner_text() == "quoted"
    body = page.locator(".message .body").last.bounding_box()
    assert body is not None
    assert body["x"] + body["width"] <= 375
    assert page.evaluate("document.getElementById('messages').scrollWidth") <= 375
    web.chat_update(channel="C01OPS", ts=ts, text="Done", blocks=[{"type": "section", "text": marked("*Done*")}])
    expect(page.locator(".message").last).to_contain_text("Done")
    expect(page.locator(".message").last).not_to_contain_text("(edited)")
    web.chat_update(channel="C01OPS", ts=ts, text="in words")
    expect(page.locator(".message").last).to_contain_text("in words (edited)")


def test_a_dangerous_button_asks_before_it_acts(
    workspace: Workspace, web: WebClient, app: App, connect: Connect, page: Page
) -> None:
    app.event("message")(lambda: None)
    app.action("rollback")(lambda ack, respond, action: (ack(), respond(f"back to {action['value']}")))
    connect()
    web.chat_postMessage(channel="C01OPS", text="Deploy v2", blocks=CARD)
    page.get_by_role("button", name="Roll back").click()
    page.get_by_role("button", name="No", exact=True).click()
    page.get_by_role("button", name="Roll back").click()
    page.get_by_role("button", name="Yes", exact=True).click()
    expect(page.locator(".whisper")).to_contain_text("back to v1")
    expect(page.locator(".whisper")).to_contain_text("Only visible to you")


def test_a_slash_command_opens_a_dialog_that_is_filled_in_with_the_keyboard(
    workspace: Workspace, app: App, connect: Connect, page: Page
) -> None:
    select = {"type": "static_select", "action_id": "env", "options": options("staging", "production")}
    tag = {"type": "plain_text_input", "action_id": "tag"}
    modal = {"type": "modal", "callback_id": "deploy", "title": plain("Deploy"), "submit": plain("Go")}
    fields = [("tag", "Tag", tag), ("env", "Environment", select)]
    modal["blocks"] = [
        {"type": "input", "block_id": id_, "label": plain(name), "element": element} for id_, name, element in fields
    ]

    def submitted(ack: Any, view: Any, client: WebClient) -> None:
        values = view["state"]["values"]
        ack()
        chosen = values["env"]["env"]["selected_option"]["value"]
        client.chat_postMessage(channel="C01OPS", text=f"deploying {values['tag']['tag']['value']} to {chosen}")

    app.event("message")(lambda: None)
    app.command("/ops")(lambda ack, client, body: (ack(), client.views_open(trigger_id=body["trigger_id"], view=modal)))
    app.view("deploy")(submitted)
    connect()
    page.get_by_label("Message", exact=True).fill("/ops deploy")
    page.keyboard.press("Enter")
    page.get_by_label("Tag").fill("v2")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Please complete this required field.")).to_be_visible()
    page.get_by_label("Environment").fill("stag")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Go", exact=True).click()
    expect(page.locator("#messages")).to_contain_text("deploying v2 to staging")
    expect(page.locator("#modal")).not_to_be_visible()


def test_another_person_does_not_see_an_ephemeral_message(workspace: Workspace, web: WebClient, page: Page) -> None:
    web.chat_postEphemeral(channel="C01OPS", user="U01ALICE", text="for alice")
    expect(page.locator("#messages")).to_contain_text("for alice")
    page.get_by_role("button", name="Channels").click()
    page.get_by_role("button", name="You are Alice Andersen").click()
    page.get_by_role("menuitemradio", name="Bob Brown").click()
    expect(page.locator("#messages")).not_to_contain_text("for alice")


def test_a_thread_opens_and_takes_a_reply(workspace: Workspace, page: Page) -> None:
    root = workspace.say("U02BOB", "#ops", "a question")
    workspace.say("U03CAROL", "#ops", "an answer", thread_ts=root)
    page.get_by_role("button", name="1 reply").click()
    page.get_by_label("Reply", exact=True).fill("thanks")
    page.keyboard.press("Enter")
    expect(page.locator("#replies .message").last).to_contain_text("thanks")
    assert [m["text"] for m in workspace.messages("#ops", thread_ts=root)] == ["a question", "an answer", "thanks"]
