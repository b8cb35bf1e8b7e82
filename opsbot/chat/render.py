"""Reply → Slack's text and Block Kit, within every limit. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from opsbot.chat import marks
from opsbot.commands.reply import Button, Code, Line, Lines, Pairs, Part, Reply, Small, Tone, Words

Block = dict[str, Any]

SECTION = 3_000
PIECE = 2_800  # characters to cut at, so that marks put in later usually fit as well
FIELD = 1900  # of 2,000
FIELDS = 10
BLOCKS = 50
ALL_TEXT = 12_000  # of about 13,200 over all blocks
HEADLINE = 200  # characters; what is longer is not read faster in bold
INSET = "\u2003\u2002"  # as wide as a mark, so that a note stands under its line
TEXT = 1_000  # of 40,000: the notification needs no more
BUTTONS_IN_A_ROW = 5  # of 25: wraps well on a phone
BUTTON_TEXT, BUTTON_VALUE, CONFIRM_TEXT = 75, 2_000, 300
CODE_BLOCKS = 3
PHONE = 42  # columns that a 375 px wide screen shows of a button or of a code block

TONES: dict[Tone, str] = {"ok": "✅", "warn": "⚠️", "bad": "❌", "busy": "⏳", "info": "🔹", "off": "▫️"}


@dataclass(frozen=True)
class Rendered:
    """What chat.postMessage takes: the notification's text, which has no marks, and the blocks."""

    text: str
    blocks: list[Block]

    @property
    def words(self) -> str:
        """The title as mrkdwn, for what takes a text and no blocks."""
        return str(self.blocks[0]["text"]["text"]) if self.blocks else self.text

    def noted(self, text: str) -> Rendered:
        """The same with a quiet line below."""
        return Rendered(self.text, [*self.blocks, _context(marks.marked(text))])

    @property
    def digest(self) -> str:
        """Equal for messages that look the same."""
        return hashlib.sha256(json.dumps([self.text, self.blocks], sort_keys=True).encode()).hexdigest()[:16]


def render(reply: Reply) -> Rendered:
    """The reply as a message. What does not fit is cut, and a line says so."""
    title = [_section(text) for text in _pieces(_title(reply), marks.marked)[:2]]
    closing = [block for part in reply.parts if isinstance(part, Small) for block in _small(part)][:5]
    buttons = list(_buttons(reply.ordered))
    body = [block for part in reply.parts if not isinstance(part, Small) for block in _BLOCKS[type(part)](part)]
    room = ALL_TEXT - sum(length(block) for block in (*title, *closing, *buttons))
    kept = _within(body, BLOCKS - 1 - len(title) - len(closing) - len(buttons), room)
    if len(kept) < len(body):
        kept.append(_context("… shortened: this is too long for one message."))
    text = f"{TONES[reply.tone]} {marks.unmarked(marks.shorten(reply.text, TEXT))}"
    return Rendered(text, [*title, *kept, *closing, *buttons])


def _title(reply: Reply) -> str:
    """The headline in bold, unless it has marks of its own, and the rest on a line of its own."""
    head, why = reply.headline
    bold = head if "*" in head or len(head) > HEADLINE or not head.strip() else f"*{head.strip()}*"
    return f"{TONES[reply.tone]} {bold}" + (f"\n{why}" if why else "")


