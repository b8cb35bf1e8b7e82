"""Runs that their owner left behind: which they are, and what a recheck or a human makes of the attempt left half-way."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from opsbot.errors import StepFailed
from opsbot.runs.attempt import Result
from opsbot.runs.journal import asks_what_happened
from opsbot.runs.plan import PlannedStep
from opsbot.runs.run import DRIVEN
from opsbot.runs.step import Park
from opsbot.store import Store
from opsbot.store.rows import JournalRow, RunRow

Choice = Literal["done", "again", "undo"]
CHOICES: Mapping[Choice, str] = {
    "done": "it took effect, and the run goes on",
    "again": "it did not, and is run again",
    "undo": "what was done is undone",
}
_WORDS: Mapping[Choice, tuple[str, ...]] = {
    "done": ("done", "it is done", "yes", "yes it did", "it did", "took effect", "it took effect"),
    "again": ("again", "run again", "run it again", "try again", "no", "no it did not", "it did not", "not done"),
    "undo": ("undo", "undo it", "go back", "turn back"),
}
_MEANT = {word: choice for choice, words in _WORDS.items() for word in words}


def abandoned(store: Store, now: datetime) -> list[str]:
    """Runs that should be driven and that nobody drives: their owner's lease expired or was given back.

    Those that wait until a part answers, which must say what a dead owner did, are none before their moment, unless a
    person stopped them meanwhile.
    """
    due = [run.id for run in store.runs.by_status(DRIVEN) if not _asleep(run, now)]
    return [run for run in due if store.leases.holder(f"run:{run}", now) is None]


def _asleep(run: RunRow, now: datetime) -> bool:
    stopped = run.status == "running" and run.cancel_by is not None
    return run.wake_at is not None and run.wake_at > now and not stopped


def from_recheck(step: PlannedStep, result: Result) -> Result:
    """What is written for a rechecked attempt. Where the playbook says `on_resume: ask`, the unknown is a question."""
    if result.outcome != "unknown" or step.on_resume != "ask":
        return result
    return question(step)


def meaning(text: str) -> Choice | None:
    """What an answer to the question says; None where it may be taken in more than one way, so that nobody guesses."""
    return _MEANT.get(" ".join(re.sub(r"[^a-z ]", " ", text.lower()).split()))


def question(step: PlannedStep) -> Result:
    """The park in which a person is asked whether the step took effect."""
    said = f"Nobody saw how “{step.name}” ended."
    ask = f"Did “{step.name}” take effect? Answer done, again (to run it again) or undo."
    return Result("parked", park=Park(None, said, {}, ask), asks_what_happened=True)


def decided_by_human(last: JournalRow | None, parked: Mapping[str, Any] | None, step: PlannedStep) -> Result | None:
    """The result that a person's answer gives to such an attempt; None = run it (again). Without a clear one it is asked again."""
    if last is None or not asks_what_happened(last):
        return None
    asked = parked or {}
    if (asked.get("step"), asked.get("attempt", last.attempt)) != (step.id, last.attempt):
        asked = {}  # that was another question
    match meaning(str(asked.get("answer") or "")):
        case "done":
            return Result("done", dict(asked.get("outputs") or {}))
        case "again":
            return None
        case "undo":
            what = f"“{step.name}” was left half-way, and {asked.get('by') or 'a person'} said to undo."
            return Result("failed", error=StepFailed(what, code="unknown").as_json())
    return question(step)
