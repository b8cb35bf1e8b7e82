"""What the bot answers, as data: rendered to Block Kit in chat, to text in the terminal, to JSON for scripts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

HEARD_BEFORE = "heard_before"  # the code of a reply to words that were delivered twice: nobody needs to see it

Tone = Literal["ok", "warn", "bad", "busy", "info", "off"]


@dataclass(frozen=True)
class Words:
    """A paragraph. Plain text: renderers escape it. `*bold*` and backticks are the only marks."""

    text: str


@dataclass(frozen=True)
class Pairs:
    """Labels with values, two columns where there is room."""

    items: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Line:
    """One line of a list with its tone: a step, a fact, a probe, a release."""

    tone: Tone
    text: str
    note: str = ""


@dataclass(frozen=True)
class Lines:
    """A list under an optional heading."""

    items: Sequence[Line]
    heading: str = ""


@dataclass(frozen=True)
class Table:
    """Columns; kept short enough for 375 px by the one who makes it."""

    headers: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Code:
    """Verbatim text: log lines, argv."""

    text: str


@dataclass(frozen=True)
class Small:
    """A quiet closing line: who, when, ids."""

    text: str


Part = Words | Pairs | Lines | Table | Code | Small


@dataclass(frozen=True)
class Button:
    """Says `command` in the clicker's name, as if typed. `confirm` asks first."""

    label: str
    command: str
    style: Literal["primary", "danger"] | None = None
    confirm: str | None = None


@dataclass(frozen=True)
class Reply:
    """An answer. `text` is the first sentence: the notification, the screen reader's and the log's version.

    `json` is what `--json` prints. `private`: in chat only the asker sees it. `run`: the answer is that run's live message.
    """

    text: str
    tone: Tone = "info"
    parts: Sequence[Part] = ()
    buttons: Sequence[Button] = ()
    json: Any = None
    ok: bool = True
    code: str = "ok"
    exit_code: int = 0
    private: bool = False
    run: str | None = None
