"""The invariants of docs/invariants.md, while people click twice, late and at once, clocks jump, and owners come and go."""

from __future__ import annotations

import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from acting import QUICK, Stage, mark, plan, resolve, should_stand, sleep
from acting import Mark as MarkStep
from acting import Sleep as SleepStep
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError

from opsbot.errors import OpsError
from opsbot.runs.engine import Engine
from opsbot.runs.gate import overlap
from opsbot.runs.plan import Plan
from opsbot.runs.run import FINAL, TRANSITIONS, UNANSWERED
from opsbot.store import Store, open_store
from opsbot.store.runs import Change

pytestmark = pytest.mark.stories

PEOPLE = [{"kind": "person", "id": f"U{n}", "name": name} for n, name in enumerate(("ann", "ben", "cat", "dan"))]
people = st.sampled_from(PEOPLE)
targets = st.sampled_from(["staging/web", "staging/main", "staging", "production/web"])
HOLDING = ("queued", "running", "waiting", "undoing")


class Jumping:
    """A wall clock that jumps; only monotonic time is to be trusted."""

    def __init__(self) -> None:
        self.off = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.off

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(min(seconds, 0.001))


def hasty(connection: Any, *_: object) -> None:
    connection.execute("PRAGMA synchronous = OFF")  # what is tested is not the disk


def fresh_store(folder: str) -> Store:
    store = open_store(f"sqlite:///{folder}/opsbot.db")
    event.listen(store._database._engine, "checkout", hasty)
    return store


