"""Properties of the pure decision: whatever fails, dies or is cancelled, and whenever."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from acting import mark, plan
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from opsbot.runs.plan import Plan
from opsbot.runs.run import DRIVEN, FINAL, TRANSITIONS, Do, End, Move, Recheck, TurnBack, Undo, next_move, sources
from opsbot.store.rows import JournalRow

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BEGAN = ("done", "failed", "cancelled", "unknown", "retry", "parked", "not_done")


def test_no_status_leads_out_of_a_final_one() -> None:
    assert FINAL.intersection(TRANSITIONS) == {"failed"}
    assert TRANSITIONS["failed"] == {"undoing"}, "and only because a person did by hand what could not be undone"
    assert {after for afters in TRANSITIONS.values() for after in afters} == FINAL | (
        set(TRANSITIONS) - {"awaiting_approval"}
    )
    assert sources("succeeded") == ("running",)


class AnyRun(RuleBasedStateMachine):
    """Plays every owner that a run may have, one decision at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.plan: Plan = plan()
        self.rows: list[JournalRow] = []
        self.status, self.cancel_by = "running", None

    @initialize(kinds=st.lists(st.sampled_from(["undone", "stays", "keeps"]), min_size=1, max_size=5))
    def submit(self, kinds: list[str]) -> None:
        why = {"stays": "it stays"}
        steps = [mark(f"s{n}", undo=kind != "stays", why_no_undo=why.get(kind)) for n, kind in enumerate(kinds)]
        self.plan = plan(
            *(
                replace(step, keeps="value" if kind == "keeps" else None)
                for step, kind in zip(steps, kinds, strict=True)
            )
        )

    def move(self) -> Move:
        return next_move(self.plan, self.rows, self.status, self.cancel_by)

    def intend(self, move: Do | Undo) -> None:
        phase = "do" if isinstance(move, Do) else "undo"
        number = len(self.rows) + 1
        self.rows.append(JournalRow("r", number, move.step.id, phase, move.attempt, "o", NOW, None, None, None, None))

    def close(self, outcome: str) -> None:
        outputs = {"value": 1} if outcome == "done" else None
        self.rows[-1] = replace(self.rows[-1], ended_at=NOW, outcome=outcome, outputs=outputs)

    def is_(self, *kinds: type[Move]) -> bool:
        return self.status in DRIVEN and isinstance(self.move(), kinds)

    @precondition(lambda self: self.is_(Do))
    @rule(
        outcome=st.sampled_from(
            ["done", "done", "done", "skipped", "retry", "parked", "failed", "cancelled", "not_begun"]
        )
    )
    def do(self, outcome: str) -> None:
        self.intend(self.move())  # type: ignore[arg-type]  # the precondition says what it is
        self.close(outcome)

    @precondition(lambda self: self.is_(Undo))
    @rule(outcome=st.sampled_from(["done", "done", "retry", "failed"]))
    def undo(self, outcome: str) -> None:
        move = self.move()
        assert isinstance(move, Undo)
        last = [row for row in self.rows if row.step == move.step.id and row.phase == "do"][-1]
        assert (move.outputs is not None) == (last.outcome == "done")
        self.intend(move)
        self.close(outcome)

    @precondition(lambda self: self.is_(Do, Undo))
    @rule()
    def owner_dies_half_way(self) -> None:
        self.intend(self.move())  # type: ignore[arg-type]  # the precondition says what it is

    @precondition(lambda self: self.is_(Recheck))
    @rule(outcome=st.sampled_from(["done", "not_done", "unknown"]))
    def recheck(self, outcome: str) -> None:
        self.close(outcome if self.rows[-1].phase == "do" else "not_done")

    @precondition(lambda self: self.is_(TurnBack))
    @rule()
    def turn_back(self) -> None:
        assert self.status in sources("undoing")
        self.status = "undoing"

    @precondition(lambda self: self.is_(End))
    @rule()
    def end(self) -> None:
        move = self.move()
        assert isinstance(move, End)
        assert self.status in sources(move.status)
        self.check_end(move)
        self.status = move.status

    @precondition(lambda self: self.status in DRIVEN)
    @rule()
    def a_person_cancels(self) -> None:
        self.cancel_by = "bob"

    @precondition(lambda self: self.status not in DRIVEN)
    @rule(status=st.sampled_from(sorted(set(TRANSITIONS) | FINAL)))
    def nothing_leads_out_of_the_end(self, status: str) -> None:
        assert self.status not in sources(status) or (self.status, status) == ("failed", "undoing")

    @precondition(lambda self: self.status == "failed" and self.rows[-1].outcome == "failed")
    @rule()
    def a_person_reverses_the_stuck_step_by_hand(self) -> None:
        if self.rows[-1].phase == "undo":
            last = self.rows[-1]
            self.rows.append(replace(last, number=last.number + 1, attempt=last.attempt + 1, outcome="done"))
            self.status = "undoing"

    def check_end(self, end: End) -> None:
        began = {row.step for row in self.rows if row.phase == "do" and row.outcome in BEGAN}
        undone = {row.step for row in self.rows if row.phase == "undo" and row.outcome == "done"}
        lasting = [n for n, step in enumerate(self.plan.steps) if step.id in began and not step.undo]
        kept = {step.id for n, step in enumerate(self.plan.steps) if step.keeps and any(last > n for last in lasting)}
        can_undo = {step.id for step in self.plan.steps if step.undo} - kept
        if end.status == "succeeded":
            assert not undone
            assert {row.step for row in self.rows if row.outcome in ("done", "skipped")} == {
                s.id for s in self.plan.steps
            }
        elif end.stuck is None:
            assert undone == began & can_undo
            assert {step.id for step in end.stays} == began - can_undo
            assert end.left == ()
        else:
            assert end.left[0] == end.stuck
            assert {step.id for step in end.left} == (began & can_undo) - undone
            assert {step.id for step in end.stays} == began - can_undo

    @invariant()
    def nothing_is_intended_while_something_is_half_way(self) -> None:
        assert all(row.ended_at is not None for row in self.rows[:-1])

    @invariant()
    def undo_goes_in_the_reverse_order_of_doing(self) -> None:
        order = [step.id for step in self.plan.steps]
        undone = [order.index(row.step) for row in self.rows if row.phase == "undo"]
        assert undone == sorted(undone, reverse=True)

    @invariant()
    def nothing_is_done_after_the_first_undo(self) -> None:
        phases = [row.phase for row in self.rows]
        assert phases == sorted(phases, key=["do", "undo"].index)

    @invariant()
    def a_step_that_was_done_is_never_done_again(self) -> None:
        ended = [row.step for row in self.rows if row.phase == "do" and row.outcome in ("done", "skipped")]
        assert len(ended) == len(set(ended))


TestAnyRun = AnyRun.TestCase
