"""Slack delivers words late, twice and out of order, and old buttons stay for ever: what was heard once is done once."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pretend_world import ALICE, BOB, CAROL, World

from opsbot.commands.reply import HEARD_BEFORE, Reply
from opsbot.commands.request import Request
from opsbot.runs.run import UNBEGUN

pytestmark = pytest.mark.stories

# key of the delivery → who said what. A click is words as well: several say yes to the same plan, also when it is over.
WORDS = {
    "deploy": (CAROL, "deploy v2 to production"),
    "again": (CAROL, "deploy v2 to production"),
    "own yes": (CAROL, "approve"),
    "bob's click": (BOB, "approve"),
    "bob's second click": (BOB, "approve"),
    "alice's click": (ALICE, "approve"),
    "no": (BOB, "reject not on a Friday"),
    "stop": (CAROL, "cancel"),
    "lock": (ALICE, "lock production a test"),
    "unlock": (ALICE, "unlock production"),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("deliveries"))
    yield made
    assert made.store.audit.verify().ok
    made.store.close()


@contextmanager
def afresh(world: World) -> Iterator[Callable[[str], Reply]]:
    """Deliveries with keys of their own; afterwards nothing waits and nothing is locked."""
    mark = secrets.token_hex(4)

    def deliver(key: str) -> Reply:
        actor, text = WORDS[key]
        return world.front.handle(Request(actor, "slack", text=text, channel="C1", key=f"{mark}:{key}"))

    yield deliver
    for run in world.store.runs.by_status(UNBEGUN):
        world.engine.cancel(run.id, asdict(ALICE), "slack")
    for hold in world.store.holds.list(world.clock.now()):
        world.engine.restraints.unlock(hold.target, asdict(ALICE), "slack")


def told(world: World) -> tuple[Any, ...]:
    """What is true: the newest runs, who said what to them, locks, and the end of the record."""
    rows, now = world.store.runs.list(3), world.clock.now()
    said = [world.store.approvals.of(run.id) for run in rows]
    return rows, said, world.store.holds.list(now), world.store.locks.list(now), world.store.audit.list(1)


@settings(max_examples=40)
@given(st.lists(st.sampled_from(sorted(WORDS)), min_size=1, max_size=12))
def test_words_that_are_delivered_again_at_any_time_change_nothing(world: World, deliveries: list[str]) -> None:
    heard: set[str] = set()
    with afresh(world) as deliver:
        for key in deliveries:
            before = told(world)
            reply = deliver(key)
            if key in heard:
                assert reply.code == HEARD_BEFORE
                assert told(world) == before
            heard.add(key)


@settings(max_examples=40)
@given(st.permutations(sorted(WORDS)))
def test_in_whatever_order_words_arrive_nobody_approves_their_own_plan(world: World, order: list[str]) -> None:
    known = {run.id for run in world.store.runs.list(3)}
    with afresh(world) as deliver:
        for key in order:
            deliver(key)
        made = [run for run in world.store.runs.list(3) if run.id not in known]
        for run in made:
            said = {(each.by, each.verdict) for each in world.store.approvals.of(run.id)}
            assert (CAROL.id, "yes") not in said
            assert run.status != "queued" or said & {(ALICE.id, "yes"), (BOB.id, "yes")}
            assert run.status != "rejected" or (BOB.id, "no") in said
        assert [run.status for run in made].count("queued") <= 1, "they hold the same target"
