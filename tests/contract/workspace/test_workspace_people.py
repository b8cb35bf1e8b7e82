"""What the page's own endpoints give a person: marks, Home, files, threads, amends, the inspector and its controls."""

import json
import queue
import struct
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from slack_bolt import App
from slack_bolt.adapter.socket_mode.websocket_client import SocketModeHandler
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

from opsbot.workspace import Settings, Shortcut, Workspace

Connect = Callable[[], SocketModeHandler]
ALICE, BOB = "U01ALICE", "U02BOB"
PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 640, 360) + b"\0" * 20


def get(workspace: Workspace, path: str, **asked: Any) -> Any:
    with urllib.request.urlopen(f"{workspace.url}/page/{path}?{urllib.parse.urlencode(asked)}") as answer:
        return json.loads(answer.read())


def act(workspace: Workspace, name: str, /, **body: Any) -> Any:
    return workspace.send("POST", f"/page/{name}", body)


def channel(workspace: Workspace, person: str, name: str = "ops") -> Any:
    return next(one for one in get(workspace, "start", **{"as": person})["channels"] if one.get("name") == name)


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


HOME = {"type": "home", "blocks": [{"type": "section", "text": plain("All is well")}]}


def test_unread_marks_count_what_others_said_and_end_when_read(workspace: Workspace) -> None:
    workspace.say(BOB, "#ops", "morning")
    workspace.say(ALICE, "#ops", "morning bob")
    last = workspace.say(BOB, "#ops", "look @alice, @ops-group")
    workspace.say(BOB, "#ops", "a reply", thread_ts=last)
    before = channel(workspace, ALICE)
    assert (before["unread"], before["mentions"], before["latest"]) == (2, 1, last)
    assert channel(workspace, BOB)["unread"] == 1
    assert act(workspace, "read", user=ALICE, channel="C01OPS")["last_read"] == last
    assert channel(workspace, ALICE)["unread"] == 0
    assert channel(workspace, BOB)["unread"] == 1


def test_the_home_tab_is_opened_published_and_used(
    workspace: Workspace, web: WebClient, app: App, connect: Connect
) -> None:
    heard: queue.Queue[dict[str, Any]] = queue.Queue()
    clicks: queue.Queue[dict[str, Any]] = queue.Queue()
    button = {"type": "button", "action_id": "go", "text": plain("Go"), "value": "v2"}
    view = {"type": "home", "blocks": [*HOME["blocks"], {"type": "actions", "block_id": "row", "elements": [button]}]}
    app.event("app_home_opened")(
        lambda event, client: (heard.put(event), client.views_publish(user_id=event["user"], view=view))
    )
    app.action("go")(lambda ack, body: (ack(), clicks.put(body)))
    connect()
    assert workspace.home(ALICE) is None
    event = heard.get(timeout=3)
    assert (event["tab"], event["channel"], "view" in event) == ("home", "D01ALICE", False)
    published = workspace.wait_until(lambda: workspace.home_of(ALICE)) or {}
    assert published["type"] == "home"
    assert workspace.home_of(BOB) is None
    assert workspace.act(ALICE, published["id"], "go") == "ok"
    body = clicks.get(timeout=3)
    assert (body["view"]["type"], body["container"]["type"], body["actions"][0]["value"]) == ("home", "view", "v2")
    assert workspace.home(ALICE, "messages") is not None
    assert heard.get(timeout=3)["tab"] == "messages"
    again = web.views_publish(user_id=ALICE, view=view)
    assert again["view"]["id"] == published["id"]
    assert again["view"]["hash"] != published["hash"]


