"""What people say to a plan before it begins: yes, no, break the glass, sign for it. Pure: a run in, what is to be written out.

An approval binds to the fingerprint and is used once. Each decision is made inside the transaction that writes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from opsbot.errors import Refused
from opsbot.runs import gate
from opsbot.runs.plan import Plan, edited
from opsbot.runs.run import UNANSWERED
from opsbot.store.rows import ApprovalRow, Around, DebtRow, Entry, RunRow
from opsbot.store.runs import Change

COUNTDOWN = 60.0  # seconds in which anybody can stop a change whose glass was broken
ENOUGH = 6  # characters of a fingerprint that name a plan
DEBT_DUE = timedelta(hours=24)  # until when somebody else signs for it

Gate = Callable[[RunRow, Around], Refused | None]


@dataclass(frozen=True)
class Word:
    """Somebody says something: an actor {"kind", "id", "name"}, through a door, at a moment."""

    by: Mapping[str, Any]
    door: str
    now: datetime

    @property
    def id(self) -> str:
        """Who people are compared by."""
        return str(self.by.get("id"))

    @property
    def name(self) -> str:
        """What people call them."""
        return str(self.by.get("name") or self.by.get("id"))

    def entry(self, what: str, run: RunRow, outcome: str, **body: Any) -> Entry:
        """The audit row of this word."""
        return Entry(self.by, self.door, what, run.lock, outcome, {"run": run.id, **body})


def expires_at(plan: Plan, now: datetime) -> datetime | None:
    """When an unanswered plan expires; None if it needs no approval."""
    return None if plan.approval is None else now + timedelta(seconds=float(plan.approval.get("expires", 3600)))


def yes(run: RunRow, around: Around, word: Word, stopped: Gate, fingerprint: str | None = None) -> Change:
    """A yes. The last one that is needed makes the run queued and takes its locks, if the gate lets it pass.

    Refused: not_waiting, expired, not_a_person, own_plan, already_said, plan_changed, and what the gate says.
    """
    _unanswered(run, word.now)
    _another_person(run, around, word)
    _the_plan_shown(run, fingerprint)
    approval = ApprovalRow(run.id, word.id, word.name, "yes", run.fingerprint, None, word.door, word.now)
    said = [*_said_yes(run, around), approval]
    names = ", ".join(each.who for each in said)
    left = max(0, int((run.plan.get("approval") or {}).get("people", 1)) - len(said))
    if left:
        event = ("approval", {"by": word.name, "left": left})
        entry = word.entry("approve", run, run.status, left=left)
        return Change(approval=approval, events=(event,), entries=(entry,))
    queued = enqueue(run, around, word.now, stopped, ("approved", {"by": names}), approved_by=names, glass=None)
    return replace(queued, approval=approval, entries=(word.entry("approve", run, "queued"),))


def no(run: RunRow, around: Around, word: Word, reason: str | None = None, fingerprint: str | None = None) -> Change:
    """Anybody's no ends the plan, also during a countdown, whatever was shown. Refused: not_waiting, expired, plan_changed."""
    _unanswered(run, word.now)
    if run.status == "awaiting_approval":
        _the_plan_shown(run, fingerprint)
    why = f": {reason.strip().rstrip('.')}" if reason and reason.strip() else ""
    outcome = f"Rejected by {word.name}{why}. {said(run, 'rejected', 'Nothing was changed.')}"
    entry = word.entry("reject", run, "rejected", reason=reason)
    said_no = ApprovalRow(run.id, word.id, word.name, "no", run.fingerprint, reason, word.door, word.now)
    return replace(end(run, "rejected", outcome, word.now, "rejected", entry), approval=said_no)


def break_glass(run: RunRow, around: Around, word: Word, reason: str) -> Change:
    """Nobody answers: a countdown takes the place of the approval. Refused: not_waiting, expired, not_a_person, no_reason."""
    _unanswered(run, word.now, ("awaiting_approval",))
    glass, event = broken(word, reason)
    entry = word.entry("break-glass", run, "countdown", reason=glass["reason"])
    columns = {"status": "countdown", "glass": glass, "wake_at": countdown_ends(glass)}
    return Change(columns=columns, events=(event,), entries=(entry,))


def broken(word: Word, reason: str) -> tuple[dict[str, Any], tuple[str, Mapping[str, Any]]]:
    """The run's `glass` and the event that tells of it. Refused: not_a_person, no_reason."""
    _a_person(word)
    if not reason.strip():
        raise Refused("Breaking the glass needs a reason.", 'Say why: --break-glass "…".', code="no_reason")
    until = (word.now + timedelta(seconds=COUNTDOWN)).isoformat()
    glass = {"by": word.id, "who": word.name, "reason": reason.strip(), "until": until}
    return glass, ("countdown", {"by": word.name, "reason": glass["reason"], "until": until})


def countdown_ends(glass: Mapping[str, Any]) -> datetime:
    """When a countdown is over."""
    return datetime.fromisoformat(glass["until"])


def count_down(run: RunRow, around: Around, now: datetime, stopped: Gate) -> Change:
    """The countdown is over: the run is queued, and will owe a signature once it begins; or the gate stops it, and it ends."""
    if run.status != "countdown" or run.wake_at is None or run.wake_at > now or run.glass is None:
        return Change()
    glass = run.glass
    who = {"kind": "person", "id": glass["by"], "name": glass["who"]}
    try:
        event = ("approved", {"by": f"{glass['who']}, who broke the glass"})
        queued = enqueue(run, around, now, stopped, event)
    except Refused as refused:
        return end_refused(run, refused, now)
    entry = Entry(who, run.door, "break-glass", run.lock, "queued", {"run": run.id, "reason": glass["reason"]})
    return replace(queued, entries=(entry,))


