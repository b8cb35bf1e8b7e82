"""What people and Slack do to text, undone: curly quotes, hard spaces, phones' dashes, Slack's own marks. Pure; loses no word."""

from __future__ import annotations

import re

from opsbot.errors import UsageError

LONGEST = 4_000  # characters; a command is a line
_QUOTES = str.maketrans(
    dict.fromkeys("“”„‟«»″＂", '"') | dict.fromkeys("‘’‚‛′＇´", "'") | dict.fromkeys("‐‑‒−﹣－", "-")
)  # fmt: skip
_INVISIBLE = re.compile(r"[\u200b-\u200f\u2060\ufeff\u00ad]|[^\S\n]?\x00")
_LONG_DASH = re.compile(r"(?<!\S)(?:[—–―]|[—–-] ?[—–-])(?=[a-zA-Z])")  # a phone writes —env or - -env for --env
_DASH_INSIDE = re.compile(r"(?<=\w)[—–―](?=\w)")  # and v2–rc1 for v2-rc1
_LINK = re.compile(r"<(?P<target>[^<>|]+)(?:\|(?P<label>[^<>]*))?>")
_MENTION_FIRST = re.compile(r"^\s*(?:<@[A-Z0-9]+(?:\|[^<>]*)?>[\s,:]*)+")
_WORD = re.compile(r"""[^\s"]*"[^"]*"[^\s"]*|(?<!\S)'[^']*'(?!\S)|\S+""")
_EVERYDAY = re.compile(r"(?!.*- -)[\w.:/@#=+ -]*", re.ASCII)  # nothing in it is to be undone
_POLITE = ("please", "pls", "plz", "thanks", "thx", "kindly")
_ASKING = ("can you", "could you", "would you", "will you", "thank you")
_ENDS = "?!,;:…"  # what a sentence may end with, beside the full stop


def words(text: str) -> list[str]:
    """The words of a command typed in chat. Quotes keep words together; a lone apostrophe or quote is a character."""
    if len(text) > LONGEST:
        raise UsageError(f"That is {len(text)} characters long.", "A command is one line.")
    found = [_unquote(match.group()) for match in _WORD.finditer(plain(text))]
    found = _without_politeness(found)
    if found:
        found[-1] = found[-1].rstrip(_ENDS + ".") or found[-1]
    return found


def plain(text: str) -> str:
    """The text with Slack's marks and typographic characters as a keyboard would give them."""
    if _EVERYDAY.fullmatch(text):
        return text.strip()
    text = _MENTION_FIRST.sub("", text)
    text = _LINK.sub(_link, text)
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(entity, character)
    text = _INVISIBLE.sub("", text).translate(_QUOTES)
    text = re.sub(r"\s", " ", text)  # also the hard and thin spaces
    return _DASH_INSIDE.sub("-", _LONG_DASH.sub("--", text)).replace("`", "").strip()


def _link(match: re.Match[str]) -> str:
    """`<url|label>` → label, `<#C1|ops>` → #ops, `<@U1|ann>` → @U1, `<url>` → url."""
    target, label = match["target"], match["label"]
    if target[0] == "@":
        return target
    if target[0] == "#":
        return f"#{label}" if label else target
    return label or target.removeprefix("mailto:")


def _unquote(word: str) -> str:
    if word.count('"') == 2:
        return word.replace('"', "")
    if len(word) > 1 and word[0] == word[-1] == "'":
        return word[1:-1]
    return word


def _without_politeness(found: list[str]) -> list[str]:
    """Without `please` and `could you` before the command and `thank you` behind it; of one that is nothing else they stay."""
    while count := _polite(found):
        found = found[count:]
    while len(found) > 1 and (count := _polite(found[::-1])) and count < len(found):
        found = found[:-count]
    return found


def _polite(found: list[str]) -> int:
    """How many of the first words (or, of words from behind, of the last) are only polite."""
    low = [word.lower().rstrip(_ENDS + ".") for word in found[:2]]
    if low and low[0] in _POLITE:
        return 1
    return 2 if " ".join(low) in _ASKING or " ".join(low[::-1]) in _ASKING else 0
