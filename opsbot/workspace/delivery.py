"""Envelopes to the bot: which socket carries each, who acknowledged in time, what is delivered again."""

import asyncio
import itertools
import json
import secrets
import time
from collections import deque
from dataclasses import dataclass
from typing import Any, Protocol

from opsbot.workspace.errors import Undelivered
from opsbot.workspace.records import Json
from opsbot.workspace.settings import Settings


class Link(Protocol):
    """One open socket of the bot."""

    name: str

    async def send(self, text: str) -> None:
        """Send one frame; raises Undelivered when the socket is gone."""

    def drop(self) -> None:
        """Cut the connection without a close frame."""

    def freeze(self) -> None:
        """From now on read nothing, answer nothing, send nothing."""

    async def close(self) -> None:
        """Close as the protocol says."""


@dataclass
class Delivered:
    """One line of the inspector: an envelope and what became of it."""

    envelope_id: str
    kind: str
    link: str
    attempt: int
    outcome: str
    seconds: float


class Delivery:
    """Sends envelopes over the open links, one link each, in turn."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.links: list[Link] = []
        self.log: deque[Delivered] = deque(maxlen=1000)
        self._turn = itertools.count()
        self._waiting: dict[str, asyncio.Future[Json]] = {}
        self._tickets: set[str] = set()
        self._running: set[asyncio.Task[None]] = set()

    # sockets

    def issue_ticket(self) -> str:
        """A ticket that opens one socket, once."""
        ticket = secrets.token_urlsafe(18)
        self._tickets.add(ticket)
        return ticket

    def use_ticket(self, ticket: str) -> bool:
        """Whether the ticket was good; it is not good again."""
        if ticket not in self._tickets:
            return False
        self._tickets.remove(ticket)
        return True

    def hello(self, app: str) -> str:
        """The first frame on a socket."""
        debug: Json = {"host": "workspace", "build_number": 1}
        debug["approximate_connection_time"] = self.settings.link_seconds
        hello: Json = {"type": "hello", "num_connections": len(self.links), "debug_info": debug}
        return json.dumps(hello | {"connection_info": {"app_id": app}})

    async def disconnect(self, reason: str) -> int:
        """Ask the bot to reconnect, as Slack does when it refreshes; answers how many sockets were told."""
        links = list(self.links)
        for link in links:
            await link.send(json.dumps({"type": "disconnect", "reason": reason, "debug_info": {"host": "workspace"}}))
        if reason != "warning":
            for link in links:
                if link in self.links:  # gets no new envelope, may still acknowledge the old ones
                    self.links.remove(link)
                self.spawn(self._close_later(link))
        return len(links)

    async def _close_later(self, link: Link) -> None:
        await asyncio.sleep(2.0)
        await link.close()

    # envelopes

    def acknowledge(self, frame: str) -> None:
        """An incoming frame; anything that is not an awaited ack is ignored, as Slack does with late ones."""
        try:
            ack = json.loads(frame)
        except ValueError:
            return
        future = self._waiting.pop(str(ack.get("envelope_id")), None) if isinstance(ack, dict) else None
        if future and not future.done():
            future.set_result(ack.get("payload") or {})

    async def call(self, kind: str, payload: Json, *, accepts: bool = False, **extra: Any) -> Json:
        """Send one envelope and wait for its ack; answers the ack's payload. Raises Undelivered."""
        envelope_id = secrets.token_hex(16)
        envelope: Json = {"envelope_id": envelope_id, "type": kind, "payload": payload}
        envelope |= {"accepts_response_payload": accepts, **extra}
        started, outcome, link = time.monotonic(), "acknowledged", None
        try:
            link = self._next_link()
            future = asyncio.get_running_loop().create_future()
            self._waiting[envelope_id] = future
            await link.send(json.dumps(envelope))
            return await asyncio.wait_for(future, self.settings.ack_seconds)
        except TimeoutError:
            outcome = "operation_timeout"
            raise Undelivered(outcome) from None
        except Undelivered as gone:
            outcome = gone.code
            raise
        finally:
            self._waiting.pop(envelope_id, None)
            name, seconds = link.name if link else "", round(time.monotonic() - started, 4)
            attempt = int(extra.get("retry_attempt", 0))
            self.log.append(Delivered(envelope_id, kind, name, attempt, outcome, seconds))

    def event(self, payload: Json) -> None:
        """Deliver an event in the background: once, and again up to three times while nobody acknowledges it."""
        self.spawn(self._event(payload))

    async def _event(self, payload: Json) -> None:
        reason = ""
        for attempt, pause in enumerate((0.0, *self.settings.redelivery_pauses)):
            if pause:
                await asyncio.sleep(pause)
            try:
                await self.call("events_api", payload, retry_attempt=attempt, retry_reason=reason)
            except Undelivered as gone:
                reason = "timeout" if gone.code == "operation_timeout" else "http_error"
                continue
            return

    def spawn(self, work: Any) -> None:
        """Run a coroutine in the background, kept alive until it ends or the workspace stops."""
        running = asyncio.get_running_loop().create_task(work)
        self._running.add(running)
        running.add_done_callback(self._running.discard)

    def stop(self) -> None:
        """Give up everything that is under way and cut every socket."""
        for running in list(self._running):
            running.cancel()
        for link in list(self.links):
            link.drop()

    def _next_link(self) -> Link:
        if not self.links:
            raise Undelivered("dispatch_failed")
        return self.links[next(self._turn) % len(self.links)]
