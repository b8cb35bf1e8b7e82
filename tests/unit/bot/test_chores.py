"""What a living bot does once in a while, on a real store: incidents 16, 24 and 26."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest

from opsbot.bot.chores import DAYS, Chores, Key, Posted
from opsbot.bot.heads import kept
from opsbot.clock import SystemClock
from opsbot.commands.reply import Reply, Small
from opsbot.config.settings import Config
from opsbot.errors import NotFound, Unavailable
from opsbot.runs.engine import Engine
from opsbot.runs.plan import Plan
from opsbot.store import Store, open_store

ACTOR = {"kind": "schedule", "id": "schedule:nightly", "name": "schedule nightly"}
ALICE, BOB, CAROL = ({"kind": "person", "id": f"U{name}", "name": name} for name in ("alice", "bob", "carol"))
SETTINGS = {
    "environments": {"staging": {"stack": "s"}},
    "storage": {"bucket": "b", "key": "k", "secret": "s"},
    "schedules": {"nightly": {"do": "backup main on staging", "cron": "0 3 * * *"}},
}


class Ahead(SystemClock):
    """A clock that can be put forward."""

    by = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.by


class Bucket:
    """Objects in memory; `away` is a bucket that does not answer."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.away = False

    def size(self, key: str) -> int | None:
        if self.away:
            raise Unavailable("The bucket does not answer.")
        return len(self.objects[key]) if key in self.objects else None

    def put_new(self, key: str, body: bytes) -> None:
        assert key not in self.objects
        self.objects[key] = body

    def get(self, key: str) -> bytes:
        if key not in self.objects:
            raise NotFound(key)
        return self.objects[key]

    def entries(self, prefix: str) -> Iterator[tuple[str, int, datetime]]:
        names = sorted(key for key in self.objects if key.startswith(prefix))
        return ((name, len(self.objects[name]), datetime.now(UTC)) for name in names)


class House:
    """Chores with everything they use."""

    def __init__(self, store: Store) -> None:
        self.store, self.clock, self.bucket = store, Ahead(), Bucket()
        self.told: list[str] = []
        self.said: list[Reply] = []
        self.where: list[str | None] = []
        self.engine = Engine(store, self.clock, {}, lambda template, scope: template, "test")
        self.restraints = self.engine.restraints
        self.keys: list[Key] = []
        self.waiting: list[Posted] = []
        self.slack_away = False
        self.restart()

    def restart(self) -> None:
        """The bot is another program from now on: what waited in the memory of the one before is gone."""
        self.waiting.clear()
        self.chores = Chores(
            Config.model_validate(SETTINGS), self.clock, self.store, lambda: self.bucket, self._tell, lambda: None
        )

    def _tell(self, reply: Reply, environment: str | None, key: Key, posted: Posted) -> None:
        self.told.append(reply.text)
        self.said.append(reply)
        self.where.append(environment)
        self.keys.append(key)
        if self.slack_away:
            self.waiting.append(posted)
        else:
            posted()

    def row(self, days_from_now: int) -> None:
        """A row of the audit on that day."""
        at = self.clock.now() + timedelta(days=days_from_now)
        self.store.audit.add(at, ACTOR, "schedule", "backup", None, "succeeded", {})

    def warned(self) -> list[tuple[str | None, str]]:
        """Where what was said of locks and freezes that end."""
        said = zip(self.where, self.told, strict=True)
        return [(where, text) for where, text in said if " ends at " in text]

    def hold(self, kind: Literal["lock", "freeze"], target: str, lasts: timedelta) -> datetime:
        """Bob puts it; when it ends."""
        ends = self.clock.now() + lasts
        getattr(self.restraints, kind)(target, BOB, "a long test", ends, "terminal")
        return ends

    def glass_broken(self) -> str:
        """A run that alice asked for and that bob let begin without a second person."""
        plan = Plan("noop", "Change production", {}, "production", None, (), approval={"from": "approver"})
        run = self.engine.submit(plan, ALICE, "slack")
        self.engine.break_glass(run, BOB, "the site is down", "slack")
        self.clock.by = timedelta(minutes=2)
        for _ in ("the countdown is over", "it begins"):
            self.engine.drive(run)
        return run

    def ran(self, run: str, status: str) -> None:
        plan = Plan("backup", "Back up main", {}, "staging", None, ())
        now = self.clock.now()
        self.store.runs.add(run, plan.as_json(), ACTOR, "schedule", "queued", None, None, now)
        self.store.runs.transition(run, ["queued"], status, now, ended_at=now, outcome="The disk was full.")

    def open(self) -> list[str]:
        return [alert.condition for alert in self.store.alerts.open_ones()]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    store = open_store(f"sqlite:///{tmp_path}/state.db")
    yield House(store)
    store.close()


