"""What the bot answers, as data: rendered to Block Kit in chat, to text in the terminal, to JSON for scripts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

HEARD_BEFORE = "heard_before"  # the code of a reply to words that were delivered twice: nobody needs to see it

_SENTENCE = re.compile(r"(?<=[.!?])[ \n]+(?=\S)|\n+(?=\S)")  # where one ends and another follows
Tone = Literal["ok", "warn", "bad", "busy", "info", "off"]


@dataclass(frozen=True)
class Words:
    """A paragraph. Plain text: renderers escape it. `*bold*` and backticks are the only marks."""

    text: str


@dataclass(frozen=True)
class Pairs:
    """Labels with values, two columns where there is room. A moment is shown to each reader in their own zone."""

    items: Sequence[tuple[str, str | datetime]]


@dataclass(frozen=True)
class Line:
    """One line of a list with its tone: a step, a fact, a probe, a release. Further lines of `note` stand below it."""

    tone: Tone
    text: str
    note: str = ""


@dataclass(frozen=True)
class Lines:
    """A list under an optional heading."""

    items: Sequence[Line]
    heading: str = ""


@dataclass(frozen=True)
class Code:
    """Verbatim text: log lines, argv."""

    text: str


@dataclass(frozen=True)
class Small:
    """A quiet closing line: who, when, ids."""

    text: str


Part = Words | Pairs | Lines | Code | Small


@dataclass(frozen=True)
class Picture:
    """A PNG: its file's name and title, and `alt`, which says what it shows to whoever does not see it."""

    name: str
    title: str
    content: bytes
    alt: str


@dataclass(frozen=True)
class Button:
    """Says `command` in the clicker's name, as if typed. `confirm` asks first."""

    label: str
    command: str
    style: Literal["primary", "danger"] | None = None
    confirm: str | None = None


@dataclass(frozen=True)
class Reply:
    """An answer. `text` is what it comes to in a sentence or two: the notification, the screen reader's and the log's
    version. Renderers show its headline bold and the rest below.

    `json` is what `--json` prints. `private`: in chat only the asker sees it. `run`: the answer is that run's live message. `news`: it changed what
    messages in the channel show.
    `picture` stands in chat beside `text`, which must do without it: the terminal shows none.
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
    picture: Picture | None = None
    news: bool = False

    @property
    def headline(self) -> tuple[str, str]:
        """`text` as its first sentence, which says what, where and how it stands, and the sentences about why."""
        end = _SENTENCE.search(self.text)
        return (self.text[: end.start()], self.text[end.end() :]) if end else (self.text, "")

    @property
    def ordered(self) -> list[Button]:
        """The buttons as people see them: what helps first, what hurts last."""
        return sorted(self.buttons, key=lambda button: button.style == "danger")
