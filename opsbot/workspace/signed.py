"""Signed HTTP delivery: posts to the bot's request URLs as Slack does, and reads its answer.

Signature v0 = HMAC-SHA256 over `v0:<epoch seconds>:<body>` with the signing secret.
"""

import asyncio
import hashlib
import hmac
import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from opsbot.workspace.errors import Refused, Undelivered
from opsbot.workspace.records import Json

AGENT = "Slackbot 1.0 (+https://api.slack.com/robots)"
AT_ONCE = 64  # posts under way; each waits on a thread of its own
_OURS = {"127.0.0.1", "localhost", "::1"}
_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"


@dataclass(frozen=True)
class RequestUrls:
    """Where each kind of delivery goes; `options` is for selects that ask the bot. All on the loopback."""

    events: str
    commands: str
    interactivity: str
    options: str

    @classmethod
    def of(
        cls, url: str = "", events: str = "", commands: str = "", interactivity: str = "", options: str = ""
    ) -> "RequestUrls":
        """One URL for everything, and others where they differ; Refused when one is missing or not on the loopback."""
        found = cls(events or url, commands or url, interactivity or url, options or interactivity or url)
        for one in (found.events, found.commands, found.interactivity, found.options):
            parts = urlsplit(one)
            if parts.scheme != "http" or parts.hostname not in _OURS:
                raise Refused(f"A request URL must be http:// on this machine, not {one!r}.")
        return found

    def of_kind(self, kind: str, payload: Json) -> str:
        """The URL for an envelope of this type."""
        if kind == "interactive":
            return self.options if payload.get("type") == "block_suggestion" else self.interactivity
        return self.commands if kind == "slash_commands" else self.events


@dataclass(frozen=True)
class Response:
    """What the bot's server answered."""

    status: int
    headers: dict[str, str]
    body: bytes


class SignedHttp:
    """Delivers to one app's request URLs. `seconds` is how long the bot has to answer."""

    def __init__(self, urls: RequestUrls, secret: str, seconds: float) -> None:
        self.urls = urls
        self._secret = secret
        self._seconds = seconds
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="request-url")

    async def send(self, kind: str, payload: Json, attempt: int, reason: str) -> Json:
        """Post one delivery; answers the body's payload. Raises Undelivered with Slack's reason for a retry."""
        headers = {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": reason} if attempt else {}
        content, body = _written(kind, payload)
        response = await self._post(self.urls.of_kind(kind, payload), content, body, headers)
        if not 200 <= response.status < 300:
            code = "http_service_error" if response.status >= 500 else "http_client_error"
            moved = "too_many_redirects" if 300 <= response.status < 400 else "http_error"
            raise Undelivered(code, moved, again=response.headers.get("x-slack-no-retry") != "1")
        return _read(response)

    async def verify(self) -> None:
        """Slack's handshake before it takes an events URL: the bot must give the challenge back. Refused if not."""
        challenge = hashlib.sha256(str(time.time_ns()).encode()).hexdigest()
        asked = {"token": "", "challenge": challenge, "type": "url_verification"}
        try:
            response = await self._post(self.urls.events, _JSON, json.dumps(asked).encode(), {})
        except Undelivered as failed:
            raise Refused(f"The request URL did not answer ({failed.reason}).") from failed
        if response.status != 200 or challenge not in response.body.decode("utf-8", "replace"):
            raise Refused("The request URL did not respond with the value of the challenge parameter.")

    def close(self) -> None:
        """Take no more; what is under way ends by itself."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _post(self, url: str, content: str, body: bytes, extra: dict[str, str]) -> Response:
        headers = (
            {"Content-Type": content, "User-Agent": AGENT, "Accept": "*/*"} | extra | signature(self._secret, body)
        )
        loop = asyncio.get_running_loop()
        posted = loop.run_in_executor(self._pool, post, url, body, headers, self._seconds)
        try:
            return await asyncio.wait_for(posted, self._seconds)
        except TimeoutError:
            raise Undelivered("operation_timeout", "http_timeout") from None
        except (OSError, http.client.HTTPException) as gone:
            raise Undelivered("dispatch_failed", "connection_failed") from gone


def signature(secret: str, body: bytes, now: float | None = None) -> dict[str, str]:
    """The two headers that prove a request is Slack's."""
    stamp = str(int(time.time() if now is None else now))
    digest = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}


def post(url: str, body: bytes, headers: dict[str, str], seconds: float) -> Response:
    """One blocking POST on a connection of its own."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=seconds)
    try:
        connection.request("POST", parts.path or "/", body, headers)
        answer = connection.getresponse()
        given = {name.lower(): value for name, value in answer.getheaders()}
        return Response(answer.status, given, answer.read())
    finally:
        connection.close()


def _written(kind: str, payload: Json) -> tuple[str, bytes]:
    if kind == "events_api":
        return _JSON, json.dumps(payload).encode()
    fields = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
    return _FORM, urlencode(fields).encode()


def _read(response: Response) -> Json:
    text = response.body.decode("utf-8", "replace")
    if not text.strip():
        return {}
    try:
        parsed = json.loads(text)
    except ValueError:
        return {"text": text}
    return parsed if isinstance(parsed, dict) else {"text": text}
