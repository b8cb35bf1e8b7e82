"""What the bot's answers are held against: a bolt app as in its manual, which says back what it hears."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from slack_bolt import App, Say
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk.web import WebClient

from opsbot.demo import daemon, workspace
from opsbot.demo.state import CHECKOUT, State
from opsbot.workspace.client import Controls
from tests.bench.world import PREFIX, say

NAME = f"{PREFIX}-echo"


@contextmanager
def echo(state: State) -> Iterator[Controls]:
    """The app as a program, in a workspace of its own, because a workspace has one app; both end with the block."""
    place = workspace.ensure(state, NAME, 0, say)
    env = {"ECHO_API": place.api, "ECHO_BOT_TOKEN": place.bot_token, "ECHO_APP_TOKEN": place.app_token}
    try:
        daemon.start(state, NAME, [sys.executable, "-m", "tests.bench.echo"], {**env, "PYTHONPATH": str(CHECKOUT)})
        controls = Controls(place.url)
        controls.wait_for_links(timeout=20)
        yield controls
    finally:
        daemon.stop(state, NAME)
        workspace.stop(state, NAME)


def main() -> None:
    """Echo until SIGTERM."""
    app = App(client=WebClient(os.environ["ECHO_BOT_TOKEN"], base_url=os.environ["ECHO_API"]))

    @app.event("app_mention")
    def hear(event: dict[str, Any], say: Say) -> None:
        say(event["text"])

    @app.event("message")
    def ignore() -> None:
        return None

    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    socket: Any = SocketModeHandler(app, os.environ["ECHO_APP_TOKEN"])
    socket.connect()
    over.wait()
    socket.close()


if __name__ == "__main__":
    main()
