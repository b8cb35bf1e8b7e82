"""The real slack_sdk WebClient against the workspace: what it answers, what it refuses, and how often."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from opsbot.workspace import Settings, Tokens, Workspace, spoken
from opsbot.workspace.settings import BOT_SCOPES

ALICE, BOB = "U01ALICE", "U02BOB"


@pytest.fixture(scope="module")
def workspace() -> Iterator[Workspace]:
    with Workspace(settings=Settings(rate_limits=False)) as running:
        yield running


def code(call: Callable[[], Any]) -> str:
    """The error code that Slack's client raises for this call."""
    with pytest.raises(SlackApiError) as refused:
        call()
    return str(refused.value.response["error"])


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def test_the_token_knows_its_bot(web: WebClient) -> None:
    who = web.auth_test()
    assert (who["team_id"], who["user_id"], who["bot_id"], who["user"]) == ("T01", "UOPSBOT", "B01OPSBOT", "opsbot")


def test_wrong_tokens_are_told_apart(workspace: Workspace) -> None:
    url = workspace.api_url
    assert code(WebClient(base_url=url).auth_test) == "not_authed"
    assert code(WebClient(token="xoxb-wrong", base_url=url).auth_test) == "invalid_auth"
    bot = WebClient(base_url=url)
    assert code(lambda: bot.apps_connections_open(app_token=workspace.bot_token)) == "not_allowed_token_type"
    assert code(lambda: WebClient(token=workspace.bot_token, base_url=url).api_call("chat.shout")) == "unknown_method"


def test_a_missing_scope_is_named() -> None:
    few = Settings(scopes=("channels:read",))
    with Workspace(settings=few) as workspace:
        web = WebClient(token=workspace.bot_token, base_url=workspace.api_url)
        with pytest.raises(SlackApiError) as refused:
            web.chat_postMessage(channel="#ops", text="hi")
    assert refused.value.response["error"] == "missing_scope"
    assert refused.value.response["needed"] == "chat:write"


def test_a_message_is_posted_edited_and_deleted(workspace: Workspace, web: WebClient) -> None:
    ts = web.chat_postMessage(channel="#ops", text="deploying", blocks=[section("deploying")])["ts"]
    web.chat_update(channel="C01OPS", ts=ts, text="deployed", blocks=[section("deployed *v2*")])
    message = next(m for m in workspace.messages("#ops") if m["ts"] == ts)
    assert (message["text"], message["edits"]) == ("deployed", 1)
    assert "deployed *v2*" in spoken(message)
    assert web.chat_getPermalink(channel="C01OPS", message_ts=ts)["permalink"].endswith(ts.replace(".", ""))
    web.chat_delete(channel="C01OPS", ts=ts)
    assert all(m["ts"] != ts for m in workspace.messages("#ops"))
    assert code(lambda: web.chat_update(channel="C01OPS", ts=ts, text="late")) == "message_not_found"


def test_new_words_alone_take_the_place_of_old_blocks(workspace: Workspace, web: WebClient) -> None:
    first = web.chat_postMessage(channel="C01OPS", text="deploying", blocks=[section("deploying")])["ts"]
    second = web.chat_postMessage(channel="C01OPS", text="restoring", blocks=[section("restoring")])["ts"]
    web.chat_update(channel="C01OPS", ts=first, text="deployed")
    web.api_call("chat.update", json={"channel": "C01OPS", "ts": second, "blocks": [section("restored")]})
    shown = {m["ts"]: (m["text"], len(m.get("blocks", []))) for m in workspace.messages("#ops")}
    assert (shown[first], shown[second]) == (("deployed", 0), ("restoring", 1))


def test_nobody_elses_message_can_be_edited(workspace: Workspace, web: WebClient) -> None:
    ts = workspace.say(ALICE, "#ops", "mine")
    assert code(lambda: web.chat_update(channel="C01OPS", ts=ts, text="yours")) == "cant_update_message"


def test_places_where_the_bot_cannot_speak(web: WebClient) -> None:
    assert code(lambda: web.chat_postMessage(channel="#nowhere", text="hi")) == "channel_not_found"
    assert code(lambda: web.chat_postMessage(channel="#random", text="hi")) == "not_in_channel"
    assert code(lambda: web.conversations_history(channel="C04TEAM")) == "not_in_channel"
    assert code(lambda: web.chat_postMessage(channel="C01OPS", text="hi", thread_ts="1.000001")) == "thread_not_found"


def test_an_ephemeral_message_is_seen_by_one_person(workspace: Workspace, web: WebClient) -> None:
    web.chat_postEphemeral(channel="C01OPS", user=ALICE, text="psst")
    assert [m["text"] for m in workspace.messages("#ops", ALICE) if m["only_for"]] == ["psst"]
    assert not [m for m in workspace.messages("#ops", BOB) if m["only_for"]]
    assert "psst" not in [m["text"] for m in web.conversations_history(channel="C01OPS")["messages"]]


