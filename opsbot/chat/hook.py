"""Slack calls us: signed requests over HTTP, checked before anything in them is believed, then the same as over the socket."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from slack_bolt import App
from slack_bolt.request import BoltRequest

from opsbot import log as logs
from opsbot.chat.ear import Ear, own_message
from opsbot.clock import Clock
from opsbot.log import Secret

log = logs.get(__name__)

WINDOW = 300.0  # seconds that a request may be old, or ahead of our clock
VERSION = "v0"
NEVER = float("inf")  # silence is no sign: Slack calls only when somebody speaks


class Answer(NamedTuple):
    """What is sent back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


NOT_YET = Answer(503, {"Retry-After": "5"}, b"")  # Slack tries again
TEXT = {"Content-Type": "text/plain; charset=utf-8"}


class Hook:
    """Feeds a bolt app with what Slack posts to us. `bot` is our own user."""

    def __init__(self, app: App, secret: Secret, clock: Clock, bot: str) -> None:
        self._app, self._secret, self._clock, self._bot = app, secret, clock, bot
        self._called = self._stopped = False
        self.ear = Ear(clock, silence=NEVER)

    def start(self) -> None:
        """Nothing is to be opened: the web server listens already."""

    def stop(self) -> None:
        """Take nothing more: the next bot is asked."""
        self._stopped = True

    def up(self) -> bool:
        """Whether we would hear somebody, as far as that can be known."""
        return self.ear.deaf() is None

    def says(self, since: str) -> str:
        """A sentence for status."""
        deaf = self.ear.deaf()
        if deaf:
            return f"Slack is reached, but does not call us: {deaf}. Look at the Request URL of the app."
        called = "it has called" if self._called else "it has not called yet"
        return f"Slack calls us over HTTP; ready {since}, {called}."

    def receive(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Answer one POST. `headers` by lower-case name. What is not signed is not looked into."""
        if self._stopped:
            return NOT_YET
        if not signed(self._secret.reveal(), body, headers, self._clock.now().timestamp()):
            log.warning("slack.not_signed", bytes=len(body))
            return Answer(401, TEXT, b"This request is not signed by Slack, or too old.\n")
        try:
            payload = parsed(body, headers.get("content-type", ""))
        except ValueError:
            return Answer(400, TEXT, b"This is none of Slack's requests.\n")
        self._called |= payload.get("type") != "url_verification"  # `doctor` says that too
        event = payload.get("event") if isinstance(payload.get("event"), dict) else {}
        self.ear.hear(event=bool(event), own=own_message(event or {}, self._bot))
        if "ssl_check" in payload:
            return Answer(200, TEXT, b"")
        given = self._app.dispatch(BoltRequest(mode="socket_mode", body=payload, headers=_retries(headers)))
        kinds = {name: values[0] for name, values in given.headers.items() if name.lower() == "content-type"}
        return Answer(given.status, kinds, (given.body or "").encode())


def signed(secret: str, body: bytes, headers: Mapping[str, str], now: float) -> bool:
    """Whether the body was signed with the secret within the window; compared in constant time.

    As in Slack's documentation, “Verifying requests from Slack”: HMAC-SHA256 of `v0:timestamp:body`.
    """
    at, given = headers.get("x-slack-request-timestamp", ""), headers.get("x-slack-signature", "")
    if not secret or not (at.isascii() and at.isdigit() and len(at) < 16) or abs(now - int(at)) > WINDOW:
        return False
    digest = hmac.new(secret.encode(), f"{VERSION}:{at}:".encode() + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(f"{VERSION}={digest}".encode(), given.encode("utf-8", "replace"))


def parsed(body: bytes, kind: str) -> dict[str, Any]:
    """The payload of a request: JSON, or a form (whose `payload` is JSON). ValueError for anything else."""
    text = body.decode()  # UnicodeDecodeError is a ValueError
    if kind.partition(";")[0].strip().lower() == "application/json":
        payload = json.loads(text)
    else:
        form = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=100))
        payload = json.loads(form["payload"]) if "payload" in form else form
    if not isinstance(payload, dict) or not payload:
        raise ValueError("not an object")
    return payload


def _retries(headers: Mapping[str, str]) -> dict[str, str | Sequence[str]]:
    return {name: headers[name] for name in ("x-slack-retry-num", "x-slack-retry-reason") if name in headers}
