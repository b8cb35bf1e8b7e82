"""Which backup a word means, what a manifest says, and what a restore would change: all without a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsbot.backups import compare, foreign, manifest
from opsbot.backups.listing import PRE_RESTORE, Backups
from opsbot.backups.manifest import Manifest, Source, Stored
from opsbot.backups.storage import backup_of, data_key, folder, manifest_key
from opsbot.errors import NotFound, Refused, StepFailed
from opsbot.postgres.describe import Identity, Properties, Shape

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


class Shelf:
    """The part of a bucket that listing reads."""

    def __init__(self, manifests: list[Manifest]) -> None:
        self.bodies = {manifest_key(each.source, each.id): each.as_bytes() for each in manifests}
        self.read: list[str] = []
        self.dumps: dict[str, int] = {}  # what others put beside them: key → age in hours

    def entries(self, prefix: str) -> Iterator[tuple[str, int, datetime]]:
        yield from ((key, 1, NOON) for key in self.keys(prefix))
        yield from ((key, 1, NOON - timedelta(hours=age)) for key, age in self.dumps.items())

    def keys(self, prefix: str) -> list[str]:
        return sorted(key for key in self.bodies if key.startswith(prefix))

    def folders(self, prefix: str) -> list[str]:
        return sorted({key.removeprefix(prefix).partition("/")[0] for key in self.keys(prefix)})

    def get(self, key: str) -> bytes:
        self.read.append(key)
        return self.bodies[key]


def backups(shelf: Shelf) -> Backups:
    return Backups(shelf)  # type: ignore[arg-type] - the methods it uses


def moved(each: Manifest, **source: object) -> Manifest:
    return each.model_copy(update={"source": each.source.model_copy(update=source)})


SHOP = Identity("77", "shop")


@given(st.lists(st.sampled_from(["schedule", "asked", PRE_RESTORE]), min_size=1, max_size=8))
def test_latest_is_the_newest_that_was_not_taken_to_be_safe(reasons: list[str]) -> None:
    own = [made(number, reason) for number, reason in enumerate(reasons)]
    listing = backups(Shelf(own))
    asked = [each for each in own if each.reason != PRE_RESTORE]
    if asked:
        assert listing.find(SHOP, "production", "latest") == asked[-1]
    else:
        with pytest.raises(NotFound):
            listing.find(SHOP, "production", "latest")
    assert listing.of(SHOP) == own[::-1]


def test_an_id_names_a_backup_of_an_earlier_cluster_but_latest_does_not() -> None:
    lost = moved(made(1), cluster="66")
    listing = backups(Shelf([lost]))
    assert listing.find(SHOP, "production", lost.id) == lost
    with pytest.raises(NotFound, match=lost.id) as caught:
        listing.find(SHOP, "production", "latest")
    assert caught.value.code == "no_backup"


@pytest.mark.parametrize(
    "other", [{"name": "shop_staging"}, {"name": "sho"}, {"cluster": "66", "environment": "staging"}]
)
def test_another_databases_backup_is_never_meant(other: dict[str, object]) -> None:
    listing = backups(Shelf([moved(made(2), **other)]))
    assert listing.of(SHOP) == []
    for wanted in ("latest", made(2).id):
        with pytest.raises(NotFound):
            listing.find(SHOP, "production", wanted)


def test_a_slip_in_an_id_names_the_closest_and_a_prefix_is_not_an_id() -> None:
    own = made(1)
    with pytest.raises(NotFound, match=f"Did you mean {own.id}"):
        backups(Shelf([own])).find(SHOP, "production", own.id[:-1])


def test_finding_among_a_thousand_reads_few_and_each_only_once() -> None:
    shelf = Shelf([made(number) for number in range(1000)])
    listing = backups(shelf)
    for _ in range(2):
        assert listing.find(SHOP, "production", "latest").id == made(999).id
        assert listing.find(SHOP, "production", made(3).id).id == made(3).id
    assert len(shelf.read) == len(set(shelf.read)) <= 10


def test_an_old_backup_is_found_without_reading_what_came_after() -> None:
    shelf = Shelf([made(number) for number in range(100)])
    found = Backups(shelf).of_environment("production", "shop", 2, NOON + timedelta(hours=10))  # type: ignore[arg-type]  # it reads only
    assert [each.run for each in found] == ["run10", "run9"]
    assert len(shelf.read) <= 16


def test_a_manifest_that_was_moved_under_another_database_is_not_listed() -> None:
    shelf = Shelf([made(1)])
    staging = moved(made(2), name="shop_staging")
    shelf.bodies[manifest_key(made(2).source, staging.id)] = staging.as_bytes()
    assert [each.id for each in backups(shelf).of(SHOP)] == [made(1).id]


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


def test_dumps_that_others_left_are_told_newest_first_and_nothing_of_ours_is_one() -> None:
    shelf = Shelf([made(1)])
    shelf.dumps = {"dumps/shop-1.sql.gz": 48, "dumps/shop-2.dump": 24, "pictures/cat.png": 1, "audit/2026.sql": 1}
    assert [dump.name for dump in foreign.dumps(shelf)] == ["shop-2.dump", "shop-1.sql.gz"]  # type: ignore[arg-type] - as above
    said = foreign.sentence(foreign.dumps(shelf))  # type: ignore[arg-type] - as above
    assert said.startswith("The bucket also holds 2 dumps that the bot did not take, the newest dumps/shop-2.dump")


@pytest.mark.parametrize("wanted", ["shop-1.sql.gz", "dumps/shop-1.sql.gz"])
def test_a_dump_of_others_is_not_restored_by_guess_and_the_way_is_named(wanted: str) -> None:
    shelf = Shelf([made(1)])
    shelf.dumps = {"dumps/shop-1.sql.gz": 48}
    with pytest.raises(Refused, match=r"did not take: .* docs/operator.md tells how") as caught:
        backups(shelf).find(SHOP, "production", wanted)
    assert caught.value.code == "foreign_dump"
