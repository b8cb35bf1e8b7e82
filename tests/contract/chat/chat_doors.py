"""The two doors through which Slack reaches us: what the settings say, and what must stand before words come through."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from opsbot.chat.front import SlackFront
from opsbot.install import scopes
from opsbot.web import Routes, Web
from opsbot.workspace import Settings, Workspace


def as_installed(**more: Any) -> Settings:
    """A workspace in which the app has what its manifest asks for, and nothing besides."""
    return Settings(events=tuple(need.name for need in scopes.EVENTS), scopes=tuple(scopes.bot_scopes()), **more)


class Hall:
    """The web server in front of a bot that Slack calls, and the workspace's knowledge of it."""

    def __init__(self, workspace: Workspace, front: SlackFront) -> None:
        self._workspace = workspace
        self._web = Web("127.0.0.1:0", Routes(lambda: (True, {}), front.receive, metrics=False))
        self._web.start()

    def open(self) -> None:
        """From now on the workspace delivers here; answers its handshake."""
        self._workspace.http(f"http://127.0.0.1:{self._web.port}/slack/events")

    def close(self) -> None:
        self._web.stop()


def settings_of(workspace: Workspace, door: str) -> dict[str, str]:
    """The part of opsbot.yml about Slack."""
    slack = {"bot_token": workspace.bot_token, "api_url": workspace.api_url}
    if door == "socket":
        return slack | {"app_token": workspace.app_token}
    return slack | {"http": "127.0.0.1:0", "signing_secret": workspace.signing_secret}


def connected(workspace: Workspace, front: SlackFront, door: str) -> Hall | None:
    """Wait until the bot hears the workspace."""
    if door == "socket":
        workspace.wait_for_links()
        return None
    limit = time.monotonic() + 10
    while not front.healthy()[0]:
        assert time.monotonic() < limit, front.healthy()
        time.sleep(0.01)
    hall = Hall(workspace, front)
    hall.open()
    return hall


def until(done: Callable[[], Any], within: float = 5.0) -> float:
    """Wait for it; how many seconds it took."""
    started = time.monotonic()
    while not done():
        assert time.monotonic() < started + within, "it did not happen in time"
        time.sleep(0.02)
    return time.monotonic() - started


def answered(workspace: Workspace, word: str, within: float = 10.0) -> bool:
    """Say a word in #ops and wait for the answer."""
    workspace.say("U01ALICE", "#ops", f"@opsbot {word}")
    return bool(workspace.wait_for("#ops", f"heard `{word}`", timeout=within))