class Team(RuleBasedStateMachine):
    """Everything that people, the clock and the engine may do to runs, in any order, and often twice."""

    runs = Bundle("runs")
    cards = Bundle("cards")  # what people have before their eyes: a run, and the fingerprint in its buttons

    def __init__(self, clock: Jumping | None = None) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.store, self.clock = fresh_store(self._folder.name), clock or Jumping()
        self.stage = Stage(Path(self._folder.name, "stage"))
        steps: dict[str, Any] = {"mark": MarkStep(self.stage), "sleep": SleepStep()}
        self.engine = Engine(self.store, self.clock, steps, resolve, "test", pace=QUICK)
        self.seen: dict[str, list[str]] = {}
        self.number = 0

    def teardown(self) -> None:
        self.store.close()
        self._folder.cleanup()

    @rule(
        target=runs, by=people, lock=st.lists(targets, min_size=1, max_size=2), people=st.integers(0, 3),
        kind=st.sampled_from(["well", "well", "fails", "asks"]), glass=st.booleans(), free=st.booleans(),
    )  # fmt: skip
    def submit(self, by: dict[str, str], lock: list[str], people: int, kind: str, glass: bool, free: bool) -> Any:
        self.number += 1
        steps = [mark(f"{self.number}.1"), mark(f"{self.number}.2", fails=kind == "fails")]
        steps += [sleep("look", ask="Well?")] if kind == "asks" else []
        approval = {"expires": 600, "people": people} if people else None
        made = plan(*steps, lock=lock, approval=approval, passes_freeze=free)
        try:
            return self.engine.submit(made, by, "slack", glass="urgent" if glass else None)
        except OpsError:
            return multiple()

    @rule(run=runs, by=people, twice=st.booleans())
    def approve(self, run: str, by: dict[str, str], twice: bool) -> None:
        for _ in range(1 + twice):
            with suppress(OpsError):
                self.engine.approve(run, by, "slack")

    @rule(run=runs, by=people)
    def reject(self, run: str, by: dict[str, str]) -> None:
        with suppress(OpsError):
            self.engine.reject(run, by, "slack", "no")

    @rule(target=cards, run=runs)
    def look(self, run: str) -> tuple[str, str]:
        return run, self.engine.view(run).fingerprint

    @rule(card=cards, by=people, yes=st.booleans(), twice=st.booleans())
    def press_a_button_however_old_its_card_is(
        self, card: tuple[str, str], by: dict[str, str], yes: bool, twice: bool
    ) -> None:
        (run, shown), refused = card, 0
        before = self.engine.view(run)
        for _ in range(1 + twice):
            try:
                if yes:
                    self.engine.approve(run, by, "slack", shown)
                else:
                    self.engine.reject(run, by, "slack", "no", shown)
            except OpsError:
                refused += 1
        if before.status == "awaiting_approval" and before.fingerprint != shown:
            assert refused == 1 + twice
            assert self.engine.view(run).status in ("awaiting_approval", "expired")
            assert self.engine.view(run).approvals == before.approvals
        assert not twice or refused, "a second press of the same button by the same person does nothing more"

    @rule(run=runs)
    def planned_anew(self, run: str) -> None:
        """As no part of today's bot does it: the same run has another plan while people look at the old one."""
        self.number += 1
        row = self.store.runs.get(run)
        if row is not None and row.status == "awaiting_approval":
            made = replace(Plan.from_json(row.plan), params={"tag": f"v{self.number}"})
            columns = {"plan": made.as_json(), "fingerprint": made.fingerprint}
            self.store.runs.change(run, self.clock.now(), lambda _run, _around: Change(columns=columns))

    @rule(run=runs, by=people)
    def break_glass(self, run: str, by: dict[str, str]) -> None:
        with suppress(OpsError):
            self.engine.break_glass(run, by, "urgent", "slack")

    @rule(run=runs, by=people)
    def sign(self, run: str, by: dict[str, str]) -> None:
        with suppress(OpsError):
            self.engine.sign(run, by, "seen", "slack")

    @rule(run=runs, by=people)
    def cancel(self, run: str, by: dict[str, str]) -> None:
        with suppress(OpsError):
            self.engine.cancel(run, by, "slack")

    @rule(run=runs, by=people)
    def answer(self, run: str, by: dict[str, str]) -> None:
        with suppress(OpsError):
            self.engine.answer(run, by, "yes", "slack")

    @rule(run=runs)
    def drive(self, run: str) -> None:
        with suppress(OpsError):
            self.engine.drive(run)

    @rule(minutes=st.sampled_from([0, 2, 2]))
    def the_bot_works(self, minutes: int) -> None:
        self.clock.off += timedelta(minutes=minutes)
        for run in self.engine.due():
            self.engine.drive(run)

    @rule(run=runs, who=st.permutations(PEOPLE))
    def everybody_says_yes_at_last(self, run: str, who: list[dict[str, str]]) -> None:
        for by in who:
            with suppress(OpsError):
                self.engine.approve(run, by, "slack")
            with suppress(OpsError):
                self.engine.sign(run, by, "seen", "slack")

    @rule(by=people, place=targets, freeze=st.booleans())
    def hold(self, by: dict[str, str], place: str, freeze: bool) -> None:
        put = self.engine.restraints.freeze if freeze else self.engine.restraints.lock
        with suppress(OpsError):
            put(place, by, "lunch", self.clock.now() + timedelta(minutes=5), "slack")

    @rule(minutes=st.sampled_from([-600, -1, 0.5, 2, 11, 600]))
    def the_clock_jumps(self, minutes: float) -> None:
        self.clock.off += timedelta(minutes=minutes)

    @invariant()
    def statuses_only_go_where_they_may(self) -> None:
        for run in self.store.runs.list(100):
            path = self.seen.setdefault(run.id, [run.status])
            if path[-1] != run.status:
                assert run.status in reachable(path[-1]), f"{path[-1]} → {run.status}"
                path.append(run.status)

    @invariant()
    def what_holds_its_targets_holds_all_of_them_and_nothing_else_does(self) -> None:
        held: dict[str, set[str]] = {}
        for lock in self.store.locks.list(self.clock.now()):
            held.setdefault(lock.run, set()).add(lock.target)
        for run in self.store.runs.list(100):
            wanted = set(run.plan["lock"]) if run.status in HOLDING else set()
            assert held.get(run.id, set()) == wanted, f"{run.id} is {run.status}"
        for one, mine in held.items():
            for other, theirs in held.items():
                assert one == other or not any(overlap(a, b) for a in mine for b in theirs)

    @invariant()
    def nothing_is_done_without_its_people_or_a_debt(self) -> None:
        for run in self.store.runs.list(100):
            rule_ = run.plan["approval"]
            if rule_ is None or run.started_at is None:
                continue
            said = [row for row in self.store.approvals.of(run.id) if row.verdict == "yes"]
            others = {row.by for row in said if row.fingerprint == run.fingerprint}
            assert run.actor["id"] not in {row.by for row in said}
            assert len(others) >= rule_["people"] or self.store.debts.get(run.id) is not None

    @invariant()
    def a_debt_means_that_it_began_and_is_signed_by_somebody_else_or_open(self) -> None:
        for run in self.store.runs.list(100):
            debt = self.store.debts.get(run.id)
            assert debt is None or run.started_at is not None
            if debt is not None and debt.signed_by is not None:
                names = {person["name"] for person in PEOPLE if person["id"] in (debt.by, debt.asker)}
                assert debt.signed_by not in names

    @invariant()
    def every_effect_happens_once_and_stays_only_where_the_run_went_well(self) -> None:
        effects = self.stage.effects()
        assert len(effects) == len(set(effects))
        for run in self.store.runs.list(100):
            stands = should_stand(run, self.store.journal.rows(run.id))
            assert {name: self.stage.stands(name) for name in stands} == stands, run.status

    @invariant()
    def what_waits_or_ended_before_it_began_did_nothing(self) -> None:
        for run in self.store.runs.list(100):
            if run.status in (*UNANSWERED, "queued", "rejected", "expired"):
                assert self.store.journal.rows(run.id) == []

    @invariant()
    def the_end_is_told_once_and_in_the_audit(self) -> None:
        for run in self.store.runs.list(100):
            told = [event.body["status"] for event in self.store.events.after(run.id, 0) if event.kind == "finished"]
            past = told[:-1] if run.status in FINAL else told
            assert told[len(past) :] == [run.status] * (run.status in FINAL)
            assert set(past) <= {"failed"}, "what failed goes on once a person reversed what could not be"

    @invariant()
    def the_audit_is_whole(self) -> None:
        assert self.store.audit.verify().ok


