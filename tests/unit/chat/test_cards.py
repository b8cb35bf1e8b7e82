"""What every card looks like, in chat, as a notification and in the terminal. Where a card changes on purpose, run this with
WRITE_CARDS=1 and read what became of the files in `cards/`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cards import cards, run
from pretend_world import CAROL, World, shipped

from opsbot.chat.alerts import alert_card
from opsbot.chat.render import PHONE, Rendered, render
from opsbot.cli.text import Paint
from opsbot.cli.text import render as in_terminal
from opsbot.commands.reply import Reply
from opsbot.commands.run_card import run_card
from opsbot.errors import Refused
from opsbot.store.rows import AlertRow
from opsbot.workspace.blocks import check_message

FOLDER = Path(__file__).parent / "cards"
VARYING = (
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


def test_a_notification_is_words_alone_and_begins_with_what_the_card_says_first(made: Mapping[str, Reply]) -> None:
    for name, reply in made.items():
        message = render(reply)
        first = message.blocks[0]["text"]["text"].splitlines()[0]
        assert not re.search(r"[*`<>\n]|(?<!\w)[_~]\S", message.text), (name, message.text)
        assert message.text.startswith(re.sub(r"[*`]", "", first)), name
        assert len(message.text) <= 300, name


def test_the_notification_of_an_alert_says_what_is_wrong_where_and_why(made: Mapping[str, Reply]) -> None:
    told = render(made["alert-firing"]).text
    assert told == "❌ front fails in staging. It answers 500 (3 times in a row)."
    assert render(made["alert-over"]).text == "✅ Resolved: front fails in staging."


def test_an_alert_whose_title_names_no_place_says_where_all_the_same() -> None:
    at = datetime(2026, 3, 31, 13, 30, tzinfo=UTC)
    row = AlertRow(
        3, "schedule:nightly", "“verify newest” did not work", "critical", "production", None,
        {"why": "The bucket does not answer. Look at its log."}, "firing", 1, at, at, None, None, 1, 0,
    )  # fmt: skip
    told = render(alert_card(row)).text
    assert told == ("❌ “verify newest” did not work in production. The bucket does not answer. Look at its log.")


def test_the_notification_of_a_plan_that_waits_says_who_asks_and_who_can_say_yes(made: Mapping[str, Reply]) -> None:
    waits = render(made["run-waits-for-approval"]).text
    assert waits == "⚠️ Deploy web v2 to production: waits for a yes. carol asks; bob or alice can say yes."


@pytest.mark.parametrize(
    ("people", "known", "told"),
    [
        (1, ("carol", "bob"), "carol asks; bob can say yes."),
        (2, ("alice", "bob", "eve"), "carol asks; alice, bob or eve can say yes, and 2 have to."),
        (1, ("carol",), "carol asks; opsbot.yml names nobody else who can say yes."),
        (1, (), "carol asks."),
    ],
)
def test_nobody_is_said_to_be_able_to_say_yes_to_their_own_plan(people: int, known: tuple[str, ...], told: str) -> None:
    rule = {"from": "approver", "expires": 60.0, "people": people}
    waits = run("awaiting_approval", approval=rule)
    assert run_card(waits, None, lambda _rule, _environment: known).text.endswith(f"waits for a yes. {told}")


def test_what_hurts_comes_last(made: Mapping[str, Reply]) -> None:
    for name, reply in made.items():
        styles = [button.style == "danger" for button in reply.ordered]
        assert styles == sorted(styles), name


FIRST = {  # card of something that went wrong → the button that helps most
    "run-undone": "Try again",
    "run-unhealthy": "Try again",
    "run-needs-a-human": "I undid it by hand",
    "run-stopped": "Try again",
    "refused-unknown-tag": "Deploy v2",
    "refused-no-registry": "Try again",
    "misunderstood": "deploy v2 to staging",
    "place-missing": "deploy v2 to staging",
    "refused-one-way": "Backups",
    "alert-firing": "Acknowledge",
    "alerts": "Ack 1",
    "status-unwell": "Ack 1",
}
NOTHING_TO_PRESS = {
    "run-waits-for-approval",
    "run-rejected",
    "plan",
    "plan-one-way",
    "day",
}  # warned, but nothing failed: Approve, Do it


def test_the_first_button_of_whatever_went_wrong_is_the_one_that_helps(made: Mapping[str, Reply]) -> None:
    wrong = {name for name, reply in made.items() if reply.tone in ("bad", "warn")} - NOTHING_TO_PRESS
    assert {name: made[name].ordered[0].label for name in wrong} == FIRST


REFUSED = {  # code of a fact that forbids a deploy → the first button
    "no_backup": "Backups",
    "one_way": "Backups",
    "blocked": "Releases",
    "no_way_back": "Releases",
    "unknown_release": "Releases",
    "never_served": "Releases",
    "moved_on": "Releases",
    "nothing_live": "Releases",
    "no_image": "Releases",
}


@pytest.mark.parametrize(("code", "label"), REFUSED.items())
def test_a_refusal_offers_what_helps_with_its_reason(tmp_path: Path, code: str, label: str) -> None:
    world = World(tmp_path)
    world.red["image.resolve"] = Refused("It cannot be done.", code=code)
    assert world.say("deploy v2 to staging", CAROL).ordered[0].label == label
    world.store.close()


@pytest.mark.parametrize(
    ("status", "code", "labels"),
    [
        ("undone", "step_failed", ["Try again", "Logs", "Show the plan"]),
        ("undone", "plan_changed", ["Show the plan", "Try again"]),
        ("expired", "", ["Try again"]),
        ("rejected", "", []),
    ],
)
def test_a_run_that_did_not_happen_offers_what_fits_its_end(status: str, code: str, labels: list[str]) -> None:
    card = run_card(run(status, code=code), shipped()["deploy"])
    assert [button.label for button in card.ordered] == labels
