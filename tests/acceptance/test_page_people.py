"""What people do with the page beside the app: read, write, answer, find, look at the wire, break it on purpose."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import FilePayload, Page, expect
from room import GENERAL, OPS, STAGING, Room, button, message, png

from opsbot.commands.spec import DAILY

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


def jump(page: Page, words: str) -> None:
    """Ctrl+K, some letters, Enter."""
    page.keyboard.press("Control+k")
    page.keyboard.type(words)
    expect(page.locator("#jump").get_by_role("option")).to_have_count(1)
    page.keyboard.press("Enter")


def test_what_was_said_elsewhere_is_counted_until_it_is_read(room: Room, page: Page) -> None:
    staging = page.locator("#channels button", has_text="staging")
    room.workspace.say("U02BOB", "#staging", "one")
    room.workspace.say("U02BOB", "#staging", "two, @alice")
    expect(staging).to_contain_text("2 unread, 1 for you")
    expect(page).to_have_title(re.compile(r"^\(1\)"))
    staging.click()
    expect(page.locator("[data-new]")).to_contain_text("one")
    expect(staging).not_to_contain_text("unread")
    page.reload()
    expect(message(page, "two")).to_be_visible()
    expect(staging).not_to_contain_text("unread")


def test_an_address_that_names_nobody_shows_the_first_person_s_page(room: Room, page: Page) -> None:
    page.goto(f"{room.workspace.url}/#U99NOBODY/{OPS}")
    page.reload()
    expect(page.locator("#person")).to_contain_text("Alice Andersen")
    page.get_by_label("Message", exact=True).fill("here I am")
    page.keyboard.press("Enter")
    expect(message(page, "here I am")).to_contain_text("Alice Andersen")


def test_a_thread_is_opened_answered_and_closed_with_the_keyboard(room: Room, page: Page) -> None:
    ts = room.workspace.say("U02BOB", "#ops", "who is on call?")
    item = page.locator(f'#messages [data-ts="{ts}"]')
    item.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Reply", exact=True)).to_be_focused()
    page.keyboard.type("it is my week")
    page.keyboard.press("Enter")
    expect(page.locator("#replies .message").last).to_contain_text("it is my week")
    expect(item.get_by_role("button", name="1 reply")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#thread")).to_be_hidden()
    expect(page.locator("#messages")).not_to_contain_text("it is my week")


def test_the_message_field_suggests_commands_people_and_what_was_sent_before(room: Room, page: Page) -> None:
    field = page.get_by_label("Message", exact=True)
    field.press_sequentially("/o")
    expect(page.get_by_role("option")).to_contain_text("/ops")
    page.keyboard.press("Tab")
    expect(field).to_have_value("/ops ")
    field.press_sequentially("dep")
    expect(page.get_by_role("option")).to_have_text(["/ops deployTAG ENVIRONMENT [SERVICE]"])
    page.keyboard.press("Tab")
    expect(field).to_have_value("/ops deploy ")
    field.press_sequentially("v2")
    expect(page.get_by_role("option")).to_have_text(["/ops deployTAG ENVIRONMENT [SERVICE]"])
    page.keyboard.press("Tab")  # there is nothing to put: it only goes away
    expect(field).to_have_value("/ops deploy v2")
    expect(page.get_by_role("option")).to_have_count(0)
    field.fill("/ops ")
    assert [verb.split("/ops ")[1] for verb in suggested(page)] == [*DAILY, "help"]
    page.keyboard.press("Escape")
    field.fill("hello ")
    field.press_sequentially("@ca")
    page.keyboard.press("Enter")
    expect(field).to_have_value("hello @carol ")
    page.keyboard.press("Enter")
    expect(message(page, "hello").locator(".mention")).to_have_text("@carol")
    field.press_sequentially("/ops help")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowUp")
    expect(field).to_have_value("/ops help")


def suggested(page: Page) -> list[str]:
    """What is suggested, without the notes."""
    expect(page.get_by_role("option").first).to_be_visible()
    return [found.split("\n")[0] for found in page.get_by_role("option").all_inner_texts()]


def test_what_was_sent_before_is_offered_to_whoever_sent_it_and_to_nobody_else(room: Room, page: Page) -> None:
    field = page.get_by_label("Message", exact=True)
    field.fill("/ops logs web staging")
    page.keyboard.press("Enter")
    expect(field).to_have_value("")
    jump(page, "be bob")
    expect(page.get_by_role("button", name="You are Bob Brown")).to_be_visible()
    field.fill("/ops logs w")
    expect(page.get_by_role("option")).to_have_text(["/ops logs[SERVICE] [ENVIRONMENT] [SINCE] [GREP]"])
    field.fill("")
    page.keyboard.press("ArrowUp")
    expect(field).to_have_value("")
    jump(page, "be alice")
    expect(page.get_by_role("button", name="You are Alice Andersen")).to_be_visible()
    field.fill("/ops l")
    assert suggested(page) == ["/ops logs web staging", "/ops logs"]
    field.fill("")
    page.keyboard.press("ArrowUp")
    expect(field).to_have_value("/ops logs web staging")


def test_control_k_jumps_and_another_person_sees_another_page(room: Room, page: Page) -> None:
    room.web.chat_postEphemeral(channel=OPS, user="U01ALICE", text="for alice alone")
    expect(message(page, "for alice alone")).to_contain_text("Only visible to you")
    jump(page, "gener")
    expect(page.get_by_role("heading", name="# general")).to_be_visible()
    jump(page, "be bob")
    expect(page.get_by_role("button", name="You are Bob Brown")).to_be_visible()
    page.locator("#channels button", has_text="ops").click()
    expect(page.locator("#messages")).not_to_contain_text("for alice alone")


def test_an_ephemeral_message_is_dismissed(room: Room, page: Page) -> None:
    room.web.chat_postEphemeral(channel=OPS, user="U01ALICE", text="read and forget")
    message(page, "read and forget").get_by_role("button", name="Dismiss").click()
    expect(page.locator("#messages")).not_to_contain_text("read and forget")


def test_colours_are_chosen_and_remembered(page: Page) -> None:
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    before = page.evaluate(ground)
    page.get_by_role("button", name="Colours: as your system").click()
    page.get_by_role("button", name="Colours: light").click()
    dark = page.evaluate(ground)
    page.reload()
    expect(page.get_by_role("button", name="Colours: dark")).to_be_visible()
    assert dark == page.evaluate(ground) != before


def test_a_picture_is_sent_seen_and_opened_in_full_and_a_reaction_is_given_and_taken_back(
    room: Room, page: Page
) -> None:
    picture = FilePayload(name="cpu.png", mimeType="image/png", buffer=png())
    page.locator("#composer input[type=file]").set_input_files([picture])
    shown = page.locator("#messages .zoom img").last
    expect(shown).to_be_visible()
    assert shown.evaluate("image => image.decode().then(() => image.naturalWidth)") == 40
    page.locator("#messages .zoom").last.click()
    expect(page.get_by_role("heading", name="cpu.png")).to_be_visible()
    page.keyboard.press("Escape")
    item = page.locator("#messages .message").last
    item.hover()
    item.get_by_role("button", name="React").click()
    page.get_by_role("menuitem", name="tada").click()
    given = item.get_by_role("button", name="tada, 1")
    expect(given).to_have_attribute("aria-pressed", "true")
    given.click()
    expect(given).to_have_count(0)


@pytest.mark.parametrize(
    ("lines", "shown", "more"),
    [(9, 5, "and 4 more lines"), (6, 5, "and 1 more line"), (3, 3, None)],
    ids=["nine lines", "six lines", "three lines"],
)
def test_of_a_text_file_the_first_lines_are_shown_as_they_are_and_how_many_follow(
    room: Room, page: Page, lines: int, shown: int, more: str | None
) -> None:
    name = f"web-{lines}.log"
    content = "\n".join(f"{number} <b>*web*</b> &amp; GET /" for number in range(lines))
    room.web.files_upload_v2(channel=OPS, content=content, filename=name, initial_comment=f"the log {lines}")
    snippet = message(page, f"the log {lines}").locator(".snippet")
    expect(snippet.get_by_role("link", name=name)).to_have_attribute("href", re.compile(r"^/files/.+"))
    assert snippet.locator("pre").inner_text().splitlines() == content.splitlines()[:shown]
    expect(snippet.locator(":scope > small")).to_have_text([more] if more else [])


def test_ones_own_message_is_edited_as_it_was_typed_and_deleted(room: Room, page: Page) -> None:
    ts = room.workspace.say("U01ALICE", "#ops", "ask @bob in #staging & <wait>")
    item = page.locator(f'#messages [data-ts="{ts}"]')
    item.focus()
    item.get_by_role("button", name="More about this message").click()
    page.get_by_role("menuitem", name="Edit").click()
    field = page.get_by_label("Edit the message")
    expect(field).to_have_value("ask @bob in #staging & <wait>")
    field.fill("ask @carol instead")
    page.keyboard.press("Enter")
    expect(item).to_contain_text("(edited)")
    expect(item.locator(".mention")).to_have_text("@carol")
    item.focus()
    item.get_by_role("button", name="More about this message").click()
    page.get_by_role("menuitem", name="Delete").click()
    expect(item).to_have_count(0)


def test_the_inspector_shows_the_wire_live_and_redacts_and_the_controls_break_it(room: Room, page: Page) -> None:
    page.get_by_role("button", name="Inspector", exact=True).click()
    room.post("look at this")
    call = page.locator("#traffic details", has_text="chat.postMessage").first
    call.locator("summary").first.click()
    expect(call).to_contain_text("look at this")
    expect(page.locator("#traffic", has_text=re.compile(r"xox[bp]-|xapp-"))).to_have_count(0)
    page.get_by_label("Kind").select_option("envelope")
    expect(call).to_be_hidden()
    expect(page.locator("#traffic details:visible").first).to_contain_text("events_api")
    page.get_by_role("tab", name="Make it fail").click()
    page.get_by_role("button", name="Too many requests").click()
    expect(page.locator("#faults")).to_contain_text("429 for 3 more calls")
    page.get_by_role("button", name="End all of it").click()
    expect(page.locator("#faults")).to_contain_text("Nothing is made to fail")


def test_an_app_that_does_not_answer_is_said_where_the_person_acts(room: Room, page: Page) -> None:
    room.post("press", {"type": "actions", "elements": [button("silent", "Go on")]})
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("#toasts")).to_contain_text("opsbot did not answer within 3 seconds.")


def test_a_message_link_shows_its_message_and_a_long_channel_begins_with_the_newest(room: Room, page: Page) -> None:
    first = room.workspace.say("U03CAROL", "#general", "the first word")
    for number in range(200):
        room.workspace.say("U03CAROL", "#general", f"line {number}")
    page.goto(f"{room.workspace.url}/#U01ALICE/{GENERAL}")
    page.get_by_text("line 199").wait_for()
    assert page.locator("#messages .message").count() == 150
    page.get_by_role("button", name="Show earlier messages").click()
    expect(page.get_by_text("the first word")).to_be_attached()
    reply = room.workspace.say("U02BOB", "#staging", "look here")
    page.goto(f"{room.workspace.url}/archives/{STAGING}/p{reply.replace('.', '')}")
    expect(message(page, "look here")).to_be_focused()
    assert first < reply
