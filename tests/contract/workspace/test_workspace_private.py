"""Private channels: scopes of their own, no name in what the bot hears, and nothing for those who are not in them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from slack_bolt import App
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from opsbot.workspace import Settings, Workspace
from opsbot.workspace.settings import BOT_SCOPES

ALICE, BOB = "U01ALICE", "U02BOB"


@pytest.fixture
def secret(workspace: Workspace) -> str:
    """A private channel with everybody but bob in it."""
    made = workspace.channel("secret", private=True)
    workspace.join(made, BOB, leave=True)
    return made


@pytest.fixture
def narrow() -> Iterator[tuple[Workspace, str, WebClient]]:
    """A workspace whose app may look at public channels alone, a private channel in it, and the app's client."""
    scopes = tuple(scope for scope in BOT_SCOPES.split(",") if not scope.startswith("groups:"))
    with Workspace(settings=Settings(scopes=scopes)) as running:
        made = running.channel("secret", private=True)
        yield running, made, WebClient(token=running.bot_token, base_url=running.api_url)


def refusal(ask: Callable[..., Any], **args: Any) -> tuple[str, str]:
    with pytest.raises(SlackApiError) as caught:
        ask(**args)
    return str(caught.value.response["error"]), str(caught.value.response.get("needed", ""))


def test_what_looks_at_a_private_channel_needs_a_scope_for_those_and_writing_does_not(
    narrow: tuple[Workspace, str, WebClient],
) -> None:
    _workspace, secret, web = narrow
    ts = web.chat_postMessage(channel=secret, text="hello")["ts"]
    web.chat_update(channel=secret, ts=ts, text="hello again")
    assert refusal(web.conversations_history, channel=secret) == ("missing_scope", "groups:history")
    assert refusal(web.conversations_replies, channel=secret, ts=ts) == ("missing_scope", "groups:history")
    assert refusal(web.conversations_info, channel=secret) == ("missing_scope", "groups:read")
    assert refusal(web.conversations_list, types="public_channel,private_channel") == ("missing_scope", "groups:read")
    assert refusal(web.conversations_create, name="other", is_private=True) == ("missing_scope", "groups:write")
    assert secret not in [one["id"] for one in web.conversations_list()["channels"]]


def test_with_those_scopes_it_is_a_channel_like_others(web: WebClient, secret: str) -> None:
    ts = web.chat_postMessage(channel=secret, text="hello")["ts"]
    shown = web.conversations_info(channel=secret)["channel"]
    assert (shown["is_private"], shown["is_channel"], shown["is_group"], shown["name"]) == (True, True, False, "secret")
    assert [one["ts"] for one in web.conversations_history(channel=secret)["messages"]] == [ts]
    assert [one["id"] for one in web.conversations_list(types="private_channel")["channels"]] == [secret]
    assert [one["id"] for one in web.users_conversations(types="private_channel")["channels"]] == [secret]
    assert web.conversations_create(name="other", is_private=True)["channel"]["is_private"]
    assert refusal(web.conversations_join, channel=secret) == ("method_not_supported_for_channel_type", "")


def test_without_the_bot_in_it_it_is_not_there(workspace: Workspace, web: WebClient, secret: str) -> None:
    workspace.join(secret, leave=True)
    for ask in (web.conversations_info, web.conversations_history, web.conversations_join, web.conversations_members):
        assert refusal(ask, channel=secret) == ("channel_not_found", "")
    assert refusal(web.chat_postMessage, channel=secret, text="hello") == ("channel_not_found", "")
    assert web.conversations_list(types="private_channel")["channels"] == []


def test_the_bot_hears_it_without_its_name(
    workspace: Workspace, app: App, connect: Callable[[], Any], secret: str
) -> None:
    heard: list[tuple[str, str]] = []
    app.event("message")(lambda event: heard.append((event["channel"], event["channel_type"])))
    app.command("/ops")(lambda ack, command: (ack(), heard.append((command["channel_id"], command["channel_name"]))))
    connect()
    workspace.say(ALICE, secret, "hello")
    workspace.wait_until(lambda: heard)
    assert workspace.slash(ALICE, secret, "/ops", "status") == "ok"
    assert workspace.wait_until(lambda: heard[1:]) == [(secret, "privategroup")]
    assert heard[0] == (secret, "group")


def test_who_is_not_in_it_sees_nothing_of_it(workspace: Workspace, secret: str) -> None:
    pages = {user: workspace.hub.feed.listen(user) for user in (ALICE, BOB)}
    workspace.say(ALICE, secret, "hello")
    workspace.say(ALICE, "#ops", "hello")
    assert [pages[user].qsize() for user in (ALICE, BOB)] == [2, 1]
    listed = {user: workspace.send("GET", f"/page/start?as={user}", None)["channels"] for user in (ALICE, BOB, "")}
    assert [secret in [one["id"] for one in listed[user]] for user in (ALICE, BOB, "")] == [True, False, False]
    with pytest.raises(ValueError, match="bob is not in #secret"):
        workspace.say(BOB, secret, "let me in")
    workspace.say(BOB, "#ops", "in #secret")
    assert workspace.messages("#ops")[-1]["text"] == "in #secret"
