"""What Alertmanager reports becomes one alert per condition, and ends even when its last word was lost."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsbot.clock import Clock
from opsbot.errors import UsageError
from opsbot.health.alertmanager import PREFIX, UNHEARD, Fires, Notice, Receiver, moves, read
from opsbot.store import open_store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class Moving(Clock):
    """A clock that only goes when it is told to."""

    moment: datetime = NOON

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.moment.timestamp()


@dataclass
class Told:
    """A receiver on a real store, and what it told."""

    receiver: Receiver
    clock: Moving
    barked: list[str] = field(default_factory=list)
    changes: list[int] = field(default_factory=list)

    def hear(self, *alerts: dict[str, Any], **more: Any) -> None:
        self.receiver.receive({"version": "4", "alerts": list(alerts), **more})

    @property
    def open(self) -> list[str]:
        return [row.title for row in self.receiver.alerts.open_ones()]


@pytest.fixture
def told(tmp_path: Path) -> Told:
    store = open_store(f"sqlite:///{tmp_path}/state.db")
    clock = Moving()
    receiver = Receiver(store.alerts, clock, {"minitwit": "production"}.get, lambda _: {"last_change": "deploy v2"})
    found = Told(receiver, clock)
    receiver.alive = lambda environment, _moment: found.barked.append(environment)
    receiver.changed = lambda: found.changes.append(1)
    return found


def alert(name: str = "DatabaseDown", status: str = "firing", stack: str = "minitwit", **more: Any) -> dict[str, Any]:
    labels = {"alertname": name, "stack": stack, "severity": "critical", "service": "db"}
    annotations = {"title": f"{name} it is", "why": "Nobody answers.", "cure": "Look."}
    made = {"status": status, "labels": labels, "annotations": annotations, "fingerprint": f"f-{name}"}
    return {**made, "startsAt": "2026-03-01T12:00:00Z", "generatorURL": "http://x", **more}


def test_one_condition_is_one_alert_however_often_it_is_reported(told: Told) -> None:
    for _ in range(3):
        told.hear(alert(), alert("Watchdog"))
    (row,) = told.receiver.alerts.open_ones()
    assert (row.title, row.environment, row.count, row.revision) == (
        "DatabaseDown it is in production",
        "production",
        1,
        1,
    )
    page = "rules/DatabaseDown.md"
    assert row.body == {"why": "Nobody answers. Look.", "service": "db", "page": page, "last_change": "deploy v2"}
    assert told.changes == [1]


def test_what_is_over_is_resolved_in_the_same_row(told: Told) -> None:
    told.hear(alert())
    told.hear(alert(status="resolved"))
    assert told.open == []
    assert [row.state for row in told.receiver.alerts.list()] == ["resolved"]


def test_a_last_word_that_was_lost_is_made_up_for_after_minutes_and_not_before(told: Told) -> None:
    told.hear(alert(), alert("Watchdog"))
    for minutes, there in ((0, True), (4, True), (5, False)):
        told.clock.moment = NOON + timedelta(minutes=minutes)
        told.hear(alert("Watchdog"))
        assert bool(told.open) is there


def test_an_alert_that_comes_back_in_time_never_ended(told: Told) -> None:
    told.hear(alert())
    for minutes in range(1, 30, 3):
        told.clock.moment = NOON + timedelta(minutes=minutes)
        told.hear(alert("Watchdog"))
        told.hear(alert(), alert("Watchdog"))
    assert told.changes == [1]


def test_a_notification_that_was_cut_ends_nothing_that_it_does_not_name(told: Told) -> None:
    told.hear(alert())
    told.clock.moment += 2 * UNHEARD
    told.hear(alert("Watchdog"), truncatedAlerts=3)
    told.clock.moment += 2 * UNHEARD
    told.hear(alert("Watchdog"), truncatedAlerts=3)
    assert told.open == ["DatabaseDown it is in production"]


def test_a_severity_that_grew_is_told_in_the_same_message(told: Told) -> None:
    told.hear(alert("DiskFilling", labels={"alertname": "DiskFilling", "stack": "minitwit", "severity": "warning"}))
    told.hear(alert("DiskFilling"))
    (row,) = told.receiver.alerts.open_ones()
    assert (row.severity, row.revision) == ("critical", 2)


def test_the_watchdog_is_no_alert_but_is_remembered(told: Told) -> None:
    told.hear(alert("Watchdog"))
    assert (told.barked, told.open) == (["production"], [])


def test_a_stack_that_nobody_configured_is_told_without_an_environment_and_ends_no_other_ones(told: Told) -> None:
    told.hear(alert())
    told.clock.moment += 2 * UNHEARD
    told.hear(alert(stack="theirs", fingerprint="other"), alert("Watchdog", stack="theirs"))
    assert sorted(told.open) == ["DatabaseDown it is", "DatabaseDown it is in production"]
    assert told.barked == []


def test_incident_24_an_alert_of_our_own_probes_is_left_alone(told: Told) -> None:
    told.receiver.alerts.open("probe:front", "front fails", "critical", "production", None, {}, NOON)
    told.clock.moment += 2 * UNHEARD
    told.hear(alert("Watchdog"))
    assert told.open == ["front fails"]


@pytest.mark.parametrize(
    "document", [None, [], {}, {"alerts": 3}, {"alerts": [{}]}, {"alerts": [{**alert(), "status": "perhaps"}]}]
)
def test_what_is_no_notification_is_refused_with_its_place(document: Any) -> None:
    with pytest.raises(UsageError, match="no notification of Alertmanager"):
        read(document)


def test_endless_texts_are_cut(told: Told) -> None:
    told.hear(alert(annotations={"title": "t" * 9000, "why": "w" * 9000}))
    (row,) = told.receiver.alerts.open_ones()
    assert len(row.title) < 200
    assert len(row.body["why"]) < 1000


NAMES = st.sampled_from([f"{PREFIX}s:{letter}" for letter in "abcd"])
FIRES = Fires("t", "critical", None, "w")


@given(st.lists(st.tuples(st.frozensets(NAMES), st.frozensets(NAMES), st.integers(0, 9)), max_size=12))
def test_after_any_story_what_fired_last_is_open_and_nothing_opens_or_ends_twice(story: Any) -> None:
    known: dict[str, Fires] = {}
    since: dict[str, datetime] = {}
    now = NOON
    for firing, over, minutes in story:
        now += timedelta(minutes=minutes)
        notice = Notice("s", dict.fromkeys(firing, FIRES), frozenset(over - firing), True)
        done, since = moves(notice, known, since, now)
        named = [move.condition for move in done]
        assert len(named) == len(set(named))
        for move in done:
            assert (move.condition in known) is (move.what == "resolve")
            if move.fires:
                known[move.condition] = move.fires
            else:
                del known[move.condition]
        assert firing <= set(known)
        assert not known.keys() & (over - firing)
        assert set(since) == known.keys() - firing


def test_silence_is_counted_from_the_first_notification_that_does_not_name_it() -> None:
    known, since = {f"{PREFIX}s:a": FIRES}, {}
    ends = []
    for minute in itertools.takewhile(lambda at: at < 10, itertools.count()):
        done, since = moves(Notice("s", {}, frozenset(), True), known, since, NOON + timedelta(minutes=minute))
        ends += [minute] if done else []
        if done:
            break
    assert ends == [UNHEARD // timedelta(minutes=1)]