def owed(run: RunRow, around: Around, now: datetime) -> DebtRow | None:
    """The debt of a run that begins now behind a broken glass; what ends before it begins owes nothing."""
    glass = run.glass
    if glass is None or around.debt is not None:
        return None
    asker = str(run.actor.get("id"))
    return DebtRow(run.id, run.title, glass["by"], glass["who"], asker, glass["reason"], now, now + DEBT_DUE)


def sign(run: RunRow, around: Around, word: Word, note: str) -> Change:
    """A different person takes note of a change that ran without its approval. Refused: no_debt, own_debt, not_a_person."""
    debt = around.debt
    if debt is None or debt.signed_at is not None:
        raise Refused(f"Run {run.id} owes no signature.", "`status` shows which do.", code="no_debt")
    _a_person(word)
    if word.id in (debt.by, debt.asker):
        raise Refused("You cannot sign for this yourself.", "Another person has to look at it.", code="own_debt")
    signed = replace(debt, signed_by=word.name, signed_at=word.now, note=note)
    event = ("signed", {"by": word.name, "note": note})
    return Change(debt=signed, events=(event,), entries=(word.entry("sign", run, "signed", note=note),))


def expire(run: RunRow, around: Around, now: datetime) -> Change:
    """End a plan whose time for approval is over, whoever slept through it."""
    if run.status != "awaiting_approval" or run.wake_at is None or run.wake_at > now:
        return Change()
    outcome = said(run, "expired", "Nobody answered in time, so nothing was changed.")
    return end(run, "expired", outcome, now, "expired")


def enqueue(
    run: RunRow, around: Around, now: datetime, stopped: Gate, event: tuple[str, Mapping[str, Any]], **columns: Any
) -> Change:
    """Make the run queued with all its locks; raises what the gate says."""
    if refused := stopped(run, around):
        raise refused
    who = str(run.actor.get("name") or run.actor.get("id"))
    take = gate.wishes(Plan.from_json(run.plan), run.id, who, now)
    return Change(columns={"status": "queued", "wake_at": None, **columns}, take=take, events=(event,))


def end(run: RunRow, status: str, outcome: str, now: datetime, code: str, *entries: Entry, **columns: Any) -> Change:
    """End a run that has not begun."""
    told = {"status": status, "outcome": outcome, "code": code}
    entries = entries or (
        Entry(run.actor, run.door, run.playbook, run.lock, code, {"run": run.id, "outcome": outcome}),
    )
    columns |= {"status": status, "outcome": outcome, "ended_at": now, "wake_at": None, "parked": None}
    return Change(columns=columns, unlock=True, events=(("finished", told),), entries=entries)


def end_refused(run: RunRow, refused: Refused, now: datetime) -> Change:
    """End a run that the gate did not let begin."""
    return end(run, "rejected", f"{refused.what} Nothing was changed. {refused.fix}".strip(), now, refused.code)


def end_edited(run: RunRow, now: datetime) -> Change:
    """End a plan that waits for an answer and whose playbook says something else now: it could not begin."""
    if run.status != "awaiting_approval":
        return Change()
    outcome = f"{edited(run.playbook)} {said(run, 'rejected', 'Nothing was changed.')} Ask again."
    return end(run, "rejected", outcome, now, "plan_changed")


def said(run: RunRow, key: str, otherwise: str) -> str:
    """The playbook's own sentence for an outcome, as it was rendered with the plan."""
    return str((run.plan.get("say") or {}).get(key) or otherwise)


def _unanswered(run: RunRow, now: datetime, statuses: tuple[str, ...] = UNANSWERED) -> None:
    if run.status not in statuses:
        raise Refused(f"Run {run.id} does not wait for approval: it is {run.status}.", code="not_waiting")
    if run.status == "awaiting_approval" and run.wake_at is not None and run.wake_at <= now:
        raise Refused(f"The time to answer run {run.id} is over.", "Ask for it again.", code="expired")


def _the_plan_shown(run: RunRow, fingerprint: str | None) -> None:
    """What people see is what they answer: by the whole fingerprint, or by so much of its beginning that it is no guess."""
    if fingerprint is None or (len(fingerprint) >= ENOUGH and run.fingerprint.startswith(fingerprint.lower())):
        return
    raise Refused(
        f"Run {run.id} has another plan than the one that you were shown.",
        "Look at it as it is now.",
        code="plan_changed",
    )


def _said_yes(run: RunRow, around: Around) -> list[ApprovalRow]:
    """Those whose yes was to the plan that stands."""
    return [each for each in around.approvals if (each.verdict, each.fingerprint) == ("yes", run.fingerprint)]


def _another_person(run: RunRow, around: Around, word: Word) -> None:
    _a_person(word)
    if word.id == str(run.actor.get("id")):
        raise Refused("You asked for this yourself.", "Another person has to approve it.", code="own_plan")
    if any(each.by == word.id for each in _said_yes(run, around)):
        raise Refused("You have said yes already.", "One more person has to.", code="already_said")


def _a_person(word: Word) -> None:
    if word.by.get("kind", "person") != "person":
        raise Refused(f"{word.name} is not a person.", "A person has to say this.", code="not_a_person")