def test_a_scheduled_backup_that_fails_is_an_alert_until_one_works(house: House) -> None:
    house.ran("r1", "undone")
    house.chores.do()
    assert house.open() == ["schedule:nightly"]
    assert house.store.alerts.open_ones()[0].body["why"] == "The disk was full. `runs r1` shows every step."
    house.chores.do()
    assert house.store.alerts.open_ones()[0].count == 1, "the same run is judged once"
    house.ran("r2", "succeeded")
    house.chores.do()
    assert house.open() == []


def test_the_alert_of_a_schedule_that_was_removed_is_over(house: House) -> None:
    house.chores.schedule_failed("schedule:gone", "gone", "why")
    house.chores.schedule_failed("schedule:nightly", "nightly", "why")
    house.chores.begin()
    assert house.open() == ["schedule:nightly"]


def test_the_records_head_goes_once_to_the_channel_and_to_the_bucket(house: House) -> None:
    house.store.audit.add(house.clock.now(), ACTOR, "schedule", "backup", None, "succeeded", {})
    house.clock.by = timedelta(days=1)
    house.chores.do()
    house.chores.do()
    today = datetime.now(UTC).date().isoformat()
    assert len(house.told) == 1
    assert [part for part in house.said[0].parts if part == Small(f"The audit of {today} ends with row 1.")]
    found = kept(house.bucket)
    assert (len(found.heads), found.odd) == (1, ())
    assert house.store.audit.verify(found.heads).ok
    assert not house.store.audit.verify({1: "0" * 64}).ok, "a head that does not fit is noticed"


def test_while_the_bucket_is_away_the_day_is_told_and_its_head_is_kept_later(house: House) -> None:
    house.store.audit.add(house.clock.now(), ACTOR, "schedule", "backup", None, "succeeded", {})
    house.clock.by = timedelta(days=1)
    house.bucket.away = True
    house.ran("r1", "failed")
    house.chores.do()
    assert len(house.told) == 1
    assert kept(house.bucket).heads == {}
    assert house.open() == ["schedule:nightly"]
    house.bucket.away = False
    house.chores.do()
    assert len(house.told) == 1
    assert len(kept(house.bucket).heads) == 1


def test_whoever_put_a_lock_is_warned_once_before_it_ends_in_the_channel_of_its_place(house: House) -> None:
    ends = house.hold("lock", "staging/web", timedelta(minutes=25))
    house.hold("freeze", "all", timedelta(hours=2))
    house.chores.do()
    assert house.warned() == [], "more than ten minutes are left"
    house.clock.by = timedelta(minutes=16)
    house.chores.do()
    house.chores.do()
    warning = f"The lock of staging/web by bob ends at {ends:%H:%M} UTC: a long test."
    assert house.warned() == [("staging", warning)]
    house.clock.by = timedelta(minutes=115)
    house.chores.do()
    where, text = house.warned()[1]
    assert where is None
    assert text.startswith("The freeze of all by bob ends at ")


def test_a_lock_that_was_prolonged_is_warned_of_again_and_one_that_was_lifted_never(house: House) -> None:
    house.hold("lock", "staging", timedelta(minutes=5))
    house.chores.do()
    house.hold("lock", "staging", timedelta(minutes=30))
    house.chores.do()
    assert len(house.warned()) == 1
    house.clock.by = timedelta(minutes=25)
    house.chores.do()
    assert len(house.warned()) == 2
    house.hold("lock", "all", timedelta(minutes=8))
    house.restraints.unlock("all", BOB, "terminal")
    house.chores.do()
    assert len(house.warned()) == 2


def test_a_warning_that_was_not_posted_before_a_restart_is_given_again_under_the_same_key(house: House) -> None:
    house.hold("lock", "staging/web", timedelta(minutes=5))
    house.slack_away = True
    house.chores.do()
    house.chores.do()
    assert len(house.warned()) == 1, "it waits in this program"
    house.restart()
    house.chores.do()
    assert len(house.warned()) == 2
    assert house.keys[0] == house.keys[1], "the outbox knows by it whether the first one was posted all the same"
    house.waiting.pop()()
    house.restart()
    house.chores.do()
    assert len(house.warned()) == 2


