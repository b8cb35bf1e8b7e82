"""Log lines of a service, chosen and shortened for a message: pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from opsbot.log import redactor

LONGEST_LINE = 300  # characters; a stack trace's lines are shorter, a JSON body's are not worth more


@dataclass(frozen=True)
class Excerpt:
    """The newest lines that matched, oldest first, and how many matched in all."""

    lines: tuple[str, ...]
    matched: int
    read: int


def excerpt(lines: Iterable[str], contains: str | None = None, limit: int = 20) -> Excerpt:
    """The last `limit` lines that contain the text (any case), redacted and cut to LONGEST_LINE."""
    wanted = contains.casefold() if contains else None
    kept: list[str] = []
    matched = read = 0
    for line in lines:
        read += 1
        if wanted is None or wanted in line.casefold():
            matched += 1
            kept = [*kept[-(limit - 1) :], line] if limit > 1 else [line]
    return Excerpt(tuple(_shorten(redactor.clean(line)) for line in kept), matched, read)


def _shorten(line: str) -> str:
    line = line.rstrip("\r\n")
    return line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 1] + "…"
