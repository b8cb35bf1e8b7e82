"""What the store promises of runs, locks, leases, the journal and what is told. The contract tests run all of this on Postgres as well."""

from __future__ import annotations

from datetime import timedelta

import pytest
from filled import NOW, PLAN, SOON, add_run, together, wish
from sqlalchemy.exc import IntegrityError

from opsbot.errors import NotFound
from opsbot.store import Store
from opsbot.store.database import Database
from opsbot.store.runs import Change


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


def test_a_post_that_was_late_does_not_hide_a_newer_change(store: Store) -> None:
    alert, _ = store.alerts.open("disk", "Disk full", "warning", None, None, {}, NOW)
    store.alerts.resolve("disk", SOON)
    store.alerts.posted(alert.id, alert.revision)
    assert [row.state for row in store.alerts.changed_since_posted()] == ["resolved"]


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