def test_the_note_that_a_warning_was_posted_is_none_of_a_lock_that_was_prolonged_meanwhile(house: House) -> None:
    house.slack_away = True
    house.hold("lock", "staging", timedelta(minutes=5))
    house.chores.do()
    house.hold("lock", "staging", timedelta(minutes=30))
    house.waiting.pop()()
    house.clock.by = timedelta(minutes=25)
    house.chores.do()
    assert len(house.warned()) == 2
    assert house.keys[0] != house.keys[1]


def test_a_head_that_was_not_posted_before_a_restart_is_handed_out_again(house: House) -> None:
    house.row(0)
    house.clock.by = timedelta(days=1)
    house.slack_away = True
    house.chores.do()
    house.chores.do()
    assert len(house.told) == 1
    house.restart()
    house.slack_away = False
    house.chores.do()
    house.restart()
    house.chores.do()
    assert [key[0] for key in house.keys] == ["day", "day"]
    assert house.keys[0] == house.keys[1]


def test_the_days_on_which_nobody_served_get_their_heads_as_far_as_anything_happened_on_them(house: House) -> None:
    house.row(0)
    house.clock.by = timedelta(days=1)
    house.chores.do()
    for day in (0, 2):  # of the days that follow; on the one between nothing was recorded
        house.row(day)
    house.clock.by = timedelta(days=5)
    house.restart()
    house.chores.do()
    house.chores.do()
    today = datetime.now(UTC).date()
    handed = [key[1] for key in house.keys]
    assert handed == [(today + timedelta(days=number)).isoformat() for number in (0, 1, 3, 4)]
    assert house.store.audit.verify(kept(house.bucket).heads).ok


def test_after_a_long_absence_only_the_last_days_are_told(house: House) -> None:
    house.row(0)
    house.clock.by = timedelta(days=1)
    house.chores.do()
    for day in range(60):
        house.row(day)
    house.clock.by = timedelta(days=61)
    house.chores.do()
    assert len(house.told) == 1 + DAYS


@pytest.mark.parametrize(
    "junk",
    [b"", b"not json", b"\xff\xfe", b"[1, 2]", b"7", b'{"number": 1}', b'{"number": "x", "hash": "y", "day": "2026-01-01"}',
     b'{"number": 1, "hash": "y", "day": "someday"}', b"[" * 5000, b" " * 20_000],
)  # fmt: skip
def test_something_else_in_the_folder_of_the_heads_is_a_finding(house: House, junk: bytes) -> None:
    house.row(0)
    house.clock.by = timedelta(days=1)
    house.chores.do()
    house.bucket.objects["audit/README"] = junk
    house.bucket.objects["audit/"] = b""  # which shows a folder in some programs

    found = kept(house.bucket)

    assert found.odd == ("audit/README is not a head.",)
    assert len(found.heads) == 1
    assert house.store.audit.verify(found.heads).ok


def test_a_second_head_of_the_same_row_does_not_hide_the_first(house: House) -> None:
    house.row(0)
    house.clock.by = timedelta(days=1)
    house.chores.do()
    (name,) = house.bucket.objects
    forged = house.bucket.objects[name].replace(b'"hash": "', b'"hash": "f')
    house.bucket.objects["audit/zzz.json"] = forged

    found = kept(house.bucket)

    assert house.store.audit.verify(found.heads).ok
    assert found.odd == ("audit/zzz.json names another hash for row 1 than the one before it.",)


def test_a_debt_that_nobody_signs_in_time_is_an_alert_until_somebody_does(house: House) -> None:
    run = house.glass_broken()
    house.chores.do()
    assert house.open() == [], "there is time until tomorrow"
    house.clock.by = timedelta(hours=25)
    house.chores.do()
    house.chores.do()
    (alert,) = house.store.alerts.open_ones()
    assert (alert.condition, alert.count, alert.severity) == (f"debt:{run}", 1, "critical")
    assert "ran without a second person and nobody signed it" in alert.title
    assert alert.body["why"] == f"bob broke the glass: the site is down. Somebody else says `sign {run}`."
    house.engine.sign(run, CAROL, "looked at it", "terminal")
    house.chores.do()
    assert house.open() == []
