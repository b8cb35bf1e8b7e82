"""The audit is a chain: whoever changes, removes, inserts or cuts off a row is found, and statements cannot do it at all."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, text, update
from sqlalchemy.exc import DBAPIError

from opsbot.errors import OpsError
from opsbot.log import Secret
from opsbot.store import Store
from opsbot.store.database import Database
from opsbot.store.tables import audit

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
ROWS = 7


def fill(store: Store, rows: int = ROWS) -> None:
    for number in range(rows):
        actor = {"kind": "person", "id": f"U{number % 2 + 1}", "name": ("alice", "bob")[number % 2]}
        at = NOW + timedelta(hours=6 * number)
        store.audit.add(at, actor, "slack", "deploy", "staging/web", "ok", {"run": f"r{number}", "ä": [1, None, 2.5]})


def as_an_intruder(url: str, *statements: object) -> None:
    """Somebody who may do anything to the database."""
    database = Database(url)
    with database.write() as connection:
        if database.is_sqlite:
            for verb in ("update", "delete"):
                connection.exec_driver_sql(f"DROP TRIGGER audit_no_{verb}")
        else:
            connection.exec_driver_sql("DROP TRIGGER audit_no_change ON audit")
        for statement in statements:
            connection.execute(statement)  # type: ignore[call-overload]  # any statement
    database.close()


def test_a_chain_that_nobody_touched_is_whole(store: Store) -> None:
    assert store.audit.verify().ok
    fill(store)
    verdict = store.audit.verify()
    assert (verdict.ok, verdict.rows, verdict.broken, verdict.why) == (True, ROWS, None, "")
    assert verdict.head == store.audit.list(1)[0].hash


@pytest.mark.parametrize(
    ("crime", "broken"),
    [
        (update(audit).where(audit.c.number == 3).values(outcome="refused"), 3),
        (update(audit).where(audit.c.number == 3).values(at=NOW), 3),
        (update(audit).where(audit.c.number == 3).values(actor={"id": "U9", "name": "eve"}), 3),
        (update(audit).where(audit.c.number == 5).values(body={}), 5),
        (text("UPDATE audit SET body = '{' WHERE number = 5"), 5),
        (delete(audit).where(audit.c.number == 4), 4),
        (delete(audit).where(audit.c.number == 1), 1),
        (delete(audit).where(audit.c.number == ROWS), ROWS),
        (update(audit).where(audit.c.number == 6).values(hash=None, previous=None), 6),
    ],
)
def test_every_change_of_the_past_is_found(store: Store, url: str, crime: object, broken: int) -> None:
    fill(store)
    as_an_intruder(url, crime)
    verdict = store.audit.verify()
    assert not verdict.ok
    assert verdict.broken == broken
    assert str(broken) in verdict.why or "missing" in verdict.why


def test_a_chain_that_was_forged_as_a_whole_is_not_what_was_kept_elsewhere(store: Store, url: str) -> None:
    fill(store)
    head = store.audit.head(date(2026, 3, 1))
    assert head is not None
    assert head.number == 4, "the last row of that day"
    assert store.audit.verify({head.number: head.hash}).ok
    as_an_intruder(url, delete(audit), text("UPDATE counters SET value = 0 WHERE name = 'audit'"))
    fill(store, 3)
    store.audit.add(NOW, {"id": "U9"}, "slack", "nothing happened", None, "ok", {})
    assert store.audit.verify().ok
    verdict = store.audit.verify({head.number: head.hash})
    assert (verdict.ok, verdict.broken) == (False, 4)


def test_rows_cut_off_with_their_counter_are_missed_by_a_kept_head(store: Store, url: str) -> None:
    fill(store)
    head = store.audit.head(date(2026, 3, 30))
    assert head is not None
    as_an_intruder(
        url, delete(audit).where(audit.c.number > 2), text("UPDATE counters SET value = 2 WHERE name = 'audit'")
    )
    assert store.audit.verify().ok
    assert not store.audit.verify({head.number: head.hash}).ok


def test_rows_that_were_written_before_there_was_a_chain_do_not_break_it(store: Store, url: str) -> None:
    old = {"at": NOW, "actor": {}, "door": "slack", "what": "deploy", "outcome": "ok", "body": {}}
    as_an_intruder(
        url, *[insert(audit).values(number=number, **old) for number in (1, 2)],
        text("INSERT INTO counters (name, value) VALUES ('audit', 2)"),
    )  # fmt: skip
    fill(store)
    assert store.audit.verify().ok
    assert store.audit.head(date(2026, 2, 27)) is None


def test_no_secret_that_somebody_typed_is_kept_and_the_chain_holds(store: Store) -> None:
    Secret("correct horse battery")
    by = {"id": "U1", "name": "alice"}
    store.audit.add(NOW, by, "slack", "lock", "staging correct horse battery", "ok", {"why": "correct horse battery"})
    (row,) = store.audit.list(1)
    assert (row.target, row.body) == ("staging [REDACTED]", {"why": "[REDACTED]"})
    assert store.audit.verify().ok


@pytest.mark.parametrize("statement", ["UPDATE audit SET what = 'x'", "DELETE FROM audit"])
def test_the_database_itself_refuses_to_change_a_row(store: Store, url: str, statement: str) -> None:
    fill(store, 2)
    database = Database(url)
    with pytest.raises((DBAPIError, OpsError), match="append-only"), database.write() as connection:
        connection.execute(text(statement))
    database.close()
    assert store.audit.verify().ok


def test_many_writers_make_one_chain(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: store.audit.add(NOW, {"id": "U1"}, "slack", f"w{n}", None, "ok", {}), range(40)))
    assert store.audit.verify() == store.audit.verify({})
    assert store.audit.verify().rows == 40


def test_what_is_looked_for_is_found(store: Store) -> None:
    fill(store)
    store.audit.add(NOW, {"id": "U2", "name": "bob"}, "terminal", "lock", "production", "ok", {})
    found: Callable[..., list[int]] = lambda **by: [row.number for row in store.audit.list(50, **by)]  # noqa: E731 - a short name for many lines
    assert found(who="bob") == found(who="U2") == [8, 6, 4, 2]
    assert found(what="lock") == found(what="production") == [8]
    assert found(what="r3") == [4]
    assert found(since=NOW + timedelta(hours=30)) == [7, 6]
    assert [row.number for row in store.audit.list(2, who="Bob")] == [8, 6]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.text(), st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(), max_size=4
    )
)
def test_whatever_is_told_can_be_verified(store: Store, body: dict[str, object]) -> None:
    body = {
        key.replace("\x00", ""): value.replace("\x00", "") if isinstance(value, str) else value
        for key, value in body.items()
    }
    store.audit.add(NOW, {"id": "U1"}, "slack", "deploy", None, "ok", body)
    assert store.audit.verify().ok
