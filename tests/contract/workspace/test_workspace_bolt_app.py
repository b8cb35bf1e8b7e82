"""A real slack-bolt app, unmodified, against the local workspace."""

import json
import queue
import threading
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from slack_bolt import App
from slack_bolt.adapter.socket_mode.websocket_client import SocketModeHandler
from slack_sdk import WebClient

from opsbot.workspace import Person, Workspace

Connect = Callable[[], SocketModeHandler]


ALICE, BOB = "U01ALICE", "U02BOB"


SOON = 10  # seconds at most, on a machine that has much else to do


def button(action_id: str, value: str = "v2") -> dict[str, Any]:
    return {
        "type": "button",
        "action_id": action_id,
        "value": value,
        "text": {"type": "plain_text", "text": "Roll back"},
    }


def card(*elements: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"type": "actions", "block_id": "row", "elements": list(elements)}]


def test_a_mention_arrives_as_app_mention_and_as_message(workspace: Workspace, app: App, connect: Connect) -> None:
    heard: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()
    app.event("app_mention")(lambda event: heard.put(("app_mention", event)))
    app.event("message")(lambda event: heard.put(("message", event)))
    connect()
    ts = workspace.say(ALICE, "#ops", "@opsbot deploy v2 & <go> with @bob in #staging")
    both = dict(heard.get(timeout=SOON) for _ in range(2))
    assert set(both) == {"app_mention", "message"}
    assert {event["ts"] for event in both.values()} == {ts}
    expected = "<@UOPSBOT> deploy v2 &amp; &lt;go&gt; with <@U02BOB> in <#C02STAGE|staging>"
    assert both["app_mention"]["text"] == expected
    assert both["message"]["channel_type"] == "channel"


def test_a_mention_is_answered_in_its_thread(workspace: Workspace, app: App, connect: Connect) -> None:
    app.event("app_mention")(lambda event, say: say("here", thread_ts=event["ts"]) and None)
    app.event("message")(lambda: None)
    connect()
    ts = workspace.say(ALICE, "#ops", "@opsbot help")
    reply = workspace.wait_for("#ops", "here")
    assert reply["thread_ts"] == ts
    assert workspace.messages("#ops", thread_ts=ts)[0]["reply_count"] == 1


def test_the_bots_own_message_is_echoed_and_another_bots_arrives(
    workspace: Workspace, web: WebClient, app: App, connect: Connect
) -> None:
    sent: queue.Queue[dict[str, Any]] = queue.Queue()
    heard: queue.Queue[dict[str, Any]] = queue.Queue()
    app.event("message")(lambda event: heard.put(event))  # noqa: PLW0108  bolt injects by argument name
    handler = connect()
    handler.client.message_listeners.append(lambda client, message, raw: sent.put(message))
    web.chat_postMessage(channel="C01OPS", text="mine")
    frames = iter(lambda: sent.get(timeout=SOON), None)
    echo = next(frame["payload"]["event"] for frame in frames if "payload" in frame)  # not the hello
    assert (echo["text"], echo["bot_id"], echo["user"]) == ("mine", "B01OPSBOT", "UOPSBOT")
    workspace.say("UCIBOT", "#ops", "build 41 is green")
    other = heard.get(timeout=SOON)
    assert (other["text"], other["bot_id"]) == ("build 41 is green", "B02CIBOT")


def test_a_slash_command_is_acknowledged_and_answered_to_the_asker_alone(
    workspace: Workspace, app: App, connect: Connect
) -> None:
    app.command("/ops")(lambda ack, command: ack(f"got {command['text']} in {command['channel_name']}"))
    connect()
    assert workspace.slash(ALICE, "#ops", "/ops", "status @bob") == "ok"
    shown = workspace.wait_for("#ops", "got status", ALICE)
    assert shown["text"] == "got status <@U02BOB|bob> in ops"
    assert shown["only_for"] == ALICE
    assert workspace.messages("#ops", BOB) == []


