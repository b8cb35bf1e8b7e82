"""Whether a run's message tells the truth: its words against the run's row and its journal, not against its events."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from opsbot.runs.plan import Plan, PlannedStep
from opsbot.store.rows import JournalRow, RunRow
from opsbot.workspace.client import spoken

DONE, WARNED, BAD, OFF = "✅", "⚠️", "❌", "▫️"
ENDS = {
    "succeeded": (DONE, "done"),
    "undone": (BAD, "did not work"),
    "failed": (BAD, "needs a human"),
    "cancelled": (WARNED, "stopped"),
}
ATTEMPTS = {
    "done": (DONE, ""),
    "skipped": (OFF, "not needed"),
    "failed": (BAD, ""),
    "not_begun": (BAD, ""),
    "unknown": (BAD, ""),
    **dict.fromkeys(("cancelled", "not_done", "parked", "retry"), (WARNED, "stopped")),
}
UNDOS = {"done": (WARNED, "undone"), "failed": (BAD, "could not be undone")}
FOUND = {
    "done": "“{}” was done",
    "not_done": "“{}” was not over",
    "failed": "“{}” had not worked",
    "unknown": "nobody can tell whether “{}” was done",
    "cancelled": "somebody stopped it in “{}”",
}

Message = dict[str, Any]


def true_to_its_end(message: Message, run: RunRow, rows: Sequence[JournalRow]) -> None:
    """The message of an ended run: how it ended, how each step stands, and nothing to stop any more."""
    mark, words = ENDS[run.status]
    told = spoken(message)
    assert message["text"].startswith(f"{mark} {run.title}: {words}."), message["text"]
    why = (run.outcome or "").removeprefix(f"{run.title} ")
    assert why[1:] in message["text"], f"{run.outcome!r} is not in {message['text']!r}"
    lines = [line.partition(" — ") for line in told.splitlines()]
    for step in Plan.from_json(run.plan).steps:
        shown = [(mark_of(what), note) for what, _, note in lines if what.partition(" ")[2] == step.name]
        assert len(shown) == 1, f"“{step.name}” stands {len(shown)} times in {told}"
        mark, words = stands(rows, step)
        assert shown[0][0] == mark, f"“{step.name}” is {mark} in the journal: {told}"
        assert shown[0][1].startswith(words), f"“{step.name}” is {words!r} in the journal: {told}"
    assert f"cancel {run.id}" not in json.dumps(message["blocks"]), "nothing runs that could be stopped"


def mark_of(what: str) -> str:
    """The mark that a line begins with."""
    return what.partition(" ")[0]


def stands(rows: Sequence[JournalRow], step: PlannedStep) -> tuple[str, str]:
    """Mark and first words that a step's line must have."""
    did = [row.outcome for row in rows if (row.step, row.phase) == (step.id, "do")]
    undid = [row.outcome for row in rows if (row.step, row.phase) == (step.id, "undo")]
    if undid:
        return UNDOS[str(undid[-1])]
    return ATTEMPTS[str(did[-1])] if did else (OFF, "")


def taken_over(message: Message, run: RunRow, rows: Sequence[JournalRow], half: JournalRow | None, owner: str) -> None:
    """It says that another owner came, what that one found (`half`: the row without a result), and which way it went."""
    if half is None:
        found = "it stood between two steps"
    elif half.phase == "undo":
        found = f"“{name_of(run, half)}” was being undone"
    else:
        (now,) = (row for row in rows if row.number == half.number)
        found = FOUND[str(now.outcome)].format(name_of(run, half))
    first = next(
        (row.phase for row in rows if row.owner.startswith(owner)), "do" if run.status == "succeeded" else "undo"
    )
    way = "it went on" if first == "do" else "it went back"
    wanted = f" after a restart: {found}, and {way}"
    assert "taken over" in spoken(message)
    assert wanted in spoken(message), f"{wanted!r} is not in {spoken(message)}"


def name_of(run: RunRow, row: JournalRow) -> str:
    """The name of a journal row's step."""
    return next(step.name for step in Plan.from_json(run.plan).steps if step.id == row.step)


def not_taken_over(message: Message) -> None:
    """It says of no restart: nobody was interrupted."""
    assert "taken over" not in spoken(message), spoken(message)


def one_message(top: Sequence[Message], thread: Sequence[Message], run: str, *, details: bool) -> Message:
    """The one message among a channel's that tells of the run; below it once what steps said, if they said anything."""
    mine = [message for message in top if f"{run}" in spoken(message)]
    assert len(mine) == 1, f"{len(mine)} messages tell of {run}: {[spoken(one) for one in mine]}"
    assert len(thread) == int(details), [spoken(one) for one in thread]
    return mine[0]