def test_a_picture_has_a_size_and_a_text_a_preview(workspace: Workspace, web: WebClient) -> None:
    web.files_upload_v2(channel="C01OPS", content=PNG, filename="cpu.png", title="CPU", initial_comment="a chart")
    web.files_upload_v2(
        channel="C01OPS", content="\n".join(map(str, range(9))), filename="web.log", initial_comment="a log"
    )
    picture = workspace.wait_for("#ops", "a chart")["files"][0]
    assert (picture["mimetype"], picture["original_w"], picture["original_h"]) == ("image/png", 640, 360)
    assert picture["title"] == "CPU"
    with urllib.request.urlopen(picture["thumb_360"]) as answer:
        assert (answer.headers["content-type"], answer.read()) == ("image/png", PNG)
    log = workspace.wait_for("#ops", "a log")["files"][0]
    assert (log["preview"], log["lines"], log["lines_more"]) == ("0\n1\n2\n3\n4", 9, 4)
    with urllib.request.urlopen(log["url_private_download"]) as answer:
        assert "attachment" in answer.headers["content-disposition"]


def test_markup_in_a_file_is_text_whatever_its_name_says(workspace: Workspace, web: WebClient) -> None:
    web.files_upload_v2(channel="C01OPS", content="<script>alert(1)</script>", filename="x.png", initial_comment="trap")
    file = workspace.wait_for("#ops", "trap")["files"][0]
    assert file["mode"] == "snippet"
    with urllib.request.urlopen(file["url_private"]) as answer:
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_person_shares_a_file_and_the_bot_hears_of_it(workspace: Workspace, app: App, connect: Connect) -> None:
    heard: queue.Queue[dict[str, Any]] = queue.Queue()
    app.event("message")(lambda event: heard.put(event))  # noqa: PLW0108  bolt injects by argument name
    app.event("file_shared")(lambda event: heard.put(event))  # noqa: PLW0108  # bolt reads the names of arguments
    connect()
    query = urllib.parse.urlencode({"user": ALICE, "channel": "C01OPS", "name": "notes.txt", "text": "my notes"})
    with urllib.request.urlopen(f"{workspace.url}/page/upload?{query}", data=b"one\ntwo") as answer:
        sent = json.loads(answer.read())
    both = {event.get("subtype", event["type"]): event for event in (heard.get(timeout=3), heard.get(timeout=3))}
    assert both["file_share"]["files"][0]["name"] == "notes.txt"
    assert both["file_shared"]["file_id"] == sent["file"]["id"]


def test_a_thread_names_who_replied_and_forgets_a_deleted_reply(workspace: Workspace) -> None:
    root = workspace.say(ALICE, "#ops", "question")
    reply = workspace.say(BOB, "#ops", "answer", thread_ts=root)
    first = get(workspace, "messages", channel="C01OPS", thread_ts=root)["messages"][0]
    assert (first["reply_count"], first["reply_users"], first["latest_reply"]) == (1, [BOB], reply)
    act(workspace, "delete", user=BOB, channel="C01OPS", ts=reply)
    assert "reply_count" not in get(workspace, "messages", channel="C01OPS")["messages"][0]


def test_a_long_channel_is_read_in_parts(workspace: Workspace) -> None:
    said = [workspace.say(BOB, "#ops", f"number {number}") for number in range(5)]
    newest = get(workspace, "messages", channel="C01OPS", limit=2)["messages"]
    assert [message["ts"] for message in newest] == said[3:]
    earlier = get(workspace, "messages", channel="C01OPS", limit=2, before=said[3])["messages"]
    assert [message["ts"] for message in earlier] == said[1:3]


def test_a_file_over_the_limit_is_refused(workspace: Workspace, web: WebClient) -> None:
    with pytest.raises(SlackApiError, match="file_upload_size_restricted"):
        web.files_getUploadURLExternal(filename="x", length=10_000_001)
    given = web.files_getUploadURLExternal(filename="x", length=3)
    for content, code in ((b"four", 400), (b"x" * 10_000_001, 413)):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(given["upload_url"], data=content)
        assert refused.value.code == code
        refused.value.close()


def test_a_reply_can_be_shown_in_the_channel_too(workspace: Workspace, web: WebClient) -> None:
    root = workspace.say(ALICE, "#ops", "question")
    act(workspace, "say", user=BOB, channel="C01OPS", text="for all", thread_ts=root, broadcast=True)
    web.chat_postMessage(channel="C01OPS", text="from the bot", thread_ts=root, reply_broadcast=True)
    seen = web.conversations_history(channel="C01OPS")["messages"]
    assert [(m["text"], m.get("subtype")) for m in seen[:2]] == [
        ("from the bot", "thread_broadcast"),
        ("for all", "thread_broadcast"),
    ]


