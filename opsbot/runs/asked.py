"""What people ask of a run that has begun: stop, an answer, a step completed by hand. Pure, like approval."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from opsbot.errors import Refused
from opsbot.runs import gate
from opsbot.runs.approval import Word, end
from opsbot.runs.journal import asks_what_happened
from opsbot.runs.plan import Plan
from opsbot.runs.recover import CHOICES, meaning
from opsbot.runs.run import AGAIN, FINAL, UNBEGUN, attempts
from opsbot.store.rows import Around, JournalRow, RunRow
from opsbot.store.runs import Change

AT_HAND = AGAIN | {None}  # how the last attempt of a step stands that a person may still complete


def cancel(run: RunRow, around: Around, word: Word, only: Collection[str] | None = None) -> Change:
    """Before it began the run ends; afterwards it is asked to stop, and the first who asks counts.

    `only`: the statuses in which this person may stop it. Refused: ended, undoing, begun.
    """
    if run.status in FINAL:
        raise Refused(f"Run {run.id} has already ended: {run.status}.", "To go back, use rollback.", code="ended")
    if run.status == "undoing":
        raise Refused(f"Run {run.id} is already undoing what it did.", "Wait until it ends.", code="undoing")
    if only is not None and run.status not in only:
        raise Refused(
            f"The countdown of run {run.id} is over: it is {run.status}.", "An operator can stop it.", code="begun"
        )
    entry = word.entry("cancel", run, "cancelled" if run.status in UNBEGUN else run.status)
    if run.status in UNBEGUN:
        outcome = f"Cancelled by {word.name} before it began. Nothing was changed."
        return end(run, "cancelled", outcome, word.now, "cancelled", entry, cancel_by=word.name)
    if run.cancel_by is not None:
        return Change(entries=(entry,))
    event = ("cancel_asked", {"by": word.name})
    return Change(columns={"cancel_by": word.name}, events=(event,), entries=(entry,))


def answer(run: RunRow, around: Around, word: Word, text: str, outputs: Mapping[str, Any] | None = None) -> Change:
    """The first answer to what a waiting run asks wakes it. Refused: not_asking; unclear, where only some words are an answer.

    `outputs`: what the step at hand left, if the answer says that it took effect.
    """
    parked = run.parked or {}
    if run.status != "waiting" or parked.get("ask") is None or parked.get("answer") is not None:
        raise Refused(f"Run {run.id} asks nothing: it is {run.status}.", code="not_asking")
    if asks_whether_done(run, around.journal) and meaning(text) is None:
        choices = "; ".join(f"`{word}`: {what}" for word, what in CHOICES.items())
        raise Refused(
            f"“{text}” can be taken in more than one way.", f"Answer one of these. {choices}.", code="unclear"
        )
    answered = {**parked, "answer": text, "by": word.name, "outputs": dict(outputs or {})}
    columns = {"parked": answered, "wake_at": word.now}
    return Change(columns=columns, entries=(word.entry("answer", run, run.status, text=text),))


def complete(
    run: RunRow, around: Around, word: Word, step: str, evidence: str, outputs: Mapping[str, Any] | None
) -> Change:
    """A person did what the bot could not: the step at hand counts as done, or as reversed.

    On a failed run it is the undo that failed: the run takes its locks again and reverses what is left.
    Refused: no_evidence, ended, not_at_hand; LockHeld if somebody else has the target meanwhile.
    """
    if not evidence.strip():
        raise Refused("What shows that it is done?", "Say what you did and where it can be seen.", code="no_evidence")
    phase, there = at_hand(run, around.journal)
    if there is None:
        raise Refused(f"Run {run.id} is {run.status}: there is nothing to complete.", code="ended")
    if there != step:
        raise Refused(f"Run {run.id} is at “{there}”, not at “{step}”.", f"Complete {there}.", code="not_at_hand")
    told = {"step": step, "phase": phase, "by": word.name, "evidence": evidence}
    entry = word.entry("complete", run, run.status, step=step, phase=phase, evidence=evidence)
    if run.status == "failed":
        return Change(**_reopened(run, around, word, step, evidence), events=(("by_hand", told),), entries=(entry,))
    columns: dict[str, Any] = {"by_hand": {**told, "outputs": dict(outputs or {})}}
    columns |= {"wake_at": word.now} if run.status == "waiting" or run.wake_at else {}
    return Change(columns=columns, events=(("by_hand", told),), entries=(entry,))


def asks_whether_done(run: RunRow, rows: Sequence[JournalRow]) -> bool:
    """Whether the run asks if the step at hand took effect, which only a person can know."""
    return run.status == "waiting" and bool(rows) and asks_what_happened(rows[-1])


def at_hand(run: RunRow, rows: Sequence[JournalRow]) -> tuple[str, str | None]:
    """Phase and step that the run is at: what it does, repeats or waits for; on a failed run the undo that failed."""
    last = rows[-1] if rows else None
    if last is None or run.status in FINAL - {"failed"}:
        return "do", None
    if run.status in ("running", "waiting"):
        return "do", last.step if last.phase == "do" and last.outcome in AT_HAND else None
    if run.status == "undoing":
        return "undo", last.step if last.phase == "undo" and last.outcome in AT_HAND else None
    return "undo", last.step if last.phase == "undo" and last.outcome == "failed" else None


def _reopened(run: RunRow, around: Around, word: Word, step: str, evidence: str) -> dict[str, Any]:
    attempt = len(attempts(around.journal, step, "undo")) + 1
    by = f"{word.name}, by hand"
    row = JournalRow(
        run.id, 0, step, "undo", attempt, by, word.now, word.now, "done", {"by": word.name, "evidence": evidence}, None
    )
    who = str(run.actor.get("name") or run.actor.get("id"))
    take = gate.wishes(Plan.from_json(run.plan), run.id, who, word.now)
    return {"columns": {"status": "undoing", "ended_at": None, "outcome": None}, "take": take, "journal": row}
