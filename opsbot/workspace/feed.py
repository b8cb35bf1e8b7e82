"""The live feed: what changed, sent to every open page that may see it."""

import asyncio
from typing import Any

Change = dict[str, Any]


class Feed:
    """Publish to any number of listeners, each a queue of one person's changes; None ends a listener."""

    def __init__(self) -> None:
        self._listeners: dict[asyncio.Queue[Change | None], str] = {}

    def listen(self, user: str) -> asyncio.Queue[Change | None]:
        """Open a queue of the changes that this person may see."""
        queue: asyncio.Queue[Change | None] = asyncio.Queue()
        self._listeners[queue] = user
        return queue

    def leave(self, queue: asyncio.Queue[Change | None]) -> None:
        """Stop listening."""
        self._listeners.pop(queue, None)

    def publish(self, kind: str, only_for: str | None = None, **fields: Any) -> None:
        """Send one change to everybody, or to one person alone."""
        for queue, user in self._listeners.items():
            if only_for in (None, user):
                queue.put_nowait({"kind": kind, **fields})

    def close(self) -> None:
        """End every listener, so that the server can stop."""
        for queue in self._listeners:
            queue.put_nowait(None)