def test_people_amend_their_own_messages_only(workspace: Workspace, web: WebClient) -> None:
    ts = workspace.say(ALICE, "#ops", "teh")
    act(workspace, "edit", user=ALICE, channel="C01OPS", ts=ts, text="the <b>")
    assert workspace.messages("#ops")[0]["text"] == "the &lt;b&gt;"
    for name, more in (("edit", {"text": "mine"}), ("delete", {})):
        with pytest.raises(ValueError, match="your own"):
            act(workspace, name, user=BOB, channel="C01OPS", ts=ts, **more)
    whisper = web.chat_postEphemeral(channel="C01OPS", user=ALICE, text="psst")["message_ts"]
    with pytest.raises(ValueError, match="you alone"):
        act(workspace, "dismiss", user=BOB, channel="C01OPS", ts=whisper)
    act(workspace, "dismiss", user=ALICE, channel="C01OPS", ts=whisper)
    assert not [m for m in workspace.messages("#ops", ALICE) if m["only_for"]]


def test_a_reaction_is_taken_back_and_both_are_told(workspace: Workspace, app: App, connect: Connect) -> None:
    heard: queue.Queue[str] = queue.Queue()
    app.event("message")(lambda: None)
    for kind in ("reaction_added", "reaction_removed"):
        app.event(kind)(lambda event: heard.put(event["type"]))
    connect()
    ts = workspace.say(ALICE, "#ops", "well done")
    where = {"user": BOB, "channel": "C01OPS", "ts": ts, "name": "tada"}
    act(workspace, "react", **where)
    assert heard.get(timeout=3) == "reaction_added"
    act(workspace, "react", **where, remove=True)
    assert heard.get(timeout=3) == "reaction_removed"
    assert "reactions" not in workspace.messages("#ops")[0]


def test_an_incoming_webhook_posts_into_its_channel(workspace: Workspace) -> None:
    url = workspace.webhook("#staging")
    answer = WebhookClient(url).send(text="build 41 is green")
    assert (answer.status_code, answer.body) == (200, "ok")
    assert workspace.messages("#staging")[0]["subtype"] == "bot_message"
    assert (WebhookClient(url).send(text="").status_code, WebhookClient(url + "0").send(text="x").body) == (
        400,
        "no_service",
    )


def test_the_inspector_shows_calls_deliveries_hooks_and_faults_without_secrets(
    workspace: Workspace, web: WebClient, app: App, connect: Connect
) -> None:
    app.event("message")(lambda: None)
    connect()
    workspace.forget()
    web.api_call("chat.postMessage", params={"channel": "C01OPS", "text": f"my token is {workspace.bot_token}"})
    WebhookClient(workspace.webhook("#ops")).send(text="hook")
    workspace.slow(0)
    workspace.wait_until(lambda: len(workspace.deliveries()) == 2)
    listed = get(workspace, "inspector")["entries"]
    assert {entry["what"] for entry in listed} == {"call", "envelope", "hook", "fault"}
    whole = [get(workspace, f"inspector/{entry['n']}")["entry"] for entry in listed]
    assert all(secret not in json.dumps(whole) for secret in (workspace.bot_token, workspace.app_token))
    envelope = next(entry for entry in whole if entry["what"] == "envelope")
    assert envelope["sent"]["event"]["type"] == "message"
    assert envelope["outcome"] == "acknowledged"
    assert get(workspace, "inspector", after=listed[-1]["n"])["entries"] == []


def test_somebody_new_can_ask_the_bot_and_is_known_after_a_restart(tmp_path: Path) -> None:
    with Workspace(state=tmp_path) as first:
        new = first.person("erin")
        place = first.channel("erins")
        first.say(new, place, "hello")
        with pytest.raises(ValueError, match="name_taken"):
            first.person("erin")
    with Workspace(state=tmp_path) as again:
        [said] = again.messages(place, new)
        assert (said["user"], said["text"]) == (new, "hello")
        web = WebClient(token=again.bot_token, base_url=again.api_url)
        assert web.users_info(user=new)["user"]["real_name"] == "Erin"
        assert new in web.conversations_members(channel="C03GEN")["members"]


