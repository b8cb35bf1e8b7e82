"""What went over the wire, newest first to stay: the bot's calls, deliveries to it, its posts to hooks, ordered faults.

Nothing secret is kept: tokens and signatures are struck out on the way in.
"""

import itertools
import json
import re
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from opsbot.workspace.feed import Feed
from opsbot.workspace.records import Json

KEPT = 3000  # lines
KEPT_CHARACTERS = 16_000_000  # of what was sent and answered; a live card is some thousands
STRUCK = "[REDACTED]"
_TOKEN = re.compile(r"\b(xoxb|xapp)-[\w-]+|\bv0=[0-9a-f]{64}\b|(?<=/services/)[\w/-]+")
_SECRET_FIELD = re.compile(r'"(token|app_token|signing_secret|ticket)": "[^"]+"')


@dataclass
class Entry:
    """One line; `what` is call, envelope, hook or fault, `more` what only this kind has (status, attempt, link…)."""

    n: int
    at: float
    what: str
    name: str
    detail: str = ""
    ok: bool = True
    error: str = ""
    ms: float = 0.0
    more: Json = field(default_factory=dict)
    sent_text: str = "null"  # JSON
    answer_text: str = "null"

    @property
    def sent(self) -> Any:
        return json.loads(self.sent_text)

    @property
    def answer(self) -> Any:
        return json.loads(self.answer_text)

    @property
    def weight(self) -> int:
        """Characters of what was sent and answered."""
        return len(self.sent_text) + len(self.answer_text)

    def summary(self) -> Json:
        """The line without what was sent and answered."""
        shape: Json = {"n": self.n, "at": self.at, "what": self.what, "name": self.name, "detail": self.detail}
        return shape | {"ok": self.ok, "error": self.error, "ms": self.ms, **self.more}

    def whole(self) -> Json:
        """The line with everything."""
        return self.summary() | {"sent": self.sent, "answer": self.answer}


class Inspector:
    """Numbered entries, each published to the pages that show them."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._numbers = itertools.count(1)
        self._entries: deque[Entry] = deque()
        self._weight = 0
        self.last = 0

    def add(self, what: str, name: str, detail: str = "", sent: Any = None, **more: Any) -> Entry:
        """Begin an entry; `end` completes it."""
        self.last = next(self._numbers)
        entry = Entry(self.last, time.time(), what, name, detail, more=more, sent_text=struck(sent))
        self._entries.append(entry)
        self._weight += entry.weight
        self._drop_oldest()
        return entry

    def end(self, entry: Entry, answer: Any = None, error: str = "", **more: Any) -> None:
        """Complete an entry with what came of it."""
        entry.ms = round((time.time() - entry.at) * 1000, 2)
        self._weight -= entry.weight
        entry.ok, entry.error, entry.answer_text = not error, error, struck(answer)
        self._weight += entry.weight
        entry.more |= more
        self.show(entry)

    def show(self, entry: Entry) -> None:
        """Publish an entry as it stands."""
        self._feed.publish("inspector", entry=entry.summary())

    def entries(self, what: str = "", after: int = 0) -> Iterator[Entry]:
        """Entries of this kind (all when empty) with a higher number, oldest first."""
        return (entry for entry in list(self._entries) if entry.n > after and what in ("", entry.what))

    def entry(self, n: int) -> Entry | None:
        """The entry with this number, while it is kept."""
        return next((entry for entry in self._entries if entry.n == n), None)

    def forget(self) -> None:
        """Drop all entries; numbers go on."""
        self._entries.clear()
        self._weight = 0

    def _drop_oldest(self) -> None:
        while len(self._entries) > KEPT or (self._weight > KEPT_CHARACTERS and len(self._entries) > 1):
            self._weight -= self._entries.popleft().weight


def struck(value: Any) -> str:
    """The value as JSON, without tokens and signatures."""
    text = _SECRET_FIELD.sub(lambda found: f'"{found[1]}": "{STRUCK}"', json.dumps(value))
    return _TOKEN.sub(STRUCK, text)
