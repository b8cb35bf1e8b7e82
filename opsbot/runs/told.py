"""What people tell the engine about a run: each word is one decision in one transaction, with its audit row."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from opsbot.clock import Clock
from opsbot.errors import Refused
from opsbot.runs import approval, asked, gate
from opsbot.runs.approval import Word
from opsbot.runs.context import Signals
from opsbot.runs.outputs import OutputsByHand
from opsbot.runs.plan import Plan, edited
from opsbot.runs.recover import meaning
from opsbot.runs.restraints import Restraints
from opsbot.store import Store
from opsbot.store.locks import LockHeld
from opsbot.store.rows import Around, RunRow
from opsbot.store.runs import Change

By = Mapping[str, Any] | str
Frozen = Callable[[str | None, datetime], str | None]
HashOf = Callable[[str], str | None]  # a playbook's name → the hash of what it says now; None = nobody knows
Decide = Callable[[RunRow, Around], Change]


def person(by: By) -> Mapping[str, Any]:
    """An actor {"kind", "id", "name"}, also of just a name."""
    return {"kind": "person", "id": by, "name": by} if isinstance(by, str) else by


class Told:
    """The engine's ear. `by` is an actor or just a name, `door` where the words came in. Each method may raise Refused."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        frozen: Frozen,
        outputs: OutputsByHand,
        databases: Collection[str],
        hash_of: HashOf,
    ) -> None:
        self._store, self._clock, self._frozen, self._outputs = store, clock, frozen, outputs
        self._databases, self._hash_of = databases, hash_of
        self._driving: dict[str, Signals] = {}
        self.restraints = Restraints(store, clock)

    def cancel(self, run: str, by: By, door: str, only: Collection[str] | None = None) -> str:
        """Ask the run to stop and undo what it did; returns its status. `only`: the statuses in which `by` may.

        Refused: ended, undoing; begun, if it is in none of `only` any more.
        """
        after = self._decide(run, by, door, lambda row, around, word: asked.cancel(row, around, word, only))
        driven = self._driving.get(run)  # its driver may let go of it at any moment
        if after.cancel_by and driven is not None:
            driven.cancel.set()
        return after.status

    def approve(self, run: str, by: By, door: str, fingerprint: str | None = None) -> str:
        """A second person's yes; returns the status: queued, or awaiting_approval while more people have to say yes.

        Refused: own_plan, already_said, not_a_person, not_waiting, expired, plan_changed, locked, frozen. A plan whose
        playbook was edited meanwhile ends here, so that nobody says yes for nothing.
        """
        self._not_edited(run)
        try:
            return self._decide(
                run, by, door, lambda row, around, word: approval.yes(row, around, word, self.stopped, fingerprint)
            ).status
        except Refused as refused:
            if refused.code == "expired":
                self._expire(run)
            raise

    def reject(self, run: str, by: By, door: str, reason: str | None = None, fingerprint: str | None = None) -> str:
        """Anybody's no, to a plan or to a countdown. Refused: not_waiting, expired, plan_changed."""
        return self._decide(
            run, by, door, lambda row, around, word: approval.no(row, around, word, reason, fingerprint)
        ).status

    def break_glass(self, run: str, by: By, reason: str, door: str) -> datetime:
        """Begin the countdown that takes the place of an approval; returns its end. Whether `by` may is the caller's to know.

        Refused: not_waiting, expired, not_a_person, no_reason.
        """
        self._not_edited(run)
        after = self._decide(run, by, door, lambda row, around, word: approval.break_glass(row, around, word, reason))
        return approval.countdown_ends(after.glass or {})

    def sign(self, run: str, by: By, note: str, door: str) -> None:
        """A different person signs for a change that ran without its approval. Refused: no_debt, own_debt, not_a_person."""
        self._decide(run, by, door, lambda row, around, word: approval.sign(row, around, word, note))

    def answer(self, run: str, by: By, text: str, door: str) -> str:
        """Complete the step that asks a person something. Refused: not_asking, unclear, no_outputs."""
        outputs = self._outputs.of(run, None, {}) if self._says_done(run, text) else {}
        return self._decide(
            run, by, door, lambda row, around, word: asked.answer(row, around, word, text, outputs)
        ).status

    def complete(
        self, run: str, step: str, by: By, evidence: str, door: str, outputs: Mapping[str, Any] | None = None
    ) -> str:
        """The step at hand was done by hand; on a failed run, the undo that failed. `outputs`: what it left, by name.

        Refused: no_evidence, not_at_hand, ended, locked, unknown_output, no_outputs.
        """
        known = self._outputs.of(run, step, outputs or {}) if evidence.strip() else {}
        return self._decide(
            run, by, door, lambda row, around, word: asked.complete(row, around, word, step, evidence, known)
        ).status

    def stopped(self, run: RunRow, around: Around) -> Refused | None:
        """What the gate says to a run now."""
        now = self._clock.now()
        wanted = gate.ask(Plan.from_json(run.plan), run.id, str(run.actor.get("id")), self._databases)
        return gate.stop(wanted, around, self._frozen(run.environment, now), now)

    def _says_done(self, run: str, text: str) -> bool:
        row = self._store.runs.get(run)
        return (
            row is not None and meaning(text) == "done" and asked.asks_whether_done(row, self._store.journal.rows(run))
        )

    def _decide(self, run: str, by: By, door: str, say: Callable[[RunRow, Around, Word], Change]) -> RunRow:
        now = self._clock.now()
        word = Word(person(by), door, now)
        try:
            return self._store.runs.change(run, now, lambda row, around: say(row, around, word))
        except LockHeld as held:
            raise gate.held_by_run(held.holder, now) from held

    def _not_edited(self, run: str) -> None:
        """End a plan that waits for an answer and could not begin any more; raises why."""
        row, now = self._store.runs.get(run), self._clock.now()
        if row is None or row.status != "awaiting_approval":
            return
        if self._hash_of(row.playbook) in (None, row.plan.get("playbook_hash")):
            return
        self._store.runs.change(run, now, lambda row, _: approval.end_edited(row, now))
        what = f"Run {run} does not wait for approval any more. {edited(row.playbook)}"
        raise Refused(what, "Ask for it again.", code="not_waiting")

    def _expire(self, run: str) -> None:
        now = self._clock.now()
        self._store.runs.change(run, now, lambda row, around: approval.expire(row, around, now))
