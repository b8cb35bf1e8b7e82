"""What every card looks like, in chat, as a notification and in the terminal. Where a card changes on purpose, run this with
WRITE_CARDS=1 and read what became of the files in `cards/`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cards import cards
from pretend_world import World

from opsbot.chat.render import PHONE, Rendered, render
from opsbot.cli.text import Paint
from opsbot.cli.text import render as in_terminal
from opsbot.commands.reply import Reply
from opsbot.workspace.blocks import check_message

FOLDER = Path(__file__).parent / "cards"
VARYING = (
    (r"\br[a-z0-9]{5}\b", "rabcde"),
    (r"Plan [0-9a-f]{16}", "Plan 0123456789abcdef"),
    (r"--as-planned \w+", "--as-planned 01"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d \S+", "2026-03-31 12:00 HERE"),  # the terminal's own zone
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Reply]:
    world = World(tmp_path_factory.mktemp("cards"))
    found = cards(world)
    world.store.close()
    return found


def in_chat(message: Rendered) -> str:
    """The blocks as text: `[Button]`, danger as `[!Button]`, `~` before what is small."""
    return "\n".join(line for block in message.blocks for line in _block(block))


def _block(block: Mapping[str, Any]) -> list[str]:
    if block["type"] == "context":
        return [f"~ {part['text']}" for part in block["elements"]]
    if block["type"] == "actions":
        return [" ".join(_button(element) for element in block["elements"])]
    fields = [f"| {field['text']}".replace("\n", " ") for field in block.get("fields", ())]
    return [*(block["text"]["text"].splitlines() if "text" in block else []), *fields]


def _button(element: Mapping[str, Any]) -> str:
    mark = {"danger": "!", "primary": "+"}.get(element.get("style", ""), "")
    asks = " …" if "confirm" in element else ""
    return f"[{mark}{element['text']['text']}{asks}]"


def told(reply: Reply) -> str:
    message = render(reply)
    terminal = in_terminal(reply, Paint())
    text = f"{in_chat(message)}\n\n--- notification\n{message.text}\n\n--- terminal\n{terminal}\n"
    for pattern, steady in VARYING:
        text = re.sub(pattern, steady, text)
    return text


def test_every_card_looks_as_it_did(made: Mapping[str, Reply]) -> None:
    now = {name: told(reply) for name, reply in made.items()}
    if os.environ.get("WRITE_CARDS"):
        FOLDER.mkdir(exist_ok=True)
        for name, text in now.items():
            (FOLDER / f"{name}.txt").write_text(text, encoding="utf-8")
    known = {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.txt")}
    assert now == known


def test_every_card_is_one_that_slack_accepts_and_a_phone_shows(made: Mapping[str, Reply]) -> None:
    for name, reply in made.items():
        message = render(reply)
        check_message(message.blocks)
        sizes = [
            len(element["text"]["text"])
            for block in message.blocks
            for element in block.get("elements", ())
            if "value" in element
        ]
        assert all(size <= PHONE for size in sizes), name
        assert len(message.blocks) <= 12, name


def test_every_card_begins_with_one_bold_sentence(made: Mapping[str, Reply]) -> None:
    for name, reply in made.items():
        first = render(reply).blocks[0]["text"]["text"].splitlines()[0]
        assert re.fullmatch(r"\S+ \*[^*]{5,120}\*.{0,40}", first), (name, first)


def test_nothing_that_took_no_time_says_so(made: Mapping[str, Reply]) -> None:
    for name, reply in made.items():
        assert "0.0 s" not in told(reply), name


def test_what_hurts_comes_last_and_failures_have_a_button_that_helps(made: Mapping[str, Reply]) -> None:
    for name, reply in made.items():
        styles = [button.style == "danger" for button in reply.ordered]
        assert styles == sorted(styles), name
        if name.startswith(("run-undone", "run-needs", "refused")):
            assert reply.buttons, name
