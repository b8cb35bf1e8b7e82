"""What a failing container left behind, as short as a card needs it: what is known of its end stays whole, its log is cut. Pure."""

from __future__ import annotations

from opsbot.commands import say
from opsbot.runtime.verdict import LOG

LINES, ROOM = 8, 700  # lines and characters of its log; the thread has all
KNOWN = 8  # lines about its end: exit code, memory, what the health check said
WIDEST = 200  # characters of each of them


def last_words(details: str) -> str:
    """Its end and its health check's output, then the last whole lines of its log that fit, and how many stood before."""
    lines = details.strip().splitlines()
    known, log = _parted(lines)
    told = [_short(line, WIDEST) for line in known[:KNOWN]]
    return "\n".join([*told, *([LOG] if LOG in lines and log else []), *_last(log)])


def _parted(lines: list[str]) -> tuple[list[str], list[str]]:
    """What is known of its end, and the log. Without the line between them only the exit code is known."""
    if LOG in lines:
        at = lines.index(LOG)
        return lines[:at], lines[at + 1 :]
    at = 1 if lines and lines[0].startswith("Exit code ") else 0
    return lines[:at], lines[at:]


def _last(log: list[str]) -> list[str]:
    kept: list[str] = []
    room = ROOM
    for line in reversed(log[-LINES:]):
        room -= len(line)
        if room < 0 and kept:
            break
        kept.insert(0, _short(line, ROOM))
    left = len(log) - len(kept)
    return [*([f"… {say.number(left, 'earlier line')}"] if left else []), *kept]


def _short(line: str, widest: int) -> str:
    return line if len(line) <= widest else f"{line[: widest - 1]}…"
