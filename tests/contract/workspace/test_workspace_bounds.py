"""What a person cannot do: open a fourth dialog, or act in a channel that they are not in."""

import queue
import re
from collections.abc import Callable
from typing import Any

import pytest
from slack_bolt import App
from slack_bolt.adapter.socket_mode.websocket_client import SocketModeHandler
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from opsbot.workspace import Workspace
from tests.contract.workspace import kit

Connect = Callable[[], SocketModeHandler]
ALICE, BOB = "U01ALICE", "U02BOB"
DEEPER = kit.row(kit.button("Deeper", action_id="deeper", value="1"))
LAYER = kit.modal(kit.asked(kit.typed(action_id="name"), block_id="name"), DEEPER)


def stacked(workspace: Workspace, app: App, connect: Connect) -> tuple[list[str], queue.Queue[str]]:
    """Three dialogs of Alice, each opened with `views.open` from inside the one before; and what a fourth is refused with."""
    refused: queue.Queue[str] = queue.Queue()

    def deeper(ack: Any, body: Any, client: WebClient) -> None:
        ack()
        try:
            client.views_open(trigger_id=body["trigger_id"], view=LAYER)
        except SlackApiError as error:
            refused.put(error.response["error"])

    app.command("/ops")(deeper)
    app.action("deeper")(deeper)
    app.view("")(lambda ack: ack(response_action="push", view=LAYER))
    connect()
    assert workspace.slash(ALICE, "#ops", "/ops") == "ok"
    for layer in (0, 1):
        above = workspace.wait_until(lambda layer=layer: workspace.views(ALICE)[layer:])
        assert workspace.act(ALICE, above[0]["id"], "deeper") == "ok"
    workspace.wait_until(lambda: workspace.views(ALICE)[2:])
    return [view["id"] for view in workspace.views(ALICE)], refused


def test_a_fourth_dialog_is_refused_by_whatever_door_it_would_come(
    workspace: Workspace, app: App, connect: Connect
) -> None:
    three, refused = stacked(workspace, app, connect)
    assert workspace.act(ALICE, three[-1], "deeper") == "ok"
    assert refused.get(timeout=3) == "push_limit_reached"
    pushed = workspace.submit(ALICE, three[-1], {"name": "web"})
    assert (pushed["ok"], pushed["error"]) == (False, "push_limit_reached")
    assert pushed["errors"] == {"": "We had some trouble connecting. Try again?"}
    assert [view["id"] for view in workspace.views(ALICE)] == three


def test_with_two_dialogs_open_an_answer_may_push_the_third(workspace: Workspace, app: App, connect: Connect) -> None:
    three, _ = stacked(workspace, app, connect)
    workspace.close(ALICE, three[-1])
    assert workspace.submit(ALICE, three[1], {"name": "web"}) == {"ok": True}
    assert [view["id"] for view in workspace.views(ALICE)][:2] == three[:2]
    assert len(workspace.views(ALICE)) == 3


def test_who_is_not_in_a_channel_can_do_nothing_there(
    workspace: Workspace, web: WebClient, app: App, connect: Connect
) -> None:
    heard: queue.Queue[str] = queue.Queue()
    app.event("message")(lambda: None)
    app.event(re.compile("reaction_|member_"))(lambda: None)
    app.action("rollback")(lambda ack: (ack(), heard.put("a click")))
    app.command("/ops")(lambda ack: (ack(), heard.put("a command")))
    connect()
    ts = web.chat_postMessage(
        channel="C01OPS", text="deployed", blocks=[kit.row(kit.button(action_id="rollback", value="v1"))]
    )["ts"]
    workspace.send("POST", "/page/react", {"user": BOB, "channel": "C01OPS", "ts": ts, "name": "eyes"})
    workspace.join("#ops", BOB, leave=True)
    reacts = {"user": BOB, "channel": "C01OPS", "ts": ts, "name": "tada"}
    for act in (
        lambda: workspace.say(BOB, "#ops", "hello?"),
        lambda: workspace.slash(BOB, "#ops", "/ops", "status"),
        lambda: workspace.click(BOB, "#ops", ts, "rollback"),
        lambda: workspace.send("POST", "/page/react", reacts),
        lambda: workspace.send("POST", "/page/react", reacts | {"name": "eyes", "remove": True}),
    ):
        with pytest.raises(ValueError, match=r"bob is not in #ops\."):
            act()
    assert heard.empty()
    [shown] = workspace.messages("#ops", ALICE)
    assert [(one["name"], one["users"]) for one in shown["reactions"]] == [("eyes", [BOB])]
