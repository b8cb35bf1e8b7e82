"""What is backed up comes back, whatever is in it; what is not a backup is never listed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from opsbot.backups import archive, compare, restore, verify
from opsbot.backups.archive import Order
from opsbot.backups.listing import Backups
from opsbot.backups.live import find, identity
from opsbot.backups.manifest import parse
from opsbot.backups.s3 import S3
from opsbot.backups.target import DatabaseTarget
from opsbot.backups.watch import Nobody
from opsbot.clock import SystemClock
from opsbot.errors import NotFound, StepFailed
from opsbot.postgres import databases, describe
from opsbot.postgres.connect import MAINTENANCE, session
from opsbot.postgres.describe import Identity

ORDER = Order("20260101-120000-abcd", "asked", "run1")

ODD_TABLE = '"odd schema"."Ünï.cödé ""ta""ble"'
ODD = """
CREATE SCHEMA "odd schema";
CREATE TABLE "odd schema"."Ünï.cödé ""ta""ble" (id serial PRIMARY KEY, "select" text UNIQUE, raw bytea, at timestamptz);
INSERT INTO "odd schema"."Ünï.cödé ""ta""ble" ("select", raw, at)
  SELECT E'line\\nbreak\\ttab \\\\ back %s ☃ ' || n, decode('00ff0a5c', 'hex'), now() FROM generate_series(1, 500) n;
