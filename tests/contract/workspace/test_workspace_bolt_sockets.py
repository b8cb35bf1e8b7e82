"""A real slack-bolt app's sockets: late acknowledgements, several of them, dropped, frozen and renewed ones."""

import json
import queue
import time
from collections.abc import Callable
from typing import Any

import pytest
from slack_bolt import App
from slack_bolt.adapter.socket_mode.websocket_client import SocketModeHandler
from slack_sdk import WebClient

from opsbot.workspace import Workspace

Connect = Callable[[], SocketModeHandler]


ALICE, BOB = "U01ALICE", "U02BOB"


SOON = 10  # seconds at most, on a machine that has much else to do


@pytest.mark.usefixtures("hasty")
def test_an_unacknowledged_event_is_delivered_four_times_in_all(
    workspace: Workspace, web: WebClient, app: App, connect: Connect
) -> None:
    seen: queue.Queue[tuple[str, str, str]] = queue.Queue()

    def silent(req: Any, body: Any) -> None:
        number, reason = (req.headers.get(f"x-slack-retry-{name}", [""])[0] for name in ("num", "reason"))
        seen.put((number, reason, body["event_id"]))
        time.sleep(0.6)

    app.use(silent)
    connect()
    workspace.say(ALICE, "#ops", "hello")
    tries = [seen.get(timeout=SOON) for _ in range(4)]
    assert [(attempt, reason) for attempt, reason, _ in tries] == [
        ("0", ""),
        ("1", "timeout"),
        ("2", "timeout"),
        ("3", "timeout"),
    ]
    assert len({event_id for _, _, event_id in tries}) == 1


def test_each_envelope_goes_to_one_of_several_sockets(workspace: Workspace, app: App, connect: Connect) -> None:
    heard: queue.Queue[str] = queue.Queue()
    app.event("message")(lambda event: heard.put(event["text"]))
    connect()
    connect()
    for number in range(6):
        workspace.say(ALICE, "#ops", f"message {number}")
    assert sorted(heard.get(timeout=SOON) for _ in range(6)) == [f"message {number}" for number in range(6)]
    assert len({line["link"] for line in workspace.deliveries()}) == 2
    assert heard.empty()


def test_a_dropped_socket_comes_back_and_the_event_is_not_lost(
    workspace: Workspace, app: App, connect: Connect
) -> None:
    heard: queue.Queue[str] = queue.Queue()
    app.event("message")(lambda event: heard.put(event["text"]))
    connect()
    before = workspace.links()
    assert workspace.drop() == 1
    workspace.wait_for_links(other_than=before, timeout=5)
    workspace.say(ALICE, "#ops", "after the drop")
    assert heard.get(timeout=SOON) == "after the drop"


@pytest.mark.usefixtures("hasty")
def test_a_frozen_socket_takes_an_envelope_and_never_acknowledges(
    workspace: Workspace, app: App, connect: Connect
) -> None:
    app.command("/ops")(lambda ack: ack("fine"))
    connect()
    assert workspace.freeze() == 1
    assert workspace.slash(ALICE, "#ops", "/ops", "status") == "operation_timeout"
    frozen = workspace.deliveries()[-1]["link"]
    workspace.wait_for_links(other_than=[frozen], timeout=5)  # its pong deadline passed
    assert workspace.slash(ALICE, "#ops", "/ops", "status") == "ok"


@pytest.mark.parametrize("reason", ["refresh_requested", "link_disabled"])
def test_a_disconnect_envelope_makes_the_bot_open_a_new_socket(
    workspace: Workspace, app: App, connect: Connect, reason: str
) -> None:
    app.command("/ops")(lambda ack: ack("fine"))
    heard: queue.Queue[dict[str, Any]] = queue.Queue()
    connect().client.on_message_listeners.append(lambda _socket, raw: heard.put(json.loads(raw)))
    before = workspace.links()
    assert workspace.disconnect(reason) == 1
    frames = iter(lambda: heard.get(timeout=SOON), None)
    assert next(frame["reason"] for frame in frames if frame.get("type") == "disconnect") == reason
    workspace.wait_for_links(other_than=before, timeout=5)
    assert workspace.slash(ALICE, "#ops", "/ops", "status") == "ok"


def test_a_bot_that_comes_back_while_the_workspace_is_away_reconnects(
    workspace: Workspace, app: App, connect: Connect
) -> None:
    app.command("/ops")(lambda ack: ack("fine"))
    connect()
    before = workspace.links()
    workspace.order("away", seconds=0.3)
    workspace_answers(workspace)
    workspace.wait_for_links(other_than=before, timeout=15)
    assert workspace.slash(ALICE, "#ops", "/ops", "status") == "ok"


def workspace_answers(workspace: Workspace) -> None:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        time.sleep(0.1)
        try:
            workspace.links()
        except OSError:
            continue
        return
