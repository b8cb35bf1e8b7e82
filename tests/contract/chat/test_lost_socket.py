"""What a lost connection costs. Only Socket Mode holds one open: over HTTP there is none to cut, freeze or refresh."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from chat_doors import answered, until
from slack_sdk.web import WebClient

from opsbot.chat.socket import PING_EVERY, PONG_WITHIN, PatientClient
from opsbot.metrics import RECONNECTS
from opsbot.workspace import Workspace


def test_a_dropped_connection_is_soon_back(bot: Any, workspace: Workspace) -> None:
    bot.start()
    before, count = workspace.links(), RECONNECTS._value.get()
    workspace.drop()
    took = until(lambda: [name for name in workspace.links() if name not in before])
    assert took < 3.0  # the bench tells how soon
    assert answered(workspace, "again")
    assert RECONNECTS._value.get() == count + 1


def test_a_frozen_peer_is_noticed_by_its_missing_pong(bot: Any, workspace: Workspace) -> None:
    bot.start()
    assert answered(workspace, "before")
    before = workspace.links()
    workspace.freeze()
    took = until(lambda: [name for name in workspace.links() if name not in before], within=10)
    assert took < 8.0  # one ping a second, 0.5 s for the pong, 0.2 s for a goodbye that nobody answers
    assert answered(workspace, "after")


def test_a_refresh_that_slack_asks_for_loses_no_word(bot: Any, workspace: Workspace) -> None:
    bot.start()
    before = workspace.links()
    workspace.disconnect()
    assert answered(workspace, "meanwhile")
    until(lambda: [name for name in workspace.links() if name not in before])
    assert answered(workspace, "after")
    assert [request.text for request in bot.asked] == ["meanwhile", "after"]


def test_words_said_while_the_connection_was_cut_are_heard_after(bot: Any, workspace: Workspace) -> None:
    bot.start()
    workspace.drop()
    assert answered(workspace, "meanwhile")
    assert [request.text for request in bot.asked] == ["meanwhile"]


def test_however_many_threads_ask_for_a_new_connection_one_is_made(bot: Any, workspace: Workspace) -> None:
    client = bot.start()._link._socket
    client.on_close_listeners.append(lambda _session: time.sleep(0.5))  # as on a busy machine: the next begins late
    before = workspace.links()
    workspace.slow(0.3)
    workspace.forget()
    workspace.drop()
    until(lambda: not client.is_connected())
    with ThreadPoolExecutor(6) as several:
        list(several.map(lambda _number: client.connect_to_new_endpoint(), range(6)))
    until(lambda: [name for name in workspace.links() if name not in before])
    workspace.slow(0)
    assert answered(workspace, "after")
    assert len(workspace.calls("apps.connections.open")) == 1
    assert len(workspace.links()) == 1


def test_a_stop_in_the_middle_of_a_handshake_waits_for_nobody_and_leaves_no_socket_open() -> None:
    web = WebClient()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        web.apps_connections_open = lambda app_token: {"url": f"ws://127.0.0.1:{silent.getsockname()[1]}/"}
        client = PatientClient("xapp-1", web, PING_EVERY, PONG_WITHIN)
        client.connect()
        peer, _ = silent.accept()
        with peer:
            peer.settimeout(3)
            assert peer.recv(4096).startswith(b"GET / HTTP/1.1")
            began = time.monotonic()
            client.close()
            assert peer.recv(1) == b"", "it hung up"
    assert time.monotonic() - began < 3


def test_an_outage_is_said(bot: Any, workspace: Workspace) -> None:
    front = bot.start()
    workspace.down()
    until(lambda: not front.healthy()[0])
    assert "is lost and is being made again" in front.healthy()[1]
    workspace.up()
    until(lambda: front.healthy()[0], within=10)


@pytest.mark.long
def test_with_the_settings_we_ship_a_frozen_peer_costs_less_than_thirty_seconds(bot: Any, workspace: Workspace) -> None:
    bot.pings = None
    bot.start()
    before = workspace.links()
    workspace.freeze()
    assert until(lambda: [name for name in workspace.links() if name not in before], within=30) < 15
