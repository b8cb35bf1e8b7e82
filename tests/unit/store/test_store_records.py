"""What the store keeps beside runs: releases, alerts, what was heard, the audit, settings. On Postgres as well."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from filled import NOW, SOON, release, together

from opsbot.errors import NotFound
from opsbot.store import Store
from opsbot.store.seen import Claim, Heard
from opsbot.store.tables import seen


def test_releases_are_numbered_per_environment_and_service(store: Store) -> None:
    made = together(lambda _: release(store))
    assert sorted(row.number for row in made) == list(range(1, 17))
    assert release(store, "db").id == "db-1"
    newest = store.releases.list("staging", "web", 2)
    assert [row.id for row in newest] == ["web-16", "web-15"]
    got = store.releases.get("staging", "web", 16)
    assert got == newest[0]
    assert got is not None
    assert (got.env, got.secrets, got.spec, got.state) == ({"A": "1"}, {"key": "main"}, {"Name": "web"}, "prepared")
    assert store.releases.get("production", "web", 1) is None


def test_making_a_release_live_retires_the_earlier_one(store: Store) -> None:
    release(store)
    release(store, run="r2")
    assert store.releases.live("staging", "web") is None
    store.releases.mark("staging", "web", 1, "live", None, NOW)
    assert store.releases.mark("staging", "web", 2, "live", None, SOON).live_at == SOON
    live = store.releases.live("staging", "web")
    assert live is not None
    assert live.number == 2
    first = store.releases.get("staging", "web", 1)
    assert first is not None
    assert (first.state, first.live_at, first.retired_at) == ("retired", NOW, SOON)
    back = store.releases.mark("staging", "web", 1, "live", "rolled back", SOON)
    assert (back.state, back.retired_at, back.note) == ("live", None, "rolled back")
    assert store.releases.mark("staging", "web", 2, "bad", "500s", SOON).state == "bad"
    with pytest.raises(NotFound, match="web-9 in staging"):
        store.releases.mark("staging", "web", 9, "live", None, NOW)
    still = store.releases.live("staging", "web")
    assert still is not None
    assert still.number == 1
    found = store.releases.for_run("r2")
    assert found is not None
    assert found.number == 2
    assert store.releases.for_run("r9") is None


def test_blocking_and_unblocking_change_nothing_about_when_a_release_was_left(store: Store) -> None:
    for tag in ("v1", "v2"):
        release(store, tag=tag)
    store.releases.mark("staging", "web", 1, "live", None, NOW)
    store.releases.mark("staging", "web", 2, "live", None, SOON)
    later = SOON + timedelta(hours=1)
    assert store.releases.mark("staging", "web", 1, "bad", "500s", later).retired_at == SOON
    assert store.releases.mark("staging", "web", 1, "retired", None, later).retired_at == SOON


def test_numbers_go_on_above_what_an_earlier_record_gave_away(store: Store) -> None:
    def number(above: int) -> int:
        return store.releases.add(
            "staging", "web", "i", "d", "v1", None, {}, {}, {}, None, "r1", "alice", NOW, above
        ).number

    assert [number(above) for above in (7, 0, 3, 20, 20)] == [8, 9, 10, 21, 22]


def test_one_condition_is_one_alert_and_repeats_are_counted(store: Store) -> None:
    def report(_: int = 0) -> tuple[Any, bool]:
        return store.alerts.open("front-page", "Front page down", "critical", "staging", "C1", {"why": "502"}, NOW)

    reports = together(report)
    assert [created for _, created in reports].count(True) == 1
    (alert,) = store.alerts.open_ones()
    assert (alert.id, alert.count, alert.state, alert.revision) == (1, 16, "firing", 16)
    assert store.alerts.changed_since_posted() == [alert]
    store.alerts.posted(alert.id, alert.revision)
    assert store.alerts.changed_since_posted() == []
    acked = store.alerts.ack(alert.id, "bob", SOON)
    assert acked is not None
    assert (acked.state, acked.acked_by, acked.changed_at) == ("acknowledged", "bob", SOON)
    assert store.alerts.changed_since_posted() == [acked]
    gone = store.alerts.resolve("front-page", SOON)
    assert gone is not None
    assert (gone.state, gone.resolved_at) == ("resolved", SOON)
    assert store.alerts.resolve("front-page", SOON) is None
    assert store.alerts.ack(alert.id, "eve", SOON) is None
    again, created = report()
    assert created
    assert again.id > alert.id
    assert [row.id for row in store.alerts.list(5)] == [again.id, alert.id]


def test_an_event_is_new_once_and_forgotten_after_two_days(store: Store) -> None:
    claims = together(lambda number: store.seen.claim(Claim("Ev1", str(number)), NOW))
    assert claims.count(None) == 1
    (heard,) = {claim for claim in claims if claim}
    assert (heard.run, heard.outcome) == (None, None)
    assert store.seen.claim(Claim("Ev1", "later"), NOW + timedelta(days=1)) == heard
    assert store.seen.claim(Claim("Ev1", "later"), NOW + timedelta(days=2, seconds=1)) is None
    assert store.settings.get("heard:Ev1") == {"owner": "later", "run": None, "outcome": None}
    assert store.seen.claim(Claim("Ev2", "later"), NOW + timedelta(days=5)) is None
    assert store.settings.get("heard:Ev1") is None, "what was known of it is forgotten with it"


def test_what_its_owner_left_is_taken_over_once_and_its_owner_writes_nothing_more(store: Store) -> None:
    mine = Claim("Ev1", "dead")
    assert store.seen.claim(mine, NOW) is None
    assert together(lambda number: store.seen.take_over(Claim("Ev1", str(number)), "dead")).count(True) == 1
    store.seen.end(mine, "locked")
    heard = store.seen.claim(mine, NOW)
    assert heard is not None
    assert (heard.owner != "dead", heard.outcome) == (True, None)
    store.seen.end(Claim("Ev1", str(heard.owner)), "ok")
    assert store.seen.claim(mine, NOW) == Heard(heard.owner, None, "ok")
    assert not store.seen.take_over(mine, str(heard.owner)), "it has its answer"


def test_words_that_the_version_before_heard_or_forgot_are_known_after_an_upgrade(store: Store) -> None:
    """It kept what CI's words began under their own key, and forgets words without what is known of them."""
    with store._database.write() as connection:
        connection.execute(seen.insert().values(key="ci:1", at=NOW))
    store.settings.put("ci:1", "rabcde")
    assert store.seen.claim(Claim("ci:1", "new"), NOW) == Heard(None, "rabcde", None)
    assert store.seen.claim(Claim("Ev1", "first"), NOW) is None
    with store._database.write() as connection:
        connection.execute(seen.delete())
    assert store.seen.claim(Claim("Ev1", "second"), NOW) is None
    assert store.seen.claim(Claim("Ev1", "third"), NOW) == Heard("second", None, None)


def test_the_audit_is_numbered_and_listed_newest_first(store: Store) -> None:
    together(lambda number: store.audit.add(NOW, {"id": "U1"}, "slack", f"deploy {number}", "staging/web", "ok", {}))
    assert [row.number for row in store.audit.list(100)] == list(range(16, 0, -1))
    assert not hasattr(store.audit, "delete")


def test_a_setting_is_any_json_value(store: Store) -> None:
    assert store.settings.get("fired") is None
    for value in ({"backup": "2026-03-01"}, [1, "x"], 0, False, "text", None):
        store.settings.put("fired", value)
        assert store.settings.get("fired") == value