def reachable(status: str) -> set[str]:
    """A drive goes through several statuses before anybody looks."""
    found, fresh = {status}, {status}
    while fresh:
        fresh = {after for before in fresh for after in TRANSITIONS.get(before, ())} - found
        found |= fresh
    return found


class Owners(RuleBasedStateMachine):
    """Two owners whose clocks do not agree want one run: only who has its lease writes its journal."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.store = fresh_store(self._folder.name)
        self.store.runs.add("r1", plan(mark("a")).as_json(), {}, "slack", "running", None, None, datetime.now(UTC))
        self.now = {owner: datetime(2026, 1, 1, tzinfo=UTC) for owner in ("one", "two")}
        self.holder: str | None = None
        self.attempt = 0

    def teardown(self) -> None:
        self.store.close()
        self._folder.cleanup()

    owners = st.sampled_from(["one", "two"])

    @rule(owner=owners)
    def take(self, owner: str) -> None:
        if self.store.leases.take("run:r1", owner, 30, self.now[owner]):
            self.holder = owner

    @rule(owner=owners)
    def renew(self, owner: str) -> None:
        assert self.store.leases.renew("run:r1", owner, 30, self.now[owner]) == (self.holder == owner)

    @rule(owner=owners)
    def release(self, owner: str) -> None:
        self.store.leases.release("run:r1", owner)
        self.holder = None if self.holder == owner else self.holder

    @rule(owner=owners)
    def begin(self, owner: str) -> None:
        with suppress(IntegrityError):  # something is half-way: nothing may begin
            if self.store.journal.before("r1", "a", "do", self.attempt + 1, owner, self.now[owner]):
                self.attempt += 1
                assert self.holder == owner

    @rule(owner=owners)
    def end(self, owner: str) -> None:
        now = self.now[owner]
        if self.store.journal.after("r1", "a", "do", self.attempt, "done", None, None, owner, now):
            assert self.holder == owner

    @rule(owner=owners, seconds=st.sampled_from([-3600, -10, 1, 10, 31, 3600]))
    def a_clock_jumps(self, owner: str, seconds: int) -> None:
        self.now[owner] += timedelta(seconds=seconds)

    @invariant()
    def one_thing_is_half_way_at_most(self) -> None:
        assert [row.ended_at is None for row in self.store.journal.rows("r1")].count(True) <= 1

    @invariant()
    def attempts_count_without_gaps(self) -> None:
        assert [row.attempt for row in self.store.journal.rows("r1")] == list(range(1, self.attempt + 1))


TestTeam = Team.TestCase
TestTeam.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
TestOwners = Owners.TestCase
TestOwners.settings = settings(max_examples=20, stateful_step_count=25, deadline=None)
