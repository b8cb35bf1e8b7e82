"""The team once more, while owners die between any two writes, another one takes over, and people do by hand what is left."""

from __future__ import annotations

import copy
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from acting import QUICK, mark, plan, resolve, sleep
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, multiple, rule
from test_runs_machine import Jumping, Team, people, targets

from opsbot.errors import OpsError, Refused
from opsbot.runs.engine import Engine
from opsbot.runs.gate import overlap
from opsbot.store import Store

pytestmark = pytest.mark.stories

WRITES = {"journal": ("before", "after"), "runs": ("transition", "change")}


class Died(BaseException):
    """The program is gone, and what it would have done at its end with it."""


class Part:
    """A part of the store whose writes are counted."""

    def __init__(self, part: Any, counted: tuple[str, ...], life: Life) -> None:
        self._part, self._counted, self._life = part, counted, life

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._part, name)
        return self._life.of(found) if name in self._counted else found


class Life:
    """So many writes, and whether the last one still gets through."""

    def __init__(self, writes: int, last_is_written: bool) -> None:
        self.left, self._last_is_written = writes, last_is_written

    def of(self, write: Any) -> Any:
        def counted(*args: Any, **more: Any) -> Any:
            self.left -= 1
            if self.left == 0:
                if self._last_is_written:
                    write(*args, **more)
                raise Died
            return write(*args, **more)

        return counted


def mortal(store: Store, life: Life) -> Store:
    """The same store for a program that will die, and leaves its leases behind then."""
    mine = copy.copy(store)
    for name, counted in WRITES.items():
        setattr(mine, name, Part(getattr(store, name), counted, life))
    leases = copy.copy(store.leases)
    leases.release = lambda *who: store.leases.release(*who) if life.left > 0 else None  # type: ignore[method-assign]  # the dead release nothing
    mine.leases = leases
    return mine


class Standing(Jumping):
    """A clock that moves only when it is moved, so that the same story always goes the same way."""

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + self.off


class Crew(Team):
    """Everything that a team does, and owners that do not live for ever."""

    def __init__(self) -> None:
        super().__init__(Standing())
        self.late = Standing()
        self.other = Engine(self.store, self.late, self.engine._attempts._steps, resolve, "other", pace=QUICK)

    def submit_plan(self, by: dict[str, str], lock: list[str], *steps: Any, **more: Any) -> Any:
        self.number += 1
        made = plan(*(mark(f"{self.number}.{at}", **how) for at, how in enumerate(steps)), lock=lock, **more)
        try:
            return self.engine.submit(made, by, "slack")
        except OpsError:
            return multiple()

    @rule(target=Team.runs, by=people, place=targets)
    def submit_what_cannot_be_undone(self, by: dict[str, str], place: str) -> Any:
        return self.submit_plan(by, [place], {}, {"undo_fails": True}, {"fails": True})

    @rule(target=Team.runs, by=people, place=targets)
    def submit_what_nobody_can_tell_of(self, by: dict[str, str], place: str) -> Any:
        return self.submit_plan(by, [place], {}, {"found": "unknown", "on_resume": "ask"}, {})

    @rule(
        target=Team.runs, by=people, place=targets, fails=st.booleans(), writes=st.integers(2, 7), written=st.booleans(),
        goes_on=st.booleans(),
    )  # fmt: skip
    def an_owner_dies(
        self, by: dict[str, str], place: str, fails: bool, writes: int, written: bool, goes_on: bool
    ) -> Any:
        submitted = self.submit_plan(by, [place], {}, {"fails": fails})
        life = Life(writes, written)
        steps = self.engine._attempts._steps
        for run in self.engine.due()[-1:]:
            with suppress(Died, OpsError):
                Engine(mortal(self.store, life), self.clock, steps, resolve, "dead", pace=QUICK).drive(run)
            if goes_on:
                self.another_owner_drives_by_a_clock_of_its_own(run, 2)
        return submitted

    @rule(run=Team.runs, minutes=st.sampled_from([-1, 0, 2]))
    def another_owner_drives_by_a_clock_of_its_own(self, run: str, minutes: int) -> None:
        self.late.off = self.clock.off + timedelta(minutes=minutes)
        with suppress(OpsError):
            self.other.drive(run)

    @rule(run=Team.runs, by=people, at=st.integers(0, 2), twice=st.booleans())
    def complete(self, run: str, by: dict[str, str], at: int, twice: bool) -> None:
        row = self.store.runs.get(run)
        assert row is not None
        step = row.plan["steps"][min(at, len(row.plan["steps"]) - 1)]["id"]
        for _ in range(1 + twice):
            with suppress(OpsError):
                self.engine.complete(run, step, by, "looked", "slack")

    @rule(run=Team.runs, by=people, words=st.sampled_from(["done", "again", "undo", "who knows"]))
    def answer_whether_it_took_effect(self, run: str, by: dict[str, str], words: str) -> None:
        view = self.engine.view(run)
        asks = view.choices
        if words == "again" and any(self.stage.stands(step.id) for step in view.steps if step.state == "waiting"):
            words = "done"  # people tell the truth
        try:
            self.engine.answer(run, by, words, "slack")
        except OpsError:
            return
        assert not asks or words in asks

    @rule(by=people, place=targets, freeze=st.booleans())
    def lift(self, by: dict[str, str], place: str, freeze: bool) -> None:
        with suppress(OpsError):
            (self.engine.restraints.unfreeze if freeze else self.engine.restraints.unlock)(place, by, "slack")

    @rule(target=Team.runs, by=people, place=targets, minutes=st.sampled_from([0, 0, 6]))
    def ask_for_a_change_whatever_stands_or_has_run_out(self, by: dict[str, str], place: str, minutes: int) -> Any:
        self.clock.off += timedelta(minutes=minutes)
        now = self.clock.now()
        standing = [hold for hold in self.store.holds.list(now) if overlap(hold.target, place)]
        stops = [hold for hold in standing if hold.by != by["id"]]
        stops += [lock for lock in self.store.locks.list(now) if overlap(lock.target, place)]  # type: ignore[misc]  # only whether there are any
        self.number += 1
        made = plan(mark(f"{self.number}.1"), sleep("look", ask="Well?"), lock=[place])
        try:
            run = self.engine.submit(made, by, "slack")
        except Refused:
            run = multiple()  # type: ignore[assignment]  # no run
        assert isinstance(run, str) == (not stops)
        return run

    @invariant()
    def an_intention_without_a_result_is_the_last_row(self) -> None:
        for run in self.store.runs.list(100):
            rows = self.store.journal.rows(run.id)
            assert all(row.ended_at for row in rows[:-1])


TestCrew = Crew.TestCase
TestCrew.settings = settings(max_examples=20, stateful_step_count=30, deadline=None)
