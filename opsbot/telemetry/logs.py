"""Log lines of a service, chosen and shortened for a message: pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from opsbot.log import redactor

LONGEST_LINE = 300  # characters; a stack trace's lines are shorter, a JSON body's are not worth more
Said = tuple[datetime | None, str]  # when it was written, where that is known, and the line


@dataclass(frozen=True)
class Excerpt:
    """The newest lines that matched, oldest first; how many matched in all, and how many were read."""

    lines: tuple[Said, ...]
    matched: int
    read: int

    @property
    def left_out(self) -> int:
        """Lines that matched and are not here."""
        return self.matched - len(self.lines)

    def within(self, room: int) -> Excerpt:
        """The newest of these lines that fit in so many characters together; always at least one."""
        kept: deque[Said] = deque()
        for said in reversed(self.lines):
            room -= len(said[1]) + 1
            if room < 0 and kept:
                break
            kept.appendleft(said)
        return Excerpt(tuple(kept), self.matched, self.read)


def excerpt(lines: Iterable[Said], contains: str | None = None, limit: int = 20) -> Excerpt:
    """The last `limit` lines that contain the text (any case), redacted and cut to LONGEST_LINE.

    What is looked for is looked for in what may be shown: nobody finds out a secret by trying its letters.
    """
    wanted = contains.casefold() if contains else None
    kept: deque[Said] = deque(maxlen=limit)
    matched = read = 0
    for at, line in lines:
        read += 1
        shown = redactor.clean(line)
        if wanted is None or wanted in shown.casefold():
            matched += 1
            kept.append((at, _shorten(shown)))
    return Excerpt(tuple(kept), matched, read)


def _shorten(line: str) -> str:
    line = line.rstrip("\r\n")
    return line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 1] + "…"
