"""Which backup a word means, what a manifest says, and what a restore would change: all without a bucket."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsbot.backups import compare, manifest
from opsbot.backups.listing import PRE_RESTORE, choose
from opsbot.backups.manifest import Manifest, Source, Stored
from opsbot.backups.storage import backup_of, data_key, folder, manifest_key
from opsbot.errors import NotFound, StepFailed
from opsbot.postgres.describe import Properties, Shape

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
COUNTS = st.dictionaries(st.sampled_from(["public.a", "public.b", "public.c", "x.d"]), st.integers(0, 50))


def made(
    number: int, reason: str = "schedule", rows: dict[str, int] | None = None, shape: Shape | None = None
) -> Manifest:
    at = NOON + timedelta(hours=number)
    return Manifest(
        id=manifest.new_id(f"run{number}", "take", at),
        source=Source(environment="production", database="main", cluster="77", oid=5, name="shop"),
        taken_at=at,
        reason=reason,
        run=f"run{number}",
        lsn="0/1",
        snapshot="1-1",
        server_version="15.14",
        dump_version="15.14",
        properties=Properties(owner="shop", encoding="UTF8", collate="C", ctype="C"),
        shape=shape or Shape(),
        data=Stored(key="k", bytes=1, sha256="a", plain_bytes=2, plain_sha256="b"),
        rows=rows or {"public.a": 1},
        seconds=0.5,
    )


@given(st.lists(st.sampled_from(["schedule", "asked", PRE_RESTORE]), min_size=1, max_size=8))
def test_latest_is_the_newest_that_was_not_taken_to_be_safe(reasons: list[str]) -> None:
    own = [made(number, reason) for number, reason in enumerate(reasons)][::-1]
    asked = [each for each in own if each.reason != PRE_RESTORE]
    if asked:
        assert choose("latest", own, [], "shop") == asked[0]
    else:
        with pytest.raises(NotFound):
            choose("latest", own, [], "shop")


def test_an_id_names_any_backup_also_of_an_earlier_cluster_but_latest_does_not() -> None:
    lost = made(1)
    assert choose(lost.id, [], [lost], "shop") == lost
    with pytest.raises(NotFound, match=lost.id) as caught:
        choose("latest", [], [lost], "shop")
    assert caught.value.code == "no_backup"


def test_a_slip_in_an_id_names_the_closest_and_a_prefix_is_not_an_id() -> None:
    own = [made(1)]
    with pytest.raises(NotFound, match=f"Did you mean {own[0].id}"):
        choose(own[0].id[:-1], own, [], "shop")


def test_ids_sort_by_time_and_every_try_of_a_step_ends_alike() -> None:
    first, second = (manifest.new_id("run1", "take", NOON + timedelta(seconds=n)) for n in (0, 1))
    assert first < second
    assert first.rpartition("-")[2] == second.rpartition("-")[2] == manifest.suffix("run1", "take")
    assert manifest.suffix("run1", "other") != manifest.suffix("run1", "take")


@given(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30))
def test_no_databases_folder_begins_with_anothers(one: str, other: str) -> None:
    folders = [folder(made(1).source.model_copy(update={"name": name})) for name in (one, other)]
    assert (one == other) or not folders[0].startswith(folders[1])
    assert all(each.count("/") == 3 for each in folders)


def test_a_backup_is_found_by_its_manifests_key() -> None:
    each = made(1)
    assert backup_of(manifest_key(each.source, each.id)) == each.id
    assert data_key(each.source, each.id).startswith(folder(each.source))


def test_a_manifest_is_read_back_as_it_was_and_strangers_are_refused() -> None:
    each = made(1)
    assert manifest.parse(each.as_bytes(), "k") == each
    for body in (b"", b"{}", each.as_bytes().replace(b'"version": 1', b'"version": 2'), each.as_bytes()[:-3]):
        with pytest.raises(StepFailed) as caught:
            manifest.parse(body, "k")
        assert caught.value.code == "bad_manifest"


@given(COUNTS, COUNTS)
def test_drift_accounts_for_every_row(then: dict[str, int], now: dict[str, int]) -> None:
    found = compare.drift(then, now)
    assert sum(now.values()) - sum(found.lost.values()) + sum(found.back.values()) == sum(then.values())
    assert found.sentence().endswith(".")


@given(COUNTS, COUNTS)
def test_counts_are_faultless_only_when_they_are_the_same(then: dict[str, int], now: dict[str, int]) -> None:
    assert (compare.row_faults(then, now) == []) == (then == now)


def test_what_is_missing_is_named() -> None:
    shape = Shape(
        extensions={"pg_trgm": "1.6"}, constraints=("public.users: users_key",), indexes=("public.i",), revision=("2",)
    )
    whole = made(1, shape=shape)
    assert compare.faults(whole, whole.rows, shape) == []
    assert compare.faults(whole, {"public.a": 2}, Shape(revision=("1",))) == [
        "public.a has 2 rows, not 1",
        "extension pg_trgm is missing",
        "constraint public.users: users_key is missing",
        "index public.i is missing",
        "its schema revision is 1, not 2",
    ]
