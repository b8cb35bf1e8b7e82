"""Pictures in a real local workspace: into the channel or thread where they were asked for, with words beside them."""

from __future__ import annotations

import struct
import zlib
from typing import Any
from urllib.error import URLError

import pytest
from slack_sdk.web import WebClient

from opsbot.commands.reply import Button, Picture, Reply
from opsbot.workspace import Settings, Workspace, spoken

DOORS = ("socket", "http")
ALICE, BOB = "U01ALICE", "U02BOB"
WORDS = "Traffic of staging since 13:05.\nTraffic: 12 requests/s now, 48 requests/s at most (13:31)."


def png(width: int, height: int) -> bytes:
    """A white picture, as small as PNG allows."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\xff" * width) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


CONTENT = png(84, 60)


def chart(request: Any) -> Reply:
    if request.text == "alert":
        return Reply("front fails in staging", "bad", buttons=[Button("Chart", "chart staging")])
    return Reply(WORDS, picture=Picture("staging-traffic.png", "Traffic of staging", CONTENT, WORDS))


@pytest.fixture
def up(bot: Any) -> Any:
    bot.answer = chart
    bot.start()
    return bot


def pictured(workspace: Workspace, channel: str = "#ops", thread: str | None = None) -> dict[str, Any]:
    """The message with the picture, once it is there."""

    def look() -> dict[str, Any] | None:
        found = workspace.messages(channel, ALICE, thread_ts=thread)
        return next((message for message in found if message.get("files")), None)

    return workspace.wait_until(look)


def test_a_picture_comes_into_the_channel_with_what_it_shows_in_words(up: Any, workspace: Workspace) -> None:
    workspace.say(ALICE, "#ops", "@opsbot chart staging")
    message = pictured(workspace)
    [file] = message["files"]
    assert (file["name"], file["title"], file["filetype"]) == ("staging-traffic.png", "Traffic of staging", "png")
    assert (file["original_w"], file["original_h"], file["size"]) == (84, 60, len(CONTENT))
    assert file["alt_txt"] == WORDS
    assert message["text"].startswith("🔹 *Traffic of staging since 13:05.*\nTraffic: 12 requests/s now")
    assert (message["user"], message.get("thread_ts"), message["only_for"]) == ("UOPSBOT", None, None)
    assert len(workspace.messages("#ops", BOB)) == 2


def test_asked_for_in_a_thread_it_comes_there(up: Any, workspace: Workspace) -> None:
    parent = workspace.say(ALICE, "#ops", "it is slow")
    workspace.say(ALICE, "#ops", "@opsbot chart staging", thread_ts=parent)
    assert pictured(workspace, thread=parent)["thread_ts"] == parent


def test_asked_for_with_a_button_it_comes_below_the_card(up: Any, workspace: Workspace) -> None:
    workspace.say(ALICE, "#ops", "@opsbot alert")
    card = workspace.wait_for("#ops", "front fails")
    assert workspace.click(BOB, "#ops", card["ts"], "say:0") == "ok"
    assert pictured(workspace, thread=card["ts"])["thread_ts"] == card["ts"]


@pytest.mark.parametrize("granted", ["everything"])
def test_in_a_direct_message_too(up: Any, workspace: Workspace) -> None:
    place = up.running._client.conversations_open(users=ALICE)["channel"]["id"]
    workspace.say(ALICE, place, "chart staging")
    assert pictured(workspace, place)["files"]


def test_a_slash_command_has_its_picture(up: Any, workspace: Workspace) -> None:
    assert workspace.slash(ALICE, "#ops", "/ops", "chart staging") == "ok"
    assert pictured(workspace)["files"]


def test_where_the_bot_is_no_member_the_words_come_and_how_to_see_the_picture(up: Any, workspace: Workspace) -> None:
    assert workspace.slash(ALICE, "#random", "/ops", "chart staging") == "ok"
    message = workspace.wait_for("#random", "12 requests/s now", as_user=ALICE)
    assert "Invite me to this channel" in spoken(message)
    assert not message.get("files")


@pytest.mark.parametrize("method", ["files.getUploadURLExternal", "files.completeUploadExternal"])
def test_slack_asks_us_to_wait_and_the_picture_comes_once(up: Any, workspace: Workspace, method: str) -> None:
    workspace.rate_limit(method)
    workspace.say(ALICE, "#ops", "@opsbot chart staging")
    pictured(workspace)
    workspace.say(ALICE, "#ops", "@opsbot alert")
    workspace.wait_for("#ops", "front fails")
    assert sum(bool(message.get("files")) for message in workspace.messages("#ops", ALICE)) == 1


def test_a_picture_whose_answer_was_lost_is_found_and_not_shown_twice(
    bot: Any, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    complete, lost = WebClient.files_completeUploadExternal, []

    def once_without_an_answer(client: WebClient, **given: Any) -> Any:
        answer = complete(client, **given)
        if not lost:
            lost.append(given)
            raise URLError(ConnectionResetError("the answer was lost"))
        return answer

    monkeypatch.setattr(WebClient, "files_completeUploadExternal", once_without_an_answer)
    bot.answer = chart
    bot.start()
    workspace.say(ALICE, "#ops", "@opsbot chart staging")
    pictured(workspace)
    workspace.say(ALICE, "#ops", "@opsbot alert")
    workspace.wait_for("#ops", "front fails")
    assert len(lost) == 1
    assert sum(bool(message.get("files")) for message in workspace.messages("#ops", ALICE)) == 1


@pytest.fixture
def without_files(store: Any, door: str) -> Any:
    """A workspace whose app was made before there were pictures."""
    scopes = tuple(scope for scope in Settings().scopes if scope != "files:write")
    with Workspace(settings=Settings(scopes=scopes)) as running:
        yield running


def test_an_app_that_may_not_upload_answers_in_words(without_files: Workspace, store: Any, door: str, bot: Any) -> None:
    bot.workspace, bot.answer = without_files, chart
    bot.start()
    without_files.say(ALICE, "#ops", "@opsbot chart staging")
    message = without_files.wait_for("#ops", "12 requests/s now")
    assert "Slack did not take the picture (missing_scope)" in spoken(message)