@pytest.mark.usefixtures("hasty")
def test_an_ack_after_the_deadline_is_shown_as_a_failure(workspace: Workspace, app: App, connect: Connect) -> None:
    app.command("/ops")(lambda ack: (time.sleep(0.8), ack("too late")))
    connect()
    assert workspace.slash(ALICE, "#ops", "/ops", "status") == "operation_timeout"
    assert workspace.messages("#ops", ALICE)[-1]["text"] == "/ops failed with the error operation_timeout"
    time.sleep(0.5)
    assert [m["text"] for m in workspace.messages("#ops", ALICE)] == ["/ops failed with the error operation_timeout"]


def test_a_slash_command_without_a_bot_fails_at_once(workspace: Workspace) -> None:
    assert workspace.slash(ALICE, "#ops", "/ops", "status") == "dispatch_failed"


def test_slash_commands_are_refused_in_threads_and_unknown_ones_everywhere(workspace: Workspace) -> None:
    ts = workspace.say(ALICE, "#ops", "a thread")
    assert workspace.slash(ALICE, "#ops", "/ops", "status", thread_ts=ts) == "not_supported_in_threads"
    assert workspace.slash(ALICE, "#ops", "/opps", "status") == "invalid_command"


def test_a_button_click_reaches_its_listener_with_the_message(
    workspace: Workspace, web: WebClient, app: App, connect: Connect
) -> None:
    clicks: queue.Queue[dict[str, Any]] = queue.Queue()
    app.action("rollback")(lambda ack, body: (ack(), clicks.put(body)))
    app.event("message")(lambda: None)
    connect()
    ts = web.chat_postMessage(channel="C01OPS", text="deployed", blocks=card(button("rollback")))["ts"]
    assert workspace.click(BOB, "#ops", ts, "rollback") == "ok"
    body = clicks.get(timeout=SOON)
    assert (body["user"]["id"], body["team"]["id"]) == (BOB, "T01")
    assert (body["actions"][0]["value"], body["actions"][0]["block_id"]) == ("v2", "row")
    assert body["message"]["ts"] == ts
    assert body["container"]["channel_id"] == "C01OPS"


def test_a_select_sends_the_option_that_was_chosen(
    workspace: Workspace, web: WebClient, app: App, connect: Connect
) -> None:
    clicks: queue.Queue[dict[str, Any]] = queue.Queue()
    app.action("tag")(lambda ack, action: (ack(), clicks.put(action)))
    app.event("message")(lambda: None)
    connect()
    options = [{"text": {"type": "plain_text", "text": tag}, "value": tag} for tag in ("v1", "v2")]
    select = {"type": "static_select", "action_id": "tag", "options": options}
    ts = web.chat_postMessage(channel="C01OPS", text="which", blocks=card(select))["ts"]
    workspace.click(ALICE, "#ops", ts, "tag", value="v2")
    assert clicks.get(timeout=SOON)["selected_option"]["value"] == "v2"
    with pytest.raises(ValueError, match="no option 'v9'"):
        workspace.click(ALICE, "#ops", ts, "tag", value="v9")


def test_response_url_replaces_the_message_and_ends_after_five_posts(
    workspace: Workspace, web: WebClient, app: App, connect: Connect
) -> None:
    statuses: queue.Queue[list[int]] = queue.Queue()

    def answer(ack: Any, respond: Any) -> None:
        ack()
        codes = [respond(text=f"step {n}", replace_original=True).status_code for n in range(6)]
        statuses.put(codes)

    app.action("go")(answer)
    app.event("message")(lambda: None)
    connect()
    ts = web.chat_postMessage(channel="C01OPS", text="before", blocks=card(button("go")))["ts"]
    workspace.click(ALICE, "#ops", ts, "go")
    assert statuses.get(timeout=SOON) == [200] * 5 + [404]
    (message,) = workspace.messages("#ops")
    assert (message["text"], message["edits"]) == ("step 4", 5)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ({"replace_original": "true", "text": "after"}, ["after"]),
        ({"replace_original": "false", "response_type": "in_channel", "text": "after"}, ["before", "after"]),
        ({"delete_original": "true"}, []),
        ({"delete_original": "true", "response_type": "in_channel", "text": "after"}, ["after"]),
    ],
    ids=["replaced", "beside it", "deleted", "deleted and said anew"],
)
def test_response_url_does_what_slacks_guide_shows(
    workspace: Workspace, web: WebClient, app: App, connect: Connect, said: dict[str, str], shown: list[str]
) -> None:
    statuses: queue.Queue[int] = queue.Queue()

    def answer(ack: Any, body: Any) -> None:
        ack()
        request = urllib.request.Request(body["response_url"], json.dumps(said).encode())
        with urllib.request.urlopen(request) as answered:
            statuses.put(answered.status)

    app.action("go")(answer)
    app.event("message")(lambda: None)
    connect()
    ts = web.chat_postMessage(channel="C01OPS", text="before", blocks=card(button("go")))["ts"]
    workspace.click(ALICE, "#ops", ts, "go")
    assert statuses.get(timeout=SOON) == 200
    assert [message["text"] for message in workspace.messages("#ops")] == shown


