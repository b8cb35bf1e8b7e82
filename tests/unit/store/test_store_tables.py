"""What is written comes back as it was, without secrets, and older and newer files are understood or refused. On Postgres as well."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from filled import NOW, add_run, together
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import inspect, text

from opsbot import log
from opsbot.errors import ConfigError
from opsbot.store import Store, open_store
from opsbot.store.columns import Json, Moment, Shown
from opsbot.store.database import Database
from opsbot.store.migrate import migrate
from opsbot.store.tables import metadata


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
