"""What each part of the store promises. The contract tests run all of this on Postgres as well."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError

from opsbot import log
from opsbot.errors import ConfigError, NotFound
from opsbot.store import Store, open_store
from opsbot.store.columns import Json, Moment, Shown
from opsbot.store.database import Database
from opsbot.store.locks import LockHeld
from opsbot.store.migrate import migrate
from opsbot.store.rows import LockRow, ReleaseRow
from opsbot.store.runs import Change
from opsbot.store.tables import metadata

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
SOON = NOW + timedelta(minutes=1)
PLAN = {
    "playbook": "deploy",
    "title": "Deploy v2",
    "environment": "staging",
    "lock": "staging/web",
    "fingerprint": "f1",
}


def add_run(store: Store, run: str = "r1", **more: Any) -> LockRow | None:
    """None, or who holds a lock that it wants."""
    try:
        store.runs.add(run, {**PLAN, "params": {"tag": "v2"}}, {"id": "U1"}, "slack", "queued", "C1", None, NOW, **more)
    except LockHeld as held:
        return held.holder
    return None


def wish(run: str, expires: datetime | None = None) -> LockRow:
    return LockRow("staging/web", run, "alice", "deploy v2", NOW, expires)


def release(store: Store, service: str = "web", run: str = "r1", tag: str = "v1") -> ReleaseRow:
    return store.releases.add(
        "staging", service, f"registry/{service}@sha256:1", "sha256:1", tag, "abc", {"A": "1"}, {"key": "main"},
        {"Name": "web"}, None, run, "alice", NOW,
    )  # fmt: skip


def together(work: Callable[[int], Any], times: int = 16) -> list[Any]:
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(work, range(times)))


def test_a_run_comes_back_as_it_was_written(store: Store) -> None:
    add_run(store, events=[("submitted", {"by": "alice"})])
    run = store.runs.get("r1")
    assert run is not None
    assert (run.playbook, run.title, run.environment, run.lock, run.status) == (
        "deploy", "Deploy v2", "staging", "staging/web", "queued",
    )  # fmt: skip
    assert run.plan["params"] == {"tag": "v2"}
    assert (run.created_at, run.started_at, run.parked, run.last_event) == (NOW, None, None, 1)
    assert store.runs.get("r2") is None


def test_runs_are_listed_newest_first_and_by_what_is_asked(store: Store) -> None:
    for number in range(3):
        add_run(store, f"r{number}")
    store.runs.transition("r1", ["queued"], "running", NOW)
    assert [run.id for run in store.runs.list(2)] == ["r2", "r1"]
    assert [run.id for run in store.runs.list(statuses=["running"])] == ["r1"]
    assert store.runs.list(environment="production") == []
    assert [run.id for run in store.runs.by_status(["queued"])] == ["r0", "r2"]


def test_a_transition_happens_once_and_only_from_where_it_is_allowed(store: Store) -> None:
    add_run(store)
    went = together(lambda _: store.runs.transition("r1", ["queued"], "running", NOW, event=("started", {})))
    assert went.count(True) == 1
    assert [event.kind for event in store.events.after("r1", 0)] == ["started"]
    assert not store.runs.transition("r9", ["queued"], "running", NOW)


def test_a_run_that_cannot_have_its_lock_is_not_written(store: Store) -> None:
    assert add_run(store, "r1", locks=[wish("r1")]) is None
    holder = add_run(store, "r2", locks=[wish("r2")], events=[("submitted", {})])
    assert holder == wish("r1")
    assert store.runs.get("r2") is None
    store.runs.transition("r1", ["queued"], "cancelled", NOW, unlock=True, ended_at=NOW)
    assert add_run(store, "r2", locks=[wish("r2")]) is None


def test_only_one_of_many_gets_a_lock(store: Store) -> None:
    holders = together(lambda number: add_run(store, f"r{number}", locks=[wish(f"r{number}")]))
    assert holders.count(None) == 1
    assert len(store.runs.list(50)) == 1


def test_an_expired_lock_is_free_and_ones_own_may_be_taken_again(store: Store) -> None:
    locks = store.locks
    assert locks.take("staging/web", "", "alice", "lunch", SOON, NOW) is None
    assert locks.take("staging/web", "", "alice", "long lunch", SOON, NOW) is None
    held = locks.take("staging/web", "r1", "bob", "deploy", None, NOW)
    assert held is not None
    assert (held.who, held.reason, held.expires) == ("alice", "long lunch", SOON)
    assert locks.list(SOON) == []
    assert locks.take("staging/web", "r1", "bob", "deploy", None, SOON) is None
    assert [lock.who for lock in locks.list(SOON)] == ["bob"]
    assert not locks.release("r2")
    assert locks.release("r1")
    assert locks.list(SOON) == []


def test_what_is_due_is_queued_woken_or_stopped(store: Store) -> None:
    for run, status, wake in (
        ("q", "queued", None),
        ("w", "waiting", NOW),
        ("l", "waiting", SOON),
        ("s", "waiting", None),
    ):
        store.runs.add(run, PLAN, {}, "slack", status, None, None, NOW, wake_at=wake)
    store.runs.add("a", PLAN, {}, "slack", "awaiting_approval", None, None, NOW, wake_at=NOW)
    assert store.runs.wake_due(NOW) == ["q", "w", "a"]
    store.runs.change("s", NOW, lambda _run, _around: Change({"cancel_by": "bob"}))
    assert store.runs.told("s") == ("bob", None)
    assert store.runs.wake_due(SOON) == ["q", "w", "l", "s", "a"]


def test_a_lease_has_one_owner_until_it_expires(store: Store) -> None:
    leases = store.leases
    assert together(lambda number: leases.take("serve", f"o{number}", 30, NOW)).count(True) == 1
    owner = leases.holder("serve", NOW)
    assert owner is not None
    assert leases.take("serve", owner, 30, NOW)
    assert leases.renew("serve", owner, 30, NOW + timedelta(seconds=20))
    assert leases.holder("serve", NOW + timedelta(seconds=40)) == owner
    assert not leases.take("serve", "late", 30, NOW + timedelta(seconds=49))
    assert leases.take("serve", "late", timedelta(seconds=30), NOW + timedelta(seconds=50))
    assert not leases.renew("serve", owner, 30, NOW + timedelta(seconds=51))
    leases.release("serve", owner)
    assert leases.holder("serve", NOW + timedelta(seconds=51)) == "late"
    leases.release("serve", "late")
    assert leases.holder("serve", NOW) is None


def test_the_journal_is_written_only_by_the_holder_of_the_lease(store: Store) -> None:
    add_run(store)
    assert not store.journal.before("r1", "image", "do", 1, "me", NOW)
    store.leases.take("run:r1", "me", 30, NOW)
    late = NOW + timedelta(seconds=30)
    assert not store.journal.before("r1", "image", "do", 1, "me", late)
    assert store.journal.before("r1", "image", "do", 1, "me", NOW, event=("step_started", {"step": "image"}))
    store.leases.take("run:r1", "thief", 30, late)
    assert not store.journal.after("r1", "image", "do", 1, "done", {}, None, "me", late, events=[("step_done", {})])
    assert store.journal.after("r1", "image", "do", 1, "done", {"tag": "1.10"}, None, "thief", late)
    assert not store.journal.after("r1", "image", "do", 1, "failed", None, {"what": "x"}, "thief", late)
    (row,) = store.journal.rows("r1")
    assert (row.owner, row.outcome, row.outputs, row.error, row.ended_at) == ("me", "done", {"tag": "1.10"}, None, late)
    assert [event.kind for event in store.events.after("r1", 0)] == ["step_started"]


def test_nothing_begins_while_the_last_thing_is_half_way(store: Store) -> None:
    add_run(store)
    store.leases.take("run:r1", "me", 30, NOW)
    store.journal.before("r1", "image", "do", 1, "me", NOW)
    with pytest.raises(IntegrityError):
        store.journal.before("r1", "prepare", "do", 1, "me", NOW)
    assert [row.step for row in store.journal.rows("r1")] == ["image"]


def test_events_are_numbered_without_gaps_however_many_write(store: Store) -> None:
    add_run(store)
    seqs = together(lambda number: store.events.add("r1", "say", {"text": str(number)}, NOW), 40)
    assert sorted(seqs) == list(range(1, 41))
    assert [event.seq for event in store.events.after("r1", 38)] == [39, 40]
    with pytest.raises(NotFound):
        store.events.add("r9", "say", {}, NOW)


def test_a_run_is_behind_until_its_message_shows_the_newest_event(store: Store) -> None:
    add_run(store, "r1", events=[("submitted", {})])
    add_run(store, "r2")
    (behind,) = store.events.runs_behind()
    assert (behind.run, behind.channel, behind.environment, behind.last_event, behind.cursor) == (
        "r1",
        "C1",
        "staging",
        1,
        0,
    )
    store.messages.put("run", "r1", "C7", "17.1", None, 1, "d")
    assert store.events.runs_behind() == []
    store.events.add("r1", "say", {"text": "hello"}, NOW)
    assert [(row.run, row.channel, row.cursor) for row in store.events.runs_behind()] == [("r1", "C7", 1)]


def test_a_message_is_remembered_as_it_was_put_last(store: Store) -> None:
    assert store.messages.get("alert", "7") is None
    store.messages.put("alert", "7", "C1", None, None, 0, None)
    store.messages.put("alert", "7", "C1", "17.1", "16.0", 3, "d2")
    message = store.messages.get("alert", "7")
    assert message is not None
    assert (message.ts, message.thread_ts, message.cursor, message.digest) == ("17.1", "16.0", 3, "d2")


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


def test_a_post_that_was_late_does_not_hide_a_newer_change(store: Store) -> None:
    alert, _ = store.alerts.open("disk", "Disk full", "warning", None, None, {}, NOW)
    store.alerts.resolve("disk", SOON)
    store.alerts.posted(alert.id, alert.revision)
    assert [row.state for row in store.alerts.changed_since_posted()] == ["resolved"]


def test_an_event_is_new_once_and_forgotten_after_two_days(store: Store) -> None:
    assert together(lambda _: store.seen.first("Ev1", NOW)).count(True) == 1
    assert not store.seen.first("Ev1", NOW + timedelta(days=1))
    assert store.seen.first("Ev1", NOW + timedelta(days=2, seconds=1))


def test_the_audit_is_numbered_and_listed_newest_first(store: Store) -> None:
    together(lambda number: store.audit.add(NOW, {"id": "U1"}, "slack", f"deploy {number}", "staging/web", "ok", {}))
    assert [row.number for row in store.audit.list(100)] == list(range(16, 0, -1))
    assert not hasattr(store.audit, "delete")


def test_a_setting_is_any_json_value(store: Store) -> None:
    assert store.settings.get("fired") is None
    for value in ({"backup": "2026-03-01"}, [1, "x"], 0, False, "text", None):
        store.settings.put("fired", value)
        assert store.settings.get("fired") == value


def test_a_secret_never_reaches_a_row_that_people_see(store: Store, url: str) -> None:
    log.Secret("hunter2-hunter2")
    add_run(store)
    store.leases.take("run:r1", "me", 30, NOW)
    leak = {"what": "login as root:hunter2-hunter2 failed", "more": ["hunter2-hunter2"]}
    store.events.add("r1", "say", leak, NOW)
    store.journal.before("r1", "a", "do", 1, "me", NOW)
    store.journal.after("r1", "a", "do", 1, "failed", leak, leak, "me", NOW)
    store.audit.add(NOW, {}, "slack", "deploy", None, "failed", leak)
    shown = [store.events.after("r1", 0)[0].body, store.journal.rows("r1")[0].error, store.audit.list()[0].body]
    assert shown == [{"what": "login as root:[REDACTED] failed", "more": ["[REDACTED]"]}] * 3


def test_the_tables_in_code_are_those_that_the_migrations_make(store: Store, url: str) -> None:
    database = Database(url)
    with database.read() as connection:
        inspector = inspect(connection)
        assert set(inspector.get_table_names()) == set(metadata.tables)
        for name, table in metadata.tables.items():
            found = {column["name"]: bool(column["nullable"]) for column in inspector.get_columns(name)}
            assert found == {column.name: bool(column.nullable) for column in table.columns}, name
            assert inspector.get_pk_constraint(name)["constrained_columns"] == [key.name for key in table.primary_key]
            indexes = {(index["name"], bool(index["unique"])) for index in inspector.get_indexes(name)}
            assert indexes - {("migrations_name", True)} == {
                (index.name, bool(index.unique)) for index in table.indexes
            }
    database.close()


def test_opening_again_changes_nothing_and_many_may_open_at_once(url: str) -> None:
    stores = together(lambda _: open_store(url), 6)
    add_run(stores[0])
    assert all(each.runs.get("r1") for each in stores)
    assert migrate(Database(url)) == 3
    for each in stores:
        each.ping()
        each.close()


def test_a_look_for_news_reads_only_runs_that_have_some(store: Store, url: str) -> None:
    """At a hundred thousand runs, reading all of them three times a second is all that a bot would do."""
    add_run(store, events=[("submitted", {})])
    database = Database(url)
    if database.is_sqlite:
        with database.read() as connection:
            steps = connection.exec_driver_sql(
                "EXPLAIN QUERY PLAN SELECT id FROM runs WHERE last_event > told ORDER BY number"
            )
            assert [row[-1] for row in steps] == ["SCAN runs USING INDEX runs_behind"]
    database.close()


def test_messages_of_an_older_opsbot_are_not_told_again(store: Store, url: str) -> None:
    add_run(store, events=[("submitted", {})])
    store.messages.put("run", "r1", "C1", "17.1", None, 1, "d")
    database = Database(url)
    with database.write() as connection:
        for index in ("runs_behind", "runs_by_environment", "runs_by_door"):
            connection.exec_driver_sql(f"DROP INDEX {index}")
        connection.exec_driver_sql("ALTER TABLE runs DROP COLUMN told")
        connection.exec_driver_sql("DELETE FROM migrations WHERE number = 3")
    assert migrate(database) == 3
    database.close()
    assert store.events.runs_behind() == []


def test_a_store_of_a_newer_opsbot_is_refused(store: Store, url: str) -> None:
    database = Database(url)
    with database.write() as connection:
        connection.execute(text("INSERT INTO migrations (number, name) VALUES (999, 'later')"))
    with pytest.raises(ConfigError, match="newer opsbot"):
        open_store(url)
    database.close()


zones = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))])
spans = st.timedeltas(timedelta(days=-9000), timedelta(days=9000))
moments = st.builds(lambda span, zone: (NOW + span).astimezone(zone), spans, zones)


@given(moments, moments)
def test_moments_are_kept_exactly_and_sort_as_text(one: datetime, other: datetime) -> None:
    kind = Moment()
    dialect: Any = None
    texts = [kind.process_bind_param(moment, dialect) for moment in (one, other)]
    assert [kind.process_result_value(text, dialect) for text in texts] == [one, other]
    assert (texts[0] < texts[1]) == (one < other)
    with pytest.raises(TypeError):
        kind.process_bind_param(one.replace(tzinfo=None), dialect)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_json_value_is_kept_exactly(value: Any) -> None:
    for kind in (Json(), Shown()):
        dialect: Any = None
        assert kind.process_result_value(kind.process_bind_param(value, dialect), dialect) == value
    with pytest.raises(TypeError):
        Json().process_bind_param({"set": {1}}, dialect)
