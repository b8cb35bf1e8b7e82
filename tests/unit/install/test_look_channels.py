"""What `doctor` says of private channels, from Slack's own answers as its reference has them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest

from opsbot.config.settings import Config
from opsbot.errors import Refused
from opsbot.install.finding import Finding, look
from opsbot.install.look_slack import channels

OPS = {"id": "C1", "name": "ops", "is_member": True, "is_private": False}
SECRET = {"id": "C2", "name": "war-room", "is_member": True, "is_private": True}
REFUSED = {"ok": False, "error": "missing_scope", "needed": "groups:read", "provided": "channels:read"}


@contextmanager
def slack(private: dict[str, Any]) -> Iterator[str]:
    """`conversations.list`, with an answer for private channels."""
    answers = {"public_channel": {"ok": True, "channels": [OPS]}, "private_channel": private}

    class Api(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            body = json.dumps(answers[said["types"][0]]).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/api/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def found(private: dict[str, Any], *names: str) -> list[Finding]:
    with slack(private) as url:
        environments = {f"e{number}": {"stack": "s", "channel": name} for number, name in enumerate(names)}
        tokens = {"api_url": url, "bot_token": "xoxb-of-this-test"}
        config = Config.model_validate({"team": {"channel": "#ops"}, "slack": tokens, "environments": environments})
        return channels(config)


def test_a_private_channel_that_the_app_may_not_look_at_is_no_failure() -> None:
    well, private = found(REFUSED, "#war-room")
    assert (well.state, well.says) == ("ok", "The bot is in #ops.")
    assert (private.state, "private ones cannot be looked at" in private.says) == ("warn", True)
    assert "/invite" in private.cure
    assert "groups:read" in private.cure


def test_with_the_scope_a_private_channel_is_looked_at_by_name_and_by_id() -> None:
    listed = {"ok": True, "channels": [SECRET]}
    assert [(one.state, one.says) for one in found(listed, "#war-room", "C2")] == [
        ("ok", "The bot is in #ops, #war-room, C2.")
    ]
    _, missing = found(listed, "#wra-room")
    assert (missing.state, "There is no channel #wra-room that the bot can see" in missing.says) == ("bad", True)


def test_a_slip_in_a_channels_name_is_asked_about() -> None:
    assert "Did you mean #ops?" in found(REFUSED, "#opps")[1].cure


def test_another_refusal_is_not_taken_for_a_private_channel() -> None:
    with pytest.raises(Refused, match="account_inactive"):
        found({"ok": False, "error": "account_inactive"}, "#war-room")
    assert look({"part": lambda: found({"ok": False, "error": "account_inactive"}, "#x")})["part"][0].state == "bad"


def test_private_channels_are_not_asked_for_where_all_are_public() -> None:
    assert [one.state for one in found({"ok": False, "error": "fatal_error"})] == ["ok"]
