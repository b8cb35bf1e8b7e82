"""Reply → text for a terminal. Colours only where they are wanted; nothing that a log wrote can steer the terminal. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from opsbot.commands.reply import Button, Code, Line, Lines, Pairs, Part, Reply, Small, Tone, Words
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

    def title(self, reply: Reply) -> str:
        """The headline, bold where there are colours, and what follows it on the same line."""
        head, why = reply.headline
        bold = self._code("1", clean(head)) if self.colours and "*" not in head else self.marked(head)
        return f"{bold} {self.marked(why)}" if why else bold

    def quiet(self, text: str) -> str:
        """For what matters least; nothing in it is bold."""
        return self._code("90", _BOLD.sub(r"\1", clean(text)))

    def _code(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colours else text


def clean(text: str) -> str:
    """Without secrets and without control characters."""
    known = redactor.clean(text)
    plain = "".join(mark for mark in known if mark in "\n\t" or unicodedata.category(mark) not in ("Cc", "Cf"))
    return plain if plain == known else redactor.clean(plain)  # such a character may have stood inside of one


def render(reply: Reply, paint: Paint) -> str:
    """The whole reply; its buttons as the commands that they say."""
    lines = [paint.tone(reply.tone, paint.title(reply))]
    for part in reply.parts:
        lines += _part(part, paint)
    lines += [paint.quiet(f"  {_button(button)}") for button in reply.ordered]
    return "\n".join(lines)


def _button(button: Button) -> str:
    said = f"opsbot {button.command}"
    return said if button.label == button.command else f"{button.label}: {said}"


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
            yield from (f"  {label:<{wide}}  {paint.marked(_value(value))}" for label, value in part.items)
        case Lines():
            yield from _lines(part, paint)


def _value(value: str | datetime) -> str:
    """A moment in the zone of this machine, as its clock shows it."""
    return f"{value.astimezone():%Y-%m-%d %H:%M %Z}" if isinstance(value, datetime) else value


def _lines(part: Lines, paint: Paint) -> Iterator[str]:
    if part.heading:
        yield f"  {paint.marked(f'*{part.heading}*')}"
    yield from ("  " + line(item, paint) for item in part.items)


def line(item: Line, paint: Paint) -> str:
    """One line of a list."""
    note, *below = item.note.split("\n")
    one = paint.tone(item.tone, paint.marked(item.text)) + (f"  {paint.quiet(note)}" if note else "")
    return "\n".join([one, *(f"    {paint.quiet(line)}" for line in below)])