def test_faults_are_listed_and_all_end_at_once(workspace: Workspace, web: WebClient) -> None:
    workspace.rate_limit("users.info", count=2, retry_after=7)
    workspace.slow(0.5)
    now = get(workspace, "start", **{"as": ALICE})["faults"]
    assert now["rate_limits"] == [{"method": "users.info", "left": 2, "retry_after": 7}]
    assert now["slow_seconds"] == 0.5
    workspace.clear()
    assert workspace.look("faults") == {"ok": True, "down": False, "slow_seconds": 0.0, "rate_limits": [], "frozen": 0}
    assert web.users_info(user=ALICE)["ok"]


def test_shortcuts_reach_the_bot_with_a_trigger(app: App, workspace: Workspace, connect: Connect) -> None:
    with pytest.raises(ValueError, match="no shortcut"):
        workspace.shortcut(ALICE, "deploy")
    both = (Shortcut("deploy", "Deploy"), Shortcut("again", "Run again", "message"))
    with Workspace(settings=Settings(shortcuts=both)) as other:
        assert get(other, "start", **{"as": ALICE})["shortcuts"][1]["type"] == "message"
        ts = other.say(BOB, "#ops", "a message")
        assert other.shortcut(ALICE, "deploy") == "dispatch_failed"
        assert other.shortcut(ALICE, "again", channel="C01OPS", ts=ts) == "dispatch_failed"
        sent = [get(other, f"inspector/{n}")["entry"]["sent"] for n in range(1, 4)]
        assert [one["type"] for one in sent[1:]] == ["shortcut", "message_action"]
        assert sent[2]["message"]["text"] == "a message"


def test_everything_that_people_see_survives_a_restart(tmp_path: Path) -> None:
    with Workspace(state=tmp_path) as first:
        web = WebClient(token=first.bot_token, base_url=first.api_url)
        web.files_upload_v2(channel="C01OPS", content=PNG, filename="cpu.png", initial_comment="a chart")
        web.views_publish(user_id=ALICE, view=HOME)
        act(first, "read", user=ALICE, channel="C01OPS")
        hook, secret = first.webhook("#ops"), first.signing_secret
        first.http("http://127.0.0.1:9/slack/events", verify=False)
    with Workspace(state=tmp_path) as second:
        file = second.messages("#ops")[0]["files"][0]
        with urllib.request.urlopen(file["url_private"]) as answer:
            assert answer.read() == PNG
        home = second.home_of(ALICE)
        assert home is not None
        assert home["blocks"][0]["text"]["text"] == "All is well"
        assert (channel(second, ALICE)["unread"], channel(second, BOB)["unread"]) == (0, 1)
        moved = second.url + urllib.parse.urlsplit(hook).path
        assert WebhookClient(moved).send(text="after the restart").body == "ok"
        assert second.signing_secret == secret
        assert get(second, "start")["door"] == "http"
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.rglob("*") if path.is_file())


def test_in_memory_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Workspace() as first:
        first.say(ALICE, "#ops", "forget me")
    with Workspace() as second:
        assert second.messages("#ops") == []
    assert list(tmp_path.iterdir()) == []


def test_the_page_runs_its_own_scripts_only_and_sits_in_no_frame(workspace: Workspace) -> None:
    with urllib.request.urlopen(workspace.url) as answer:
        policy = answer.headers["content-security-policy"]
    for rule in ("default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"):
        assert rule in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"},
    ],
)
def test_another_page_on_this_machine_can_give_no_orders(workspace: Workspace, headers: dict[str, str]) -> None:
    request = urllib.request.Request(f"{workspace.url}/control/drop", data=b"{}", headers=headers)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    assert refused.value.code == 403
    refused.value.close()
