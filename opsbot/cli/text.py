"""Reply → text for a terminal. Colours only where they are wanted; nothing that a log wrote can steer the terminal. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from opsbot.commands.reply import Code, Line, Lines, Pairs, Part, Reply, Small, Table, Tone, Words
from opsbot.log import redactor

MARKS: Mapping[Tone, str] = {"ok": "✓", "warn": "!", "bad": "✗", "busy": "…", "info": "·", "off": "-"}
_COLOURS: Mapping[Tone, str] = {"ok": "32", "warn": "33", "bad": "31", "busy": "36", "info": "0", "off": "90"}
_BOLD = re.compile(r"(?<!\w)\*([^*\n]+)\*(?!\w)")


@dataclass(frozen=True)
class Paint:
    """Marks text for a terminal, or leaves it plain."""

    colours: bool = False

    def tone(self, tone: Tone, text: str) -> str:
        """The text behind its tone's mark."""
        return self._code(_COLOURS[tone], MARKS[tone]) + " " + text

    def marked(self, text: str) -> str:
        """`*bold*` as bold; all else as it stands."""
        return _BOLD.sub(lambda found: self._code("1", found[1]), clean(text))

    def quiet(self, text: str) -> str:
        """For what matters least."""
        return self._code("90", clean(text))

    def _code(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colours else text


def clean(text: str) -> str:
    """Without secrets and without control characters."""
    return "".join(
        mark for mark in redactor.clean(text) if mark in "\n\t" or unicodedata.category(mark) not in ("Cc", "Cf")
    )


def render(reply: Reply, paint: Paint) -> str:
    """The whole reply; its buttons as the commands that they say."""
    lines = [paint.tone(reply.tone, paint.marked(reply.text))]
    for part in reply.parts:
        lines += _part(part, paint)
    lines += [paint.quiet(f"  {button.label}: opsbot {button.command}") for button in reply.buttons]
    return "\n".join(lines)


def _part(part: Part, paint: Paint) -> Iterator[str]:
    match part:
        case Words():
            yield from (f"  {line}" for line in paint.marked(part.text).split("\n"))
        case Small():
            yield from (f"  {paint.quiet(line)}" for line in part.text.split("\n"))
        case Code():
            yield from (f"    {line}" for line in clean(part.text).split("\n"))
        case Pairs():
            wide = max((len(label) for label, _ in part.items), default=0)
            yield from (f"  {label:<{wide}}  {paint.marked(value)}" for label, value in part.items)
        case Lines():
            yield from _lines(part, paint)
        case Table():
            yield from _table(part, paint)


def _lines(part: Lines, paint: Paint) -> Iterator[str]:
    if part.heading:
        yield f"  {paint.marked(f'*{part.heading}*')}"
    yield from ("  " + line(item, paint) for item in part.items)


def line(item: Line, paint: Paint) -> str:
    """One line of a list."""
    note = f"  {paint.quiet(item.note)}" if item.note else ""
    return paint.tone(item.tone, paint.marked(item.text)) + note


def _table(part: Table, paint: Paint) -> Iterator[str]:
    rows: list[Sequence[str]] = [[clean(cell).replace("\n", " ") for cell in row] for row in (part.headers, *part.rows)]
    widths = [max(len(row[index]) for row in rows) for index in range(len(part.headers))]
    for number, row in enumerate(rows):
        aligned = "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        yield "  " + (paint.quiet(aligned) if number == 0 else aligned)
