"""Deliveries to the bot: through which door each goes, who acknowledged in time, what is delivered again.

The doors: Socket Mode's open sockets, in turn; or, while request URLs are set, signed HTTP alone.
"""

import asyncio
import secrets
from collections import OrderedDict
from typing import Any

from opsbot.workspace.errors import Undelivered
from opsbot.workspace.inspector import Entry, Inspector
from opsbot.workspace.records import Json
from opsbot.workspace.settings import Settings
from opsbot.workspace.signed import RequestUrls, SignedHttp
from opsbot.workspace.sockets import Sockets

EVENTS_KEPT = 500  # for delivering one again on demand


class Delivery:
    """Sends payloads to the bot and waits for its answers."""

    def __init__(self, settings: Settings, inspector: Inspector, secret: str) -> None:
        self.settings = settings
        self.inspector = inspector
        self.sockets = Sockets(settings)
        self.http: SignedHttp | None = None
        self._secret = secret
        self._sent: OrderedDict[str, tuple[Json, int]] = OrderedDict()  # event_id → payload, last attempt
        self._running: set[asyncio.Task[None]] = set()

    @property
    def door(self) -> str:
        """`http` while request URLs are set, else `socket`."""
        return "http" if self.http else "socket"

    async def use_http(self, urls: RequestUrls | None, *, verify: bool = True) -> None:
        """Deliver to these URLs from now on (after Slack's handshake), or over sockets again with None. Raises Refused."""
        http = SignedHttp(urls, self._secret, self.settings.ack_seconds) if urls else None
        if http and verify:
            try:
                await http.verify()
            except BaseException:  # refused, or the workspace stops: its threads go either way
                http.close()
                raise
        if self.http:
            self.http.close()
        self.http = http

    async def call(self, kind: str, payload: Json, *, attempt: int = 0, reason: str = "") -> Json:
        """Deliver once and wait for the answer's payload. Raises Undelivered."""
        sent_id = secrets.token_hex(16)
        more: Json = {"envelope_id": sent_id, "via": self.door, "link": "", "attempt": attempt, "outcome": "waiting"}
        if "event_id" in payload:
            more["event_id"] = payload["event_id"]
        entry = self.inspector.add("envelope", kind, _detail(payload), payload, **more)
        self.inspector.show(entry)
        try:
            answer = await self._through(entry, kind, payload, attempt, reason)
        except Undelivered as failed:
            self.inspector.end(entry, error=failed.code, outcome=failed.code)
            raise
        self.inspector.end(entry, answer, outcome="acknowledged")
        return answer

    async def _through(self, entry: Entry, kind: str, payload: Json, attempt: int, reason: str) -> Json:
        if self.http:
            return await self.http.send(kind, payload, attempt, reason)
        envelope: Json = {"envelope_id": entry.more["envelope_id"], "type": kind, "payload": payload}
        envelope["accepts_response_payload"] = accepts_payload(kind, payload)
        if kind == "events_api":
            envelope |= {"retry_attempt": attempt, "retry_reason": reason}
        link = self.sockets.next_link()
        entry.more["link"] = link.name
        return await self.sockets.send(link, envelope)

    def event(self, payload: Json) -> None:
        """Deliver an event in the background: once, and again up to three times while nobody acknowledges it."""
        self._note(payload, 0)
        self.spawn(self._event(payload))

    async def _event(self, payload: Json) -> None:
        reason = ""
        for attempt, pause in enumerate((0.0, *self.settings.redelivery_pauses)):
            if pause:
                await asyncio.sleep(pause)
            self._note(payload, attempt)
            try:
                await self.call("events_api", payload, attempt=attempt, reason=reason)
            except Undelivered as gone:
                if not gone.again:
                    return
                reason = gone.reason
                continue
            return

    async def again(self, event_id: str = "", reason: str = "") -> Json | None:
        """Deliver an event (default: the newest) once more, with its next retry number; None when it is not kept."""
        event_id = event_id or next(reversed(self._sent), "")
        if event_id not in self._sent:
            return None
        payload, last = self._sent[event_id]
        self._note(payload, last + 1)
        reason = reason or ("http_timeout" if self.http else "timeout")
        outcome = "acknowledged"
        try:
            await self.call("events_api", payload, attempt=last + 1, reason=reason)
        except Undelivered as gone:
            outcome = gone.code
        return {"event_id": event_id, "attempt": last + 1, "outcome": outcome}

    def _note(self, payload: Json, attempt: int) -> None:
        self._sent[payload["event_id"]] = (payload, attempt)
        while len(self._sent) > EVENTS_KEPT:
            self._sent.popitem(last=False)

    def spawn(self, work: Any) -> None:
        """Run a coroutine in the background, kept alive until it ends or the workspace stops."""
        running = asyncio.get_running_loop().create_task(work)
        self._running.add(running)
        running.add_done_callback(self._running.discard)

    def stop(self) -> None:
        """Give up everything that is under way and cut every socket."""
        for running in list(self._running):
            running.cancel()
        for link in list(self.sockets.links):
            link.drop()
        if self.http:
            self.http.close()


def accepts_payload(kind: str, payload: Json) -> bool:
    """Whether the ack may carry an answer: commands, submissions, suggestions; Slack's guide says it of clicks too."""
    return kind == "slash_commands" or payload.get("type") in ("view_submission", "block_suggestion", "block_actions")


def _detail(payload: Json) -> str:
    """What a delivery is about, in a word or two for the inspector."""
    if "event" in payload:
        event = payload["event"]
        return f"{event['type']} {event.get('subtype', '')}".strip()
    if "command" in payload:
        return f"{payload['command']} {payload['text']}".strip()
    names = [action["action_id"] for action in payload.get("actions", [])]
    named = ", ".join(names) or payload.get("action_id") or payload.get("callback_id") or _callback(payload)
    return f"{payload['type']} {named}".strip()


def _callback(payload: Json) -> str:
    return str((payload.get("view") or {}).get("callback_id", ""))