def test_a_modal_is_filled_in_refused_corrected_and_closed(workspace: Workspace, app: App, connect: Connect) -> None:
    submitted: queue.Queue[dict[str, Any]] = queue.Queue()
    modal = {
        "type": "modal",
        "callback_id": "deploy",
        "private_metadata": "C01OPS",
        "title": {"type": "plain_text", "text": "Deploy"},
        "submit": {"type": "plain_text", "text": "Go"},
        "blocks": [
            {
                "type": "input",
                "block_id": "tag",
                "label": {"type": "plain_text", "text": "Tag"},
                "element": {"type": "plain_text_input", "action_id": "value"},
            },
            {
                "type": "input",
                "block_id": "why",
                "optional": True,
                "label": {"type": "plain_text", "text": "Why"},
                "element": {"type": "plain_text_input", "action_id": "value"},
            },
        ],
    }

    def take(ack: Any, view: Any) -> None:
        values = view["state"]["values"]
        if values["tag"]["value"]["value"] == "v9":
            return ack(response_action="errors", errors={"tag": "There is no v9."})
        ack()
        return submitted.put(view)

    app.command("/ops")(lambda ack, client, body: (ack(), client.views_open(trigger_id=body["trigger_id"], view=modal)))
    app.view("deploy")(take)
    connect()
    workspace.slash(ALICE, "#ops", "/ops", "deploy")
    view = workspace.wait_for_view(ALICE)
    assert workspace.submit(ALICE, view["id"], {})["errors"] == {"tag": "Please complete this required field."}
    assert workspace.submit(ALICE, view["id"], {"tag": "v9"})["errors"] == {"tag": "There is no v9."}
    assert workspace.submit(ALICE, view["id"], {"tag": "v2"}) == {"ok": True}
    sent = submitted.get(timeout=SOON)
    assert sent["private_metadata"] == "C01OPS"
    assert sent["state"]["values"]["why"]["value"] == {"type": "plain_text_input", "value": None}
    assert workspace.views(ALICE) == []


def test_an_external_select_asks_the_bot_for_its_options(
    workspace: Workspace, web: WebClient, app: App, connect: Connect
) -> None:
    offered = [{"text": {"type": "plain_text", "text": "v2"}, "value": "v2"}]
    app.options("tag")(lambda ack, payload: ack(options=offered if payload["value"] == "v" else []))
    app.event("message")(lambda: None)
    connect()
    select = {"type": "external_select", "action_id": "tag", "min_query_length": 1}
    ts = web.chat_postMessage(channel="C01OPS", text="which", blocks=card(select))["ts"]
    assert workspace.suggest(ALICE, "tag", "v", channel="C01OPS", ts=ts) == offered


def test_people_act_at_the_same_time(workspace: Workspace, app: App, connect: Connect) -> None:
    heard: queue.Queue[str] = queue.Queue()
    app.event("message")(lambda event: heard.put(event["user"]))
    connect()
    people = [Person(user, workspace.url) for user in (ALICE, BOB, "U03CAROL")]
    threads = [threading.Thread(target=person.say, args=("#ops", "me too")) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(heard.get(timeout=SOON) for _ in people) == [ALICE, BOB, "U03CAROL"]
