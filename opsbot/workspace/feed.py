"""The live feed: what changed, sent to every open page that may see it."""

import asyncio
from dataclasses import dataclass
from typing import Any

Change = dict[str, Any]
Queue = asyncio.Queue[Change | None]


@dataclass(frozen=True)
class Listener:
    """Whose page it is, and whether it shows the inspector (whose changes are many)."""

    user: str
    inspects: bool


class Feed:
    """Publish to any number of listeners, each a queue of one person's changes; None ends a listener."""

    def __init__(self) -> None:
        self._listeners: dict[Queue, Listener] = {}

    def listen(self, user: str, *, inspects: bool = False) -> Queue:
        """Open a queue of the changes that this person may see."""
        queue: Queue = asyncio.Queue()
        self._listeners[queue] = Listener(user, inspects)
        return queue

    def leave(self, queue: Queue) -> None:
        """Stop listening."""
        self._listeners.pop(queue, None)

    def publish(self, kind: str, only_for: str | None = None, **fields: Any) -> None:
        """Send one change to everybody, or to one person alone."""
        for queue, listener in self._listeners.items():
            if only_for in (None, listener.user) and (kind != "inspector" or listener.inspects):
                queue.put_nowait({"kind": kind, **fields})

    def close(self) -> None:
        """End every listener, so that the server can stop."""
        for queue in self._listeners:
            queue.put_nowait(None)
