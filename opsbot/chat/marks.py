"""Text for Slack: nothing that people, logs or alerts wrote can mention, link or format; lengths fit."""

from __future__ import annotations

import re
import unicodedata

from opsbot.log import redactor

NOTHING = "–"  # Slack refuses empty texts
CUT = "…"
_BREAK = "\u200b"  # a zero-width space: takes the meaning from a mark and leaves its look
# control characters, halves of surrogates, and those that turn the writing direction of what follows
_HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
_CODE = re.compile(r"(`[^`\n]+`)")
_FOREIGN = re.compile(r"(?<!\w)([_~])(?=\S[^\n]*?\1(?!\w))")
_OURS = re.compile(r"`([^`\n]+)`|(?<!\w)\*([^*\n]+)\*(?!\w)")
_ANY = re.compile(r"(?<!\w)([*_~`])(?=\S[^\n]*?\1(?!\w))")
_LINK = re.compile(r"https?://(?:&amp;|[^\s|`*&])*(?:&amp;|[^\s|`*&.,;:!?)\]'\"”’])")


def escape(text: str) -> str:
    """`&`, `<`, `>` as Slack wants them: without them no mention and no link can be made."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def clean(text: str) -> str:
    """The text without secrets and without control characters other than line breaks and tabs."""
    known = redactor.clean(text)
    plain = _HARMFUL.sub("", known)
    return plain if plain == known else redactor.clean(plain)  # such a character may have stood inside of one


def marked(text: str) -> str:
    """mrkdwn in which `*bold*` and backticks are the only marks, and addresses are links."""
    return "".join(part if index % 2 else _prose(part) for index, part in enumerate(_CODE.split(escape(clean(text)))))


def literal(text: str) -> str:
    """mrkdwn in which nothing is a mark."""
    return re.sub(r"([*_~`])(?=\S)", rf"\1{_BREAK}", escape(clean(text)))


def unmarked(text: str) -> str:
    """The words alone, for what shows no marks: a notification, a screen reader. Nothing in it is a mark or a mention."""
    words = _OURS.sub(lambda found: found[1] or found[2], clean(text))
    return _ANY.sub(rf"\1{_BREAK}", escape(words))


def fenced(text: str) -> str:
    """A code block of verbatim text."""
    inside = escape(clean(text)).replace("```", f"`{_BREAK}`{_BREAK}`")
    return f"```\n{inside or NOTHING}\n```"


def shorten(text: str, most: int) -> str:
    """The text, or its beginning and `…`, in at most `most` characters."""
    return text if len(text) <= most else text[: most - len(CUT)] + CUT


def escaped_length(text: str) -> int:
    """Characters of the text once escaped."""
    return len(text) + 4 * text.count("&") + 3 * (text.count("<") + text.count(">"))


def split(text: str, most: int) -> list[str]:
    """The text in pieces of at most `most` escaped characters, at line ends where there are any."""
    if escaped_length(text) <= most:
        return [text.strip("\n")] if text.strip() else []
    pieces: list[str] = []
    piece, length = "", 0
    for line in _short_lines(text, most):
        size = escaped_length(line)
        if piece and length + size > most:
            pieces.append(piece)
            piece, length = "", 0
        piece, length = piece + line, length + size
    pieces.append(piece)
    return [kept.strip("\n") for kept in pieces if kept.strip()]


def width(text: str) -> int:
    """Columns that the text takes in a fixed-width font."""
    return sum(_columns(mark) for mark in text)


def _prose(escaped: str) -> str:
    plain = _FOREIGN.sub(rf"\1{_BREAK}", escaped) if "_" in escaped or "~" in escaped else escaped
    return _LINK.sub(lambda found: f"<{found.group()}>", plain) if "://" in plain else plain


def _short_lines(text: str, most: int) -> list[str]:
    lines: list[str] = []
    for line in text.splitlines(keepends=True):
        rest = line
        while escaped_length(rest) > most:
            end = _fitting(rest, most)
            lines.append(rest[:end])
            rest = rest[end:]
        lines.append(rest)
    return lines


def _fitting(text: str, most: int) -> int:
    length = 0
    for index, mark in enumerate(text):
        length += escaped_length(mark)
        if length > most:
            return index
    return len(text)


def _columns(mark: str) -> int:
    if unicodedata.combining(mark):
        return 0
    return 2 if unicodedata.east_asian_width(mark) in "WF" else 1