CREATE TABLE public.users (user_id serial PRIMARY KEY, username text UNIQUE NOT NULL);
INSERT INTO public.users (username) SELECT 'user ' || n FROM generate_series(1, 1000) n;
CREATE TABLE public.messages (message_id bigserial PRIMARY KEY, author_id int REFERENCES public.users, body text);
INSERT INTO public.messages (author_id, body) SELECT n, repeat('x', 5000) FROM generate_series(1, 1000) n;
CREATE INDEX messages_author ON public.messages (author_id);
CREATE TABLE public.empty (id int CHECK (id > 0));
CREATE TABLE public.events (at date NOT NULL, body text) PARTITION BY RANGE (at);
CREATE TABLE public.events_2026 PARTITION OF public.events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
INSERT INTO public.events VALUES ('2026-03-01', 'a'), ('2026-04-01', 'b');
CREATE MATERIALIZED VIEW public.counted AS SELECT count(*) FROM public.users;
CREATE EXTENSION pg_trgm SCHEMA public;
CREATE INDEX users_trgm ON public.users USING gin (username public.gin_trgm_ops);
CREATE TABLE public.alembic_version (version_num varchar(32) PRIMARY KEY);
INSERT INTO public.alembic_version VALUES ('0002');
SELECT pg_catalog.lo_from_bytea(0, decode('deadbeef', 'hex'));
"""


def fill(target: DatabaseTarget, script: str = ODD) -> None:
    with session(target.server, target.name) as one:
        one.rows(script)


def take(target: DatabaseTarget, storage: S3, order: Order = ORDER) -> archive.Manifest:
    return archive.take(target, storage, order, Nobody(), SystemClock())


def test_odd_data_comes_back_row_for_row(target: DatabaseTarget, storage: S3) -> None:
    fill(target)
    taken = take(target, storage)
    rows = restore.load(target, storage, taken, f"{target.name}_new", "run2", Nobody())
    assert rows == taken.total_rows == 500 + 1000 + 1000 + 2 + 1
    assert restore.verdict(target, taken, f"{target.name}_new", Nobody()) == []
    query = f"TABLE {ODD_TABLE} ORDER BY id"
    with session(target.server, target.name) as live, session(target.server, f"{target.name}_new") as new:
        assert live.rows(query) == new.rows(query)


def test_the_manifest_says_what_a_restore_needs(target: DatabaseTarget, storage: S3) -> None:
    fill(target)
    taken = take(target, storage)
    assert taken.rows[ODD_TABLE] == 500
    assert taken.rows["public.empty"] == 0
    assert "public.events" not in taken.rows
    assert taken.shape.revision == ("0002",)
    assert taken.shape.large_objects == 1
    assert taken.shape.extensions["pg_trgm"]
    assert "public.users: users_username_key" in taken.shape.constraints
    assert "public.messages_author" in taken.shape.indexes
    assert taken.dump_version.startswith("15")
    assert taken.server_version.startswith("15")
    assert taken.data.bytes < taken.data.plain_bytes
    stored = storage.get(f"{taken.data.key.rpartition(ORDER.id)[0]}manifests/{ORDER.id}.json")
    assert parse(stored, "it") == taken


def test_what_a_rename_does_not_carry_is_carried(target: DatabaseTarget, storage: S3) -> None:
    fill(target)
    with session(target.server, target.name) as one:
        one.rows("DROP ROLE IF EXISTS reader; CREATE ROLE reader; DROP ROLE IF EXISTS keeper; CREATE ROLE keeper")
        one.rows(f'ALTER DATABASE {target.name} SET search_path = "odd schema", public')
        one.rows(f"ALTER DATABASE {target.name} SET app.colour = 'a, b'")
        one.rows(f"ALTER ROLE reader IN DATABASE {target.name} SET work_mem = '8MB'")
        one.rows(f"ALTER DATABASE {target.name} CONNECTION LIMIT 50")
        one.rows(f"ALTER DATABASE {target.name} OWNER TO keeper")
        one.rows(f"REVOKE CONNECT ON DATABASE {target.name} FROM PUBLIC")
        one.rows(f"GRANT CONNECT ON DATABASE {target.name} TO reader WITH GRANT OPTION")
        one.rows("GRANT SELECT ON public.users TO reader")
    taken = take(target, storage)
    assert {"reader", "keeper"} <= {*taken.roles, taken.properties.owner}
    scratch = f"{target.name}_new"
    restore.load(target, storage, taken, scratch, "run2", Nobody())
    with session(target.server, MAINTENANCE) as one:
        before, after = describe.properties(one, target.name), describe.properties(one, scratch)
    assert before == after == taken.properties
    with session(target.server, scratch) as one:
        assert one.value("SELECT has_table_privilege('reader', 'public.users', 'SELECT')") is True
    databases.drop(target.server, scratch)
    databases.drop(target.server, target.name)
    databases.create(target.server, target.name, taken.properties)
    with session(target.server, MAINTENANCE) as one:
        one.rows("DROP ROLE reader")
    with pytest.raises(StepFailed, match="role reader"):
        restore.load(target, storage, taken, scratch, "run3", Nobody())


def test_a_database_whose_name_is_a_prefix_of_another_is_never_confused(target: DatabaseTarget, storage: S3) -> None:
    longer = replace(target, name=f"{target.name}_staging")
    databases.create(target.server, longer.name, restore_properties(target))
    for each, order in ((target, ORDER), (longer, replace(ORDER, id="20260102-120000-abcd"))):
        fill(each, "CREATE TABLE public.t AS SELECT 1 AS a")
        take(each, storage, order)
    backups = Backups(storage)
    assert [found.id for found in backups.of(identity(target))] == [ORDER.id]
    assert find(target, storage, "latest").source.name == target.name
    with pytest.raises(NotFound):
        find(target, storage, "20260102-120000-abcd")


def restore_properties(target: DatabaseTarget) -> describe.Properties:
    with session(target.server, MAINTENANCE) as one:
        found = describe.properties(one, target.name)
    assert found is not None
    return found


@pytest.mark.parametrize("name", ["shop a/b", "shop'quote\"d", "shop=host", "shop %41", "shop-ö"])
def test_odd_database_names_are_taken_literally(target: DatabaseTarget, storage: S3, name: str) -> None:
    odd = replace(target, name=name)
    databases.create(target.server, name, restore_properties(target))
    fill(odd, "CREATE TABLE public.t AS SELECT 1 AS a")
    taken = take(odd, storage)
    scratch = databases.derived(name, "_new_run")
    assert restore.load(odd, storage, taken, scratch, "run", Nobody()) == 1
    assert [found.id for found in Backups(storage).of(identity(odd))] == [ORDER.id]


def test_an_empty_database_is_not_a_success(target: DatabaseTarget, storage: S3) -> None:
    with pytest.raises(StepFailed) as caught:
        take(target, storage)
    assert caught.value.code == "empty"
    assert list(storage.keys("")) == []


def test_a_backup_is_whole_and_a_cut_or_changed_one_is_not(target: DatabaseTarget, storage: S3) -> None:
    fill(target)
    taken = take(target, storage)
    assert verify.check(target, storage, taken, Nobody()) == taken.data.bytes
    whole = storage.get(taken.data.key)
    for broken in (whole[:-100], whole[:-1] + bytes([whole[-1] ^ 1]), whole[: len(whole) // 2] + whole, b""):
        storage.delete(taken.data.key)
        storage.put_new(taken.data.key, broken)
        with pytest.raises(StepFailed) as caught:
            verify.check(target, storage, taken, Nobody())
        assert caught.value.code == "damaged"
        with pytest.raises(StepFailed):
            restore.load(target, storage, taken, f"{target.name}_new", "run2", Nobody())
        with session(target.server, MAINTENANCE) as one:
            assert not databases.exists(one, f"{target.name}_new")


def test_after_a_restore_the_backups_of_before_are_still_its_own(target: DatabaseTarget, storage: S3) -> None:
    fill(target, "CREATE TABLE public.t AS SELECT 1 AS a")
    take(target, storage)
    databases.drop(target.server, target.name)
    databases.create(target.server, target.name, restore_like())
    assert find(target, storage, "latest").id == ORDER.id


def restore_like() -> describe.Properties:
    return describe.Properties(owner="postgres", encoding="UTF8", collate="C.UTF-8", ctype="C.UTF-8")


def test_the_backup_that_was_taken_to_be_safe_is_not_the_latest(target: DatabaseTarget, storage: S3) -> None:
    fill(target, "CREATE TABLE public.t AS SELECT 1 AS a")
    take(target, storage)
    take(target, storage, Order("20260103-120000-abcd", "pre-restore", "run5"))
    assert find(target, storage, "latest").id == ORDER.id
    assert find(target, storage, "20260103-120000-abcd").reason == "pre-restore"


def test_a_new_cluster_names_the_backups_of_the_lost_one(target: DatabaseTarget, storage: S3) -> None:
    fill(target, "CREATE TABLE public.t AS SELECT 1 AS a")
    taken = take(target, storage)
    new_cluster = Identity("77", target.name)
    backups = Backups(storage)
    with pytest.raises(NotFound, match=taken.id):
        backups.find(new_cluster, "staging", "latest")
    assert backups.find(new_cluster, "staging", taken.id) == taken
    with pytest.raises(NotFound):
        backups.find(new_cluster, "production", taken.id)
    assert backups.of_environment("production", target.name) == []


def test_a_lost_unique_key_is_noticed(target: DatabaseTarget, storage: S3) -> None:
    """Incident 8: a restore brought back an old schema without a unique key."""
    fill(target)
    taken = take(target, storage)
    with session(target.server, target.name) as one:
        one.rows("ALTER TABLE public.users DROP CONSTRAINT users_username_key")
        faults = compare.faults(taken, describe.row_counts(one), describe.shape(one))
    assert faults == [
        "constraint public.users: users_username_key is missing",
        "index public.users_username_key is missing",
    ]
