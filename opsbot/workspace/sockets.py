"""Socket Mode's open sockets: tickets that open them, whose turn it is, and acks that come back."""

import asyncio
import itertools
import json
import secrets
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, Protocol

from opsbot.workspace.errors import Undelivered
from opsbot.workspace.records import Json
from opsbot.workspace.settings import Settings

CLOSE_SECONDS = 2.0  # between a disconnect envelope and the close, so that acks under way still count


class Link(Protocol):
    """One open socket of the bot."""

    name: str
    frozen: bool

    async def send(self, text: str) -> None:
        """Send one frame; raises Undelivered when the socket is gone."""

    def drop(self) -> None:
        """Cut the connection without a close frame."""

    def freeze(self) -> None:
        """From now on read nothing, answer nothing, send nothing."""

    async def close(self) -> None:
        """Close as the protocol says."""


class Sockets:
    """Sends envelopes over the open links, one link each, in turn."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.started = datetime.now(UTC)
        self.links: list[Link] = []
        self._turn = itertools.count()
        self._waiting: dict[str, asyncio.Future[Json]] = {}
        self._tickets: set[str] = set()

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
        debug: Json = {"host": "workspace", "started": f"{self.started:%Y-%m-%d %H:%M:%S}.000", "build_number": 1}
        debug["approximate_connection_time"] = self.settings.link_seconds
        hello: Json = {"type": "hello", "num_connections": len(self.links) + 1, "debug_info": debug}
        return json.dumps(hello | {"connection_info": {"app_id": app}})

    def goodbye(self, reason: str) -> str:
        """The frame by which Slack asks the bot to open another socket, or says why it may not."""
        return json.dumps({"type": "disconnect", "reason": reason, "debug_info": {"host": "workspace"}})

    def next_link(self) -> Link:
        """The link whose turn it is. Raises Undelivered when none is open."""
        if not self.links:
            raise Undelivered("dispatch_failed")
        return self.links[next(self._turn) % len(self.links)]

    async def send(self, link: Link, envelope: Json) -> Json:
        """Send one envelope and wait for its ack; answers the ack's payload. Raises Undelivered."""
        future = asyncio.get_running_loop().create_future()
        self._waiting[envelope["envelope_id"]] = future
        try:
            await link.send(json.dumps(envelope))
            return await asyncio.wait_for(future, self.settings.ack_seconds)
        except TimeoutError:
            raise Undelivered("operation_timeout") from None
        finally:
            self._waiting.pop(envelope["envelope_id"], None)

    def acknowledge(self, frame: str) -> None:
        """An incoming frame; anything that is not an awaited ack is ignored, as Slack does with late ones."""
        try:
            ack = json.loads(frame)
        except ValueError:
            return
        future = self._waiting.pop(str(ack.get("envelope_id")), None) if isinstance(ack, dict) else None
        if future and not future.done():
            payload = ack.get("payload")
            future.set_result(payload if isinstance(payload, dict) else {})

    async def disconnect(self, reason: str, spawn: Callable[[Coroutine[Any, Any, None]], None]) -> int:
        """Ask the bot to reconnect, as Slack does when it refreshes; answers how many sockets were told."""
        links = list(self.links)
        for link in links:
            await link.send(self.goodbye(reason))
        if reason != "warning":
            for link in links:
                if link in self.links:  # gets no new envelope, may still acknowledge the old ones
                    self.links.remove(link)
                spawn(self._close_later(link))
        return len(links)

    async def _close_later(self, link: Link) -> None:
        await asyncio.sleep(CLOSE_SECONDS)
        await link.close()
