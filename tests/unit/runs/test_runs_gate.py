"""What may begin and what may not: people's locks, freezes, blocks and other runs, as properties of one decision."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from acting import ALICE, BOB, Stage, engine, mark, plan
from hypothesis import given
from hypothesis import strategies as st

from opsbot.errors import NotFound, Refused
from opsbot.runs.engine import Engine
from opsbot.runs.gate import Ask, overlap, stop
from opsbot.runs.step import Fact
from opsbot.store import Store
from opsbot.store.rows import Around, HoldRow, LockRow

NOW = datetime(2026, 3, 1, tzinfo=UTC)
WORDS = {"freeze": "frozen", "lock": "locked"}
targets = st.sampled_from(["all", "staging", "staging/web", "staging/main", "production", "production/web"])
people = st.sampled_from(["U1", "U2"])
holds = st.builds(
    HoldRow,
    kind=st.sampled_from(["lock", "freeze"]),
    target=targets,
    by=people,
    who=st.just("somebody"),
    reason=st.just("lunch"),
    since=st.just(NOW),
    expires=st.none() | st.just(NOW + timedelta(hours=1)),
)
locks = st.builds(
    LockRow, targets, st.sampled_from(["r1", "r2"]), st.just("alice"), st.just("Deploy"), st.just(NOW), st.none()
)
asks = st.builds(Ask, st.just("r1"), people, st.lists(targets, max_size=2), st.booleans())
arounds = st.builds(
    Around, st.lists(locks, max_size=3).map(tuple), st.lists(holds, max_size=3).map(tuple), st.just(()), st.none()
)
windows = st.none() | st.just("production is frozen until Monday.")


@given(targets, targets)
def test_targets_touch_both_ways_or_not_at_all(one: str, other: str) -> None:
    assert overlap(one, other) == overlap(other, one)
    assert overlap(one, one)
    assert overlap("all", one)


@given(asks, arounds, windows)
def test_whatever_stops_a_change_has_a_reason_among_those_that_stand_there(
    asked: Ask, around: Around, window: str | None
) -> None:
    refused = stop(asked, around, window, NOW)
    others = [hold for hold in around.holds if hold.by != asked.asker]
    if refused is None:
        for hold in others:
            passes = hold.kind == "freeze" and asked.passes_freeze
            assert passes or not any(overlap(hold.target, target) for target in asked.targets)
        assert window is None or asked.passes_freeze
        assert not any(
            overlap(lock.target, target) for lock in around.locks if lock.run != asked.run for target in asked.targets
        )
    else:
        assert refused.code in ("locked", "frozen")
        assert refused.fix


@given(asks, arounds, windows)
def test_a_way_back_is_never_stopped_by_a_freeze(asked: Ask, around: Around, window: str | None) -> None:
    urgent = Ask(asked.run, asked.asker, asked.targets, passes_freeze=True)
    refused = stop(urgent, around, window, NOW)
    assert refused is None or refused.code == "locked"


@given(arounds, windows)
def test_a_red_fact_comes_first_and_a_blocked_release_says_so(around: Around, window: str | None) -> None:
    for key, code in (("blocked", "blocked"), ("unknown_tag", "red_fact")):
        refused = stop(Ask("r1", "U1", ["staging"], red=(Fact(key, "red", "No."),)), around, window, NOW)
        assert refused is not None
        assert refused.code == code


@given(st.lists(targets, min_size=1, max_size=2), st.lists(holds, max_size=3), people)
def test_ones_own_locks_and_freezes_stop_nobody_but_others(
    wanted: list[str], standing: list[HoldRow], who: str
) -> None:
    mine = tuple(hold for hold in standing if hold.by == who)
    assert stop(Ask("r1", who, wanted), Around(holds=mine), None, NOW) is None
    touching = [hold for hold in mine if any(overlap(hold.target, target) for target in wanted)]
    assert (stop(Ask("r1", "U9", wanted), Around(holds=mine), None, NOW) is not None) == bool(touching)


def submit(bot: Engine, by: dict[str, str] = ALICE, **more: object) -> str:
    return bot.submit(plan(mark("a"), **more), by, "slack")


def test_a_persons_lock_keeps_others_out_and_lets_its_owner_pass(bot: Engine, store: Store) -> None:
    until = datetime.now(UTC) + timedelta(hours=1)
    bot.restraints.lock("staging", BOB, "measuring", until, "slack")
    with pytest.raises(Refused) as refused:
        submit(bot)
    assert refused.value.code == "locked"
    assert refused.value.what.startswith("staging is locked by bob, for 0 s now and for another ")
    assert "Ask bob, or lift it: unlock staging." in refused.value.fix
    assert store.runs.list() == []
    bot.drive(submit(bot, BOB))
    bot.drive(submit(bot, lock="production/web", environment="production"))
    with pytest.raises(Refused, match="locked by bob"):
        bot.restraints.lock("staging", ALICE, "me too", None, "slack")
    assert bot.restraints.unlock("staging", ALICE, "slack").who == "bob"
    submit(bot)
    with pytest.raises(NotFound, match="no lock on staging"):
        bot.restraints.unlock("staging", ALICE, "slack")
    assert [row.what for row in store.audit.list() if row.what in ("lock", "unlock")] == ["unlock", "lock"]


def test_a_persons_lock_on_a_database_holds_back_what_may_migrate_it(store: Store, stage: Stage) -> None:
    bot = engine(store, stage, databases=["main", "stats"])
    bot.restraints.lock("staging/main", BOB, "measuring", None, "slack")
    deploy = ["staging/web", "staging/schema"]
    with pytest.raises(Refused) as refused:
        submit(bot, lock=deploy)
    assert refused.value.code == "locked"
    assert refused.value.what.startswith("staging/main is locked by bob, ")
    assert bot.drive(submit(bot, BOB, lock=deploy)) == "succeeded", "their own lock lets them pass"
    assert bot.drive(submit(bot, lock="staging/web")) == "succeeded", "a rollback migrates nothing"
    assert bot.drive(submit(bot, lock=["production/web", "production/schema"])) == "succeeded"
    bot.restraints.unlock("staging/main", BOB, "slack")
    bot.restraints.lock("staging/main", ALICE, "my own", None, "slack")
    backup = submit(bot, lock="staging/main")
    assert bot.drive(submit(bot, lock=deploy)) == "succeeded", "a backup reads a snapshot"
    assert bot.drive(backup) == "succeeded"


def test_a_persons_lock_on_a_database_that_came_meanwhile_stops_the_yes(store: Store, stage: Stage) -> None:
    bot = engine(store, stage, databases=["main"])
    run = submit(bot, lock=["staging/web", "staging/schema"], approval={"expires": 60})
    bot.restraints.freeze("staging/main", {"id": "U3", "name": "carol"}, "it is copied", None, "slack")
    with pytest.raises(Refused, match="staging/main is frozen by carol"):
        bot.approve(run, BOB, "slack")


def test_a_lock_that_came_while_a_plan_waited_stops_the_yes(bot: Engine, store: Store) -> None:
    run = submit(bot, approval={"expires": 60})
    bot.restraints.lock("all", {"id": "U3", "name": "carol"}, "the fire brigade is here", None, "slack")
    with pytest.raises(Refused, match="Everything is locked by carol"):
        bot.approve(run, BOB, "slack")
    assert bot.view(run).status == "awaiting_approval"


def test_a_freeze_stops_all_but_its_owner_and_lets_a_way_back_pass(bot: Engine) -> None:
    bot.restraints.freeze("staging/web", ALICE, "demo day", None, "slack")
    with pytest.raises(Refused) as refused:
        submit(bot, BOB)
    assert refused.value.code == "frozen"
    assert bot.drive(own := submit(bot)) == "succeeded"
    assert bot.view(own).own == ("staging/web is frozen by alice, who asks: demo day.",)
    assert bot.drive(submit(bot, BOB, passes_freeze=True)) == "succeeded"
    bot.restraints.unfreeze("staging/web", BOB, "slack")
    assert bot.drive(submit(bot, BOB)) == "succeeded"


def test_an_expired_lock_stops_nobody_and_its_owner_is_warned_once_before(bot: Engine, store: Store) -> None:
    now = datetime.now(UTC)
    bot.restraints.lock("staging", BOB, "measuring", now + timedelta(minutes=5), "slack")
    assert store.holds.ending(now, 60) == []
    (warned,) = store.holds.ending(now, 600)
    assert warned.who == "bob"
    assert store.holds.ending(now, 600) == [warned], "until the warning was posted"
    store.holds.warned(warned, now)
    assert store.holds.ending(now, 600) == []
    bot.restraints.lock("staging", BOB, "measuring on", now + timedelta(minutes=6), "slack")
    store.holds.warned(warned, now)  # which says nothing of the lock that stands now
    assert [hold.reason for hold in store.holds.ending(now, 600)] == ["measuring on"]
    assert store.holds.list(now + timedelta(minutes=6)) == []
    assert bot.restraints.list() != []


def test_a_blocked_release_is_refused_by_its_own_code(bot: Engine) -> None:
    with pytest.raises(Refused) as refused:
        submit(bot, facts=(("a", Fact("blocked", "red", "v2 is blocked: it answered 500.")),))
    assert refused.value.code == "blocked"