@pytest.mark.parametrize(
    ("blocks", "fault"),
    [
        ([section("x" * 3001)], "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"),
        ([{"type": "divider"}] * 51, "no more than 50 items allowed [json-pointer:/blocks]"),
        ([{"type": "banner"}], "unsupported type: banner"),
        ([section("")], "must be more than 0 characters"),
        ([{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}], "text type must be one of plain_text"),
        ([{"type": "context", "elements": [section("x")["text"]] * 11}], "no more than 10 items allowed"),
    ],
)
def test_blocks_over_a_limit_are_refused_with_the_place(
    web: WebClient, blocks: list[dict[str, Any]], fault: str
) -> None:
    with pytest.raises(SlackApiError) as refused:
        web.chat_postMessage(channel="C01OPS", text="card", blocks=blocks)
    assert refused.value.response["error"] == "invalid_blocks"
    assert any(fault in message for message in refused.value.response["response_metadata"]["messages"])


def test_texts_over_a_limit_are_refused(web: WebClient) -> None:
    assert code(lambda: web.chat_postMessage(channel="C01OPS", text="x" * 40_001)) == "msg_too_long"
    assert code(lambda: web.api_call("chat.postMessage", json={"channel": "C01OPS", "text": ""})) == "no_text"
    long = [section("x" * 2900)] * 5
    assert code(lambda: web.chat_postMessage(channel="C01OPS", text="x", blocks=long)) == "msg_blocks_too_long"


def test_a_burst_of_posts_is_limited_with_retry_after() -> None:
    with Workspace(settings=Settings(post_burst=3)) as workspace:
        web = WebClient(token=workspace.bot_token, base_url=workspace.api_url)
        for number in range(3):
            web.chat_postMessage(channel="C01OPS", text=str(number))
        with pytest.raises(SlackApiError) as refused:
            web.chat_postMessage(channel="C01OPS", text="too many")
        assert refused.value.response.status_code == 429
        assert refused.value.response.headers["retry-after"] == "1"
        web.chat_postMessage(channel="C02STAGE", text="another channel has its own rate")


def test_a_method_is_limited_by_its_tier_and_others_are_not() -> None:
    with Workspace() as workspace:
        web = WebClient(token=workspace.bot_token, base_url=workspace.api_url)
        for _ in range(20):
            web.usergroups_list()
        with pytest.raises(SlackApiError) as refused:
            web.usergroups_list()
        assert (refused.value.response.status_code, refused.value.response["error"]) == (429, "ratelimited")
        assert int(refused.value.response.headers["retry-after"]) in (1, 2, 3)
        assert web.users_list()["ok"]


def test_an_app_hears_only_what_its_scopes_and_subscriptions_allow() -> None:
    scopes = tuple(scope for scope in BOT_SCOPES.split(",") if scope not in ("reactions:read", "commands"))
    with Workspace(settings=Settings(scopes=scopes, events=("app_mention", "reaction_added"))) as workspace:
        ts = workspace.say(ALICE, "#ops", "@opsbot hello")
        workspace.send("POST", "/page/react", {"user": ALICE, "channel": "C01OPS", "ts": ts, "name": "eyes"})
        assert workspace.slash(ALICE, "#ops", "/ops", "status") == "invalid_command"
        workspace.wait_until(workspace.deliveries)
        assert {line["detail"] for line in workspace.deliveries()} == {"app_mention"}


def test_with_the_public_scope_the_bot_speaks_where_it_is_no_member() -> None:
    with Workspace(settings=Settings(scopes=("chat:write", "chat:write.public"))) as workspace:
        web = WebClient(token=workspace.bot_token, base_url=workspace.api_url)
        assert web.chat_postMessage(channel="#random", text="hello")["ok"]


def test_seeded_people_have_faces(workspace: Workspace, web: WebClient) -> None:
    face = web.users_info(user=ALICE)["user"]["profile"]["image_72"]
    with urllib.request.urlopen(face) as answer:
        assert answer.headers["content-type"] == "image/svg+xml"


def test_a_429_can_be_ordered(workspace: Workspace, web: WebClient) -> None:
    workspace.rate_limit("users.info", count=2, retry_after=7)
    for _ in range(2):
        with pytest.raises(SlackApiError) as refused:
            web.users_info(user=ALICE)
        assert refused.value.response.headers["retry-after"] == "7"
    assert web.users_info(user=ALICE)["user"]["tz"] == "Europe/Copenhagen"