def _pieces(text: str, mark: Callable[[str], str], most: int = PIECE) -> list[str]:
    """The text, marked, in pieces that fit a section. Loses nothing: what grew too long by marking is cut smaller."""
    pieces: list[str] = []
    for piece in marks.split(marks.clean(text), most):
        shown = mark(piece)
        pieces += [shown] if len(shown) <= SECTION else _pieces(piece, mark, most // 2)
    return pieces or [mark(marks.NOTHING)]


def _words(part: Words) -> list[Block]:
    return [_section(piece) for piece in _pieces(part.text, marks.marked)]


def _pairs(part: Pairs) -> list[Block]:
    fields = [_field(label, value) for label, value in part.items]
    rows = [fields[start : start + FIELDS] for start in range(0, len(fields), FIELDS)]
    return [{"type": "section", "fields": row} for row in rows]


def _field(label: str, value: str | datetime) -> Block:
    if isinstance(value, datetime):  # Slack shows it to each reader in their own zone
        shown = f"<!date^{int(value.timestamp())}^{{date_short_pretty}} {{time}}|{value:%d %b %H:%M} UTC>"
    else:
        shown = marks.marked(marks.shorten(value, FIELD // 5)) or marks.NOTHING
    return _text(marks.shorten(f"*{marks.literal(marks.shorten(label, 60)) or marks.NOTHING}*\n{shown}", FIELD))


def _lines(part: Lines) -> list[Block]:
    heading = [f"*{part.heading}*"] if part.heading else []
    rows = heading + [_line(item) for item in part.items]
    return [_section(piece) for piece in _pieces("\n".join(rows), marks.marked)] if rows else []


def _line(item: Line) -> str:
    """`✅ what — note`; further lines of the note stand below, set in."""
    note, *below = item.note.split("\n")
    one = marks.shorten(f"{item.text} — {note}" if note else item.text, PIECE // 3)
    return "\n".join([f"{TONES[item.tone]} {one}", *(INSET + marks.shorten(line, PIECE // 3) for line in below)])


def _code(part: Code) -> list[Block]:
    pieces = _pieces(part.text, marks.fenced)
    if len(pieces) <= CODE_BLOCKS:
        return [_section(piece) for piece in pieces]
    # of a log, its end says what happened
    return [_context("… earlier lines are left out."), *(_section(piece) for piece in pieces[-CODE_BLOCKS:])]


def _small(part: Small) -> list[Block]:
    return [_context(piece) for piece in _pieces(part.text, marks.marked, 1_900)]


def _buttons(buttons: Sequence[Button]) -> Iterable[Block]:
    elements = [_button(index, button) for index, button in enumerate(buttons) if len(button.command) <= BUTTON_VALUE]
    for start in range(0, min(len(elements), 25), BUTTONS_IN_A_ROW):
        yield {"type": "actions", "elements": elements[start : start + BUTTONS_IN_A_ROW]}


def _button(index: int, button: Button) -> Block:
    label = marks.shorten(marks.clean(button.label) or marks.NOTHING, BUTTON_TEXT)
    element: Block = {
        "type": "button",
        "action_id": f"say:{index}",
        "text": {"type": "plain_text", "text": label, "emoji": True},
        "value": button.command,
    }
    if button.style:
        element["style"] = button.style
    if button.confirm:
        element["confirm"] = {
            "title": {"type": "plain_text", "text": "Are you sure?"},
            "text": _text(marks.shorten(marks.marked(marks.shorten(button.confirm, 150)), CONFIRM_TEXT)),
            "confirm": {"type": "plain_text", "text": marks.shorten(label, 30)},
            "deny": {"type": "plain_text", "text": "Keep as it is"},
            **({"style": button.style} if button.style else {}),
        }
    return element


_BLOCKS: dict[type[Part], Callable[[Any], list[Block]]] = {
    Words: _words,
    Pairs: _pairs,
    Lines: _lines,
    Code: _code,
}


def _text(text: str) -> Block:
    # verbatim: Slack finds no names or addresses of its own in the text
    return {"type": "mrkdwn", "text": text or marks.NOTHING, "verbatim": True}


def _section(text: str) -> Block:
    return {"type": "section", "text": _text(text)}


def _context(text: str) -> Block:
    return {"type": "context", "elements": [_text(text)]}


def _within(blocks: Sequence[Block], most: int, room: int) -> list[Block]:
    kept: list[Block] = []
    for block in blocks[: max(0, most)]:
        room -= length(block)
        if room < 0:
            break
        kept.append(block)
    return kept


def length(node: Any) -> int:
    """Characters of all texts in blocks, which Slack limits over a whole message."""
    if isinstance(node, list):
        return sum(length(item) for item in node)
    if isinstance(node, dict):
        own = len(node["text"]) if isinstance(node.get("text"), str) else 0
        return own + sum(length(item) for item in node.values())
    return 0
