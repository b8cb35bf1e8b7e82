"""What a run's message says after its owner died: that another one came, what that one found, and which way it went."""

from __future__ import annotations

from typing import Any

import pytest
from acting import ALICE, mark, plan, sleep

from opsbot.commands.reply import Lines, Small
from opsbot.commands.run_card import run_card
from opsbot.runs.engine import Engine
from opsbot.store import Store

Event = tuple[str, dict[str, Any]]
BEGUN: Event = ("step_started", {"step": "a", "name": "Mark a"})
DIED = "taken over after a restart: "


def found(word: str) -> Event:
    return ("resumed", {"owner": "next", "step": "a", "found": word})


def said(bot: Engine, store: Store, *events: Event) -> str:
    """The quiet line of the card after these events."""
    run = bot.submit(plan(mark("a"), sleep("b")), ALICE, "slack")
    row = store.runs.get(run)
    assert row is not None
    for kind, body in events:
        store.events.add(run, kind, body, row.created_at)
    return next(part.text for part in run_card(bot.view(run)).parts if isinstance(part, Small))


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([found("done"), ("step_done", {"step": "a"})], "“Mark a” was done"),
        ([found("done"), ("step_done", {"step": "a"}), ("step_started", {"step": "b"})], "“Mark a” was done, and it went on"),
        ([found("not_done"), BEGUN], "“Mark a” was not over, and it went on"),
        ([found("not_done"), ("undo_started", {"step": "a"})], "“Mark a” was not over, and it went back"),
        (
            [found("failed"), ("step_failed", {"step": "a"}), ("undo_started", {"step": "a"})],
            "“Mark a” had not worked, and it went back",
        ),
        (
            [found("unknown"), ("parked", {"step": "a", "ask": "Did it?"})],
            "nobody can tell whether “Mark a” was done, and a person was asked",
        ),
        ([("undo_started", {"step": "a"}), found("not_done")], "“Mark a” was being undone"),
        (
            [("undo_started", {"step": "a"}), found("not_done"), ("progress", {"step": "a", "done": 1, "total": 2})],
            "“Mark a” was being undone, and it went back",
        ),
        ([("resumed", {"owner": "next", "found": "between"})], "it stood between two steps"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)  # fmt: skip
def test_the_message_tells_what_the_next_owner_found(
    bot: Engine, store: Store, events: list[Event], words: str
) -> None:
    assert said(bot, store, BEGUN, *events).endswith(DIED + words)


def test_several_deaths_are_counted_and_the_last_one_is_told(bot: Engine, store: Store) -> None:
    told = said(bot, store, BEGUN, found("not_done"), BEGUN, found("done"))
    assert told.endswith("taken over 2 times, the last time after a restart: “Mark a” was done")


def test_a_run_that_a_person_woke_was_taken_over_by_nobody(bot: Engine, store: Store) -> None:
    woken = ("resumed", {"owner": "same", "step": "a", "found": "cancelled", "by": "bob"})
    assert "taken over" not in said(bot, store, BEGUN, ("parked", {"step": "a", "ask": "Well?"}), woken)


def test_a_run_that_is_stopped_while_it_waits_shows_no_step_at_work(bot: Engine, store: Store) -> None:
    run = bot.submit(plan(mark("a"), sleep("b")), ALICE, "slack")
    bot.drive(run)
    bot.cancel(run, "bob", "slack")
    assert bot.drive(run) == "cancelled"
    (steps,) = (part.items for part in run_card(bot.view(run)).parts if isinstance(part, Lines))
    assert [(line.tone, line.note.partition(",")[0]) for line in steps] == [("warn", "undone"), ("warn", "stopped")]