def test_people_groups_and_channels_are_listed_in_pages(web: WebClient) -> None:
    names = [m["name"] for page in web.users_list(limit=2) for m in page["members"]]
    assert names == ["alice", "bob", "carol", "dave", "opsbot", "ci"]
    assert web.users_info(user="U04DAVE")["user"]["is_restricted"] is True
    assert web.usergroups_list(include_users=True)["usergroups"][0]["users"] == [ALICE, BOB, "U03CAROL"]
    assert web.usergroups_users_list(usergroup="S01OPS")["users"] == [ALICE, BOB, "U03CAROL"]
    assert [c["name"] for c in web.conversations_list()["channels"]] == ["ops", "staging", "general", "random"]
    assert "UOPSBOT" in web.conversations_members(channel="C01OPS")["members"]
    assert web.conversations_open(users=[ALICE])["channel"]["user"] == ALICE


def test_history_and_threads_are_read_back(workspace: Workspace, web: WebClient) -> None:
    root = web.chat_postMessage(channel="C03GEN", text="root")["ts"]
    web.chat_postMessage(channel="C03GEN", text="reply", thread_ts=root)
    workspace.say(BOB, "#general", "later")
    assert [m["text"] for m in web.conversations_history(channel="C03GEN")["messages"]] == ["later", "root"]
    assert [m["text"] for m in web.conversations_replies(channel="C03GEN", ts=root)["messages"]] == ["root", "reply"]
    assert [m["text"] for m in web.conversations_history(channel="C03GEN", oldest=root)["messages"]] == ["later"]


def test_a_reaction_is_added_once(workspace: Workspace, web: WebClient) -> None:
    ts = workspace.say(ALICE, "#ops", "well done")
    web.reactions_add(channel="C01OPS", timestamp=ts, name="tada")
    assert code(lambda: web.reactions_add(channel="C01OPS", timestamp=ts, name="tada")) == "already_reacted"


def test_a_trigger_opens_one_modal_only(web: WebClient) -> None:
    modal = {"type": "modal", "title": {"type": "plain_text", "text": "T"}, "blocks": [section("x")]}
    assert code(lambda: web.views_open(trigger_id="1.unknown", view=modal)) == "invalid_trigger_id"
    too_long = modal | {"title": {"type": "plain_text", "text": "x" * 25}}
    assert code(lambda: web.views_open(trigger_id="1.unknown", view=too_long)) == "invalid_arguments"


def test_a_file_is_uploaded_and_shared(workspace: Workspace, web: WebClient) -> None:
    web.files_upload_v2(channel="C01OPS", content="line 1\nline 2", filename="web.log", initial_comment="the log")
    message = workspace.wait_for("#ops", "the log")
    assert message["files"][0]["name"] == "web.log"
    with urllib.request.urlopen(message["files"][0]["url_private"]) as answer:
        assert answer.read() == b"line 1\nline 2"


def test_the_inspector_lists_calls_without_tokens(workspace: Workspace, web: WebClient) -> None:
    workspace.forget()
    web.chat_postMessage(channel="C01OPS", text="seen")
    (call,) = workspace.calls("chat.postMessage")
    assert (call["args"]["text"], call["ok"], call["status"]) == ("seen", True, 200)
    assert workspace.bot_token not in json.dumps(workspace.calls())


def test_a_workspace_that_is_down_answers_503_until_it_is_up(workspace: Workspace, web: WebClient) -> None:
    workspace.down()
    with pytest.raises(SlackApiError) as refused:
        web.auth_test()
    assert refused.value.response.status_code == 503
    workspace.up()
    assert web.auth_test()["ok"]


def test_a_browser_sent_by_another_site_is_refused(workspace: Workspace) -> None:
    for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}):
        request = urllib.request.Request(f"{workspace.url}/page/start", headers=headers)
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)
        assert refused.value.code == 403
        refused.value.close()


def test_messages_and_tokens_survive_a_restart(tmp_path: Path) -> None:
    with Workspace(state=tmp_path) as first:
        first.say(ALICE, "#ops", "remember me")
        kept = tmp_path / "workspace.json"
        first.wait_until(lambda: "remember me" in kept.read_text())  # written while it runs, not only at the end
    with Workspace(state=tmp_path) as second:
        assert [m["text"] for m in second.messages("#ops")] == ["remember me"]
        assert second.bot_token == first.bot_token
    assert (tmp_path / "workspace.json").stat().st_mode & 0o077 == 0


def test_the_program_announces_itself_and_stops_when_asked(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "opsbot.workspace", "--state", str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        ready = json.loads(program.stdout.readline())
        assert WebClient(token=ready["bot_token"], base_url=ready["api"]).auth_test()["url"] == ready["url"] + "/"
        program.terminate()
        program.wait(timeout=5)


def test_secrets_do_not_print() -> None:
    assert "xoxb" not in repr(Tokens())
