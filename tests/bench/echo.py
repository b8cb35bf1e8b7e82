"""What the bot's answers are held against: a bolt app as in its manual, which says back what it hears.

A click on the button of its answer is answered beside it, for the person who clicked, as the bot does.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from slack_bolt import Ack, App, Respond, Say
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk.web import WebClient

from opsbot.demo import daemon, workspace
from opsbot.demo.state import CHECKOUT, State
from opsbot.workspace.client import Controls
from tests.bench.rows import Row, percentile
from tests.bench.world import PREFIX, NotMeasured, say

Both = tuple[Sequence[float], Sequence[float]]  # seconds of ours, of the echo

NAME = f"{PREFIX}-echo"
AGAINST = "a bare bolt app that echoes, built-in Socket Mode client"


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


def pid(state: State) -> int:
    """Of the app, while it runs; NotMeasured if it does not."""
    found = daemon.running(state, NAME)
    if found is None:
        raise NotMeasured("the echo ended")
    return found.pid


@dataclass(frozen=True)
class Beside:
    """Names of the three rows that each share of two samples makes: the bot's time, the echo's, and their ratio."""

    ours: str
    theirs: str
    ratio: str

    def rows(
        self, area: str, where: str, how: str, seconds: Both, shares: Sequence[float], target: float | None = None
    ) -> list[Row]:
        """`where` follows the names; the target is of the ratio at the first share."""
        rows = []
        for position, share in enumerate(shares):
            name = f"{where} p{share * 100:.0f}"
            ours, theirs = (percentile(side, share) for side in seconds)
            judged = None if position else target
            rows += [
                Row(area, f"{self.ours}{name}", ours * 1000, "ms", how),
                Row(area, f"{self.theirs}{name}", theirs * 1000, "ms", how),
                Row(area, f"{self.ratio}{name}", ours / theirs, "×", how, judged, against=AGAINST),
            ]
        return rows


def main() -> None:
    """Echo until SIGTERM."""
    app = App(client=WebClient(os.environ["ECHO_BOT_TOKEN"], base_url=os.environ["ECHO_API"]))

    @app.event("app_mention")
    def hear(event: dict[str, Any], say: Say) -> None:
        say(event["text"])

    @app.event("message")
    def ignore() -> None:
        return None

    @app.command("/ops")
    def repeat(ack: Ack, command: dict[str, Any], respond: Respond) -> None:
        ack()
        respond(text=command["text"], blocks=_card(command["text"]))

    @app.action("again")
    def change(ack: Ack, action: dict[str, Any], respond: Respond) -> None:
        ack()
        respond(text="again", blocks=_card(f"{action['value']} again"), replace_original=False)

    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    socket: Any = SocketModeHandler(app, os.environ["ECHO_APP_TOKEN"])
    socket.connect()
    over.wait()
    socket.close()


def _card(text: str) -> list[dict[str, Any]]:
    button = {"type": "button", "action_id": "again", "text": {"type": "plain_text", "text": "Again"}, "value": text}
    return [
        {"type": "section", "text": {"type": "mrkdwn", "text": text}},
        {"type": "actions", "elements": [button]},
    ]


if __name__ == "__main__":
    main()
