"""Several people say something to the same plan at the same moment, each through a program of their own: one order counts."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from acting import ALICE, QUICK, Stage, engine, mark, plan

from opsbot.errors import OpsError
from opsbot.runs.engine import Engine
from opsbot.runs.run import FINAL
from opsbot.store import open_store

rounds = pytest.mark.parametrize("rounds", [12, pytest.param(200, marks=[pytest.mark.long, pytest.mark.timeout(600)])])
OTHERS = tuple({"kind": "person", "id": f"U{n}", "name": f"p{n}"} for n in (2, 3, 4))
REFUSED = {"not_waiting", "already_said", "own_plan", "locked", "ended"}
Said = tuple[str, str, str]  # who, what, what came of it: a status, or a reason code


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/opsbot.db"
    made: str = request.getfixturevalue("fresh_postgres")
    return made


@pytest.fixture
def bots(url: str, stage: Stage) -> Iterator[list[Engine]]:
    """Six that share nothing but the database."""
    stores = [open_store(url) for _ in range(6)]
    pace = replace(QUICK, expiry=10.0)  # what is tried is not who loses a lease
    yield [engine(store, stage, f"bot-{number}", pace=pace) for number, store in enumerate(stores)]
    for store in stores:
        store.close()


def at_once(words: Sequence[tuple[str, str, Callable[[], Any]]]) -> list[Said]:
    """All of them said when the last of them is ready."""
    ready = threading.Barrier(len(words))

    def say(who: str, what: str, word: Callable[[], Any]) -> Said:
        ready.wait(30)
        try:
            return who, what, str(word())
        except OpsError as refused:
            return who, what, refused.code

    with ThreadPoolExecutor(len(words)) as pool:
        return [said.result(60) for said in [pool.submit(say, *each) for each in words]]


def submitted(bot: Engine, people: int, name: str = "a") -> str:
    return bot.submit(plan(mark(name), approval={"expires": 600, "people": people}), ALICE, "slack")


def word(bot: Engine, run: str, chance: random.Random) -> tuple[str, str, Callable[[], Any]]:
    by = chance.choice([*OTHERS, *OTHERS, ALICE])
    what = chance.choice(["yes", "yes", "yes", "no", "cancel"])
    if what == "yes":
        return by["id"], what, partial(bot.approve, run, by, "slack")
    if what == "no":
        return by["id"], what, partial(bot.reject, run, by, "slack", "no")
    return by["id"], what, partial(bot.cancel, run, by, "slack")


@rounds
@pytest.mark.parametrize("people", [1, 2])
def test_of_those_who_say_yes_at_once_as_many_count_as_are_needed(
    bots: list[Engine], people: int, stage: Stage, rounds: int
) -> None:
    first = bots[0]
    for number in range(rounds):
        run = submitted(first, people, f"{people}.{number}")
        asked = zip((*OTHERS, ALICE, OTHERS[0]), bots, strict=False)
        said = at_once([(by["id"], "yes", partial(bot.approve, run, by, "slack")) for by, bot in asked])

        came = Counter(outcome for _, _, outcome in said)
        assert came["queued"] == 1, said
        assert came["queued"] + came["awaiting_approval"] == people, said
        rows = first._store.approvals.of(run)
        assert len({row.by for row in rows}) == people
        assert ALICE["id"] not in {row.by for row in rows}
        assert next(outcome for who, _, outcome in said if who == ALICE["id"]) in ("own_plan", "not_waiting")
        assert {row.by for row in rows} == {who for who, _, outcome in said if outcome not in REFUSED}
        begun = [event.kind for event in first._store.events.after(run, 0)]
        assert begun.count("approved") == 1
        drivers = at_once([(str(n), "drive", partial(bot.drive, run)) for n, bot in enumerate(bots[:3])])
        assert "succeeded" in {outcome for _, _, outcome in drivers}
    assert len(stage.effects()) == len(set(stage.effects())) == rounds
    assert first._store.audit.verify().ok


@rounds
def test_of_two_plans_for_one_target_that_are_approved_at_once_one_begins(bots: list[Engine], rounds: int) -> None:
    first = bots[0]
    for number in range(rounds):
        one, other = submitted(first, 1, f"one.{number}"), submitted(first, 1, f"other.{number}")
        said = at_once(
            [
                ("U2", "yes", partial(bots[1].approve, one, OTHERS[0], "slack")),
                ("U3", "yes", partial(bots[2].approve, other, OTHERS[1], "terminal")),
            ]
        )
        assert sorted(outcome for _, _, outcome in said) == ["locked", "queued"]
        assert len(first._store.locks.list(datetime.now(UTC))) == 1
        waits = next(run for run in (one, other) if first.view(run).status == "awaiting_approval")
        assert first._store.approvals.of(waits) == [], "the yes that was refused is not used up"
        for run in (one, other):
            first.cancel(run, ALICE, "slack")
            first.drive(run)
        assert first._store.locks.list(datetime.now(UTC)) == []


@rounds
def test_whatever_people_say_at_once_one_story_comes_of_it(bots: list[Engine], rounds: int) -> None:
    chance, first = random.Random(20), bots[0]
    seen: Counter[str] = Counter()
    for number in range(2 * rounds):
        people = chance.choice([1, 2])
        run = submitted(first, people, f"any.{number}")
        said = at_once([word(bot, run, chance) for bot in bots])

        view = first.view(run)
        seen[view.status] += 1
        rows = first._store.approvals.of(run)
        yes, no = ({row.by for row in rows if row.verdict == verdict} for verdict in ("yes", "no"))
        assert ALICE["id"] not in yes
        assert view.status != "queued" or len(yes) == people, said
        assert (view.status == "rejected") == bool(no), said
        assert len(no) <= 1
        assert {outcome for _, _, outcome in said} <= REFUSED | {"queued", "awaiting_approval", "rejected", "cancelled"}
        assert [event.kind for event in first._store.events.after(run, 0)].count("finished") == (view.status in FINAL)
        held = {lock.run for lock in first._store.locks.list(datetime.now(UTC))}
        assert held == ({run} if view.status == "queued" else set())
        done = [row for row in first._store.audit.list(50) if row.body.get("run") == run and row.what != "deploy"]
        accepted = [outcome for _, _, outcome in said if outcome not in REFUSED]
        assert len(done) == len(accepted), "one row of the record for each word that counted"
        if view.status in ("queued", "awaiting_approval"):
            first.cancel(run, ALICE, "slack")
    assert len(seen) >= 3, f"the words collide in different ways: {seen}"
    assert first._store.audit.verify().ok
