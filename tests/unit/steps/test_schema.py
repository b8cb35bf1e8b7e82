"""What plans of deploys and rollbacks say of migrations; the database is asked, and nobody waits for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from step_context import Alone

from opsbot.config.settings import Config
from opsbot.errors import Unavailable
from opsbot.runs.step import Fact
from opsbot.runtime.target import Target, Targets
from opsbot.steps.rollout_trial import Migrate, OfMigration
from opsbot.steps.schema import Kept, Schema, stays
from opsbot.store import Store, open_store
from opsbot.store.rows import ReleaseRow

NOW = datetime(2026, 1, 1, tzinfo=UTC)
V1 = "0001:expand 0002:expand"
V2 = f"{V1} 0003:expand"
V3 = f"{V2} 0004:contract"
V5 = f"{V3} 0005:expand 0006:irreversible"
ARGV = ["python", "-m", "web.migrate"]
ALLOW = ["--allow", "contract"]


class Still:
    """A clock that stands."""

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        raise AssertionError("nobody waits here")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(f"sqlite:///{tmp_path / 'opsbot.db'}")


@pytest.fixture
def targets(store: Store) -> Targets:
    """With an engine that nobody will ever reach: what is told of releases must be recorded."""
    return targets_with(store, {"argv": ARGV, "one_way_argv": ALLOW})


def targets_with(store: Store, migrate: object) -> Targets:
    environments = {"test": {"engine": "unix:///nowhere.sock", "stack": "t"}}
    services = {"web": {"image": "i", "strategy": "blue-green", "migrate": migrate}}
    return Targets(Config.model_validate({"environments": environments, "services": services}), store, Still())


@pytest.fixture
def target(targets: Targets) -> Target:
    return targets.get("test")


def live(store: Store, tag: str, listed: str | None) -> ReleaseRow:
    """A release that went live, after those before it."""
    row = store.releases.add(
        "test", "web", f"i@sha256:{tag}", f"sha256:{tag}", tag, "", {}, {}, {}, listed, f"r{tag}", "alice", NOW
    )
    return store.releases.mark("test", "web", row.number, "live", None, NOW + timedelta(minutes=row.number))


def at(*heads: str) -> Schema:
    return Schema(lambda _environment: heads)


def away(environment: str) -> Sequence[str]:
    raise Unavailable(f"The database of {environment} does not answer.")


AWAY = Schema(away)


def told(facts: Sequence[Fact]) -> list[tuple[str, str, str]]:
    return [(fact.key, fact.color, fact.text) for fact in facts]


def test_a_deploy_brings_what_the_database_has_not_had(store: Store, target: Target) -> None:
    live(store, "v1", V1)
    facts = at("0002").brings(target, "web", V2, let=False)
    assert told(facts) == [("brings", "green", "Brings migration 0003 (adds only).")]
    assert facts[0].bind == ["0003:expand"]
    assert told(at("0003").brings(target, "web", V2, let=False)) == [("brings", "green", "Brings no migration.")]
    assert at("0001").brings(target, "web", "", let=False) == [], "an image without a list is told nothing of"
    assert at("0001").brings(target, "web", "rubbish", let=False) == []


def test_the_first_release_brings_everything(store: Store, target: Target) -> None:
    (fact,) = at().brings(target, "web", V1, let=False)
    assert (fact.color, fact.text) == ("green", "Brings migrations 0001 (adds only), 0002 (adds only).")


def test_a_one_way_migration_is_refused_until_a_person_lets_it_through(store: Store, target: Target) -> None:
    live(store, "v2", V2)
    brings, refused = at("0003").brings(target, "web", V3, let=False)
    assert brings.text == "Brings migration 0004 (one-way)."
    assert told([refused]) == [
        (
            "one_way",
            "red",
            (
                "Migration 0004 is one-way: once it has run, no earlier release may come back without a restore."
                " Take a backup first, then say it again with --one-way yes."
            ),
        )
    ]
    assert refused.bind == ["0004"]
    _, let = at("0003").brings(target, "web", V3, let=True, how="It is run so.")
    assert told([let]) == [("one_way", "amber", "Migration 0004 is one-way; --one-way yes lets it run. It is run so.")]
    _, several = at("0003").brings(target, "web", V5, let=False)
    assert several.text.startswith("Migrations 0004 and 0006 are one-way: once they have run,")


@pytest.mark.parametrize(
    ("migrate", "says"),
    [
        ({"argv": ARGV, "one_way_argv": ALLOW}, "It is run with --allow contract for that."),
        (
            {"argv": ARGV},
            (
                "opsbot.yml has no words for it (services.web.migrate.one_way_argv), so the program is run as always and"
                " may refuse."
            ),
        ),
        (None, "lets it run."),
    ],
)
def test_the_plan_says_how_a_one_way_migration_is_let_through(store: Store, migrate: object, says: str) -> None:
    live(store, "v2", V2)
    targets = targets_with(store, migrate)
    of = OfMigration(environment="test", service="web", image="i@sha256:v3", migrations=V3, one_way=True)
    facts = {fact.key: fact for fact in Migrate(targets, at("0003")).facts(Alone(run=""), of).items}
    assert facts["one_way"].color == "amber"
    assert facts["one_way"].text.endswith(says)


def test_an_image_without_a_list_has_the_facts_that_it_had_before(store: Store, targets: Targets) -> None:
    live(store, "v1", None)
    of = OfMigration(environment="test", service="web", image="i@sha256:v2")
    facts = Migrate(targets, at("0001")).facts(Alone(run=""), of).items
    assert [fact.key for fact in facts] == ["migrations"]


def test_a_deploy_of_an_old_image_is_no_way_around_a_refused_rollback(store: Store, target: Target) -> None:
    live(store, "v3", V3)
    brings, older = at("0004").brings(target, "web", V1, let=False)
    assert (brings.text, older.key, older.color) == ("Brings no migration.", "one_way", "red")
    assert older.text == (
        "This image does not know migration 0004, which this database has had: migration 0004 is one-way. Deploy one that"
        " knows it, or restore a backup from before; --one-way yes deploys it all the same."
    )
    _, let = at("0004").brings(target, "web", V1, let=True)
    assert (let.key, let.color) == ("older", "amber")
    _, unsure = AWAY.brings(target, "web", V1, let=False)
    assert (unsure.key, unsure.color) == ("older", "amber")


@pytest.mark.parametrize(
    ("schema", "color", "says"),
    [
        (
            AWAY,
            "amber",
            "Brings migration 0003 (adds only). The database could not be asked: this is what the record tells.",
        ),
        (
            at("77"),
            "amber",
            (
                "Brings migration 0003 (adds only). The database is at 77, which no recorded release knows:"
                " this is what the record tells."
            ),
        ),
        (at(), "green", "Brings migration 0003 (adds only)."),
    ],
)
def test_a_database_that_does_not_tell_leaves_what_the_record_tells(
    store: Store, target: Target, schema: Schema, color: str, says: str
) -> None:
    live(store, "v1", V1)
    assert told(schema.brings(target, "web", V2, let=False)) == [("brings", color, says)]


def test_without_any_list_to_compare_with_nobody_knows_what_is_new(store: Store, target: Target) -> None:
    live(store, "v1", None)
    for schema in (AWAY, at()):
        (fact,) = schema.brings(target, "web", V2, let=False)
        assert (fact.color, fact.bind) == ("amber", "unknown")
    (fact,) = at("0002").brings(target, "web", V2, let=False)
    assert (fact.color, fact.text) == ("green", "Brings migration 0003 (adds only)."), "the database and the image tell"


def test_the_way_back_of_a_deploy_is_unsafe_after_a_one_way_migration(store: Store, target: Target) -> None:
    row = live(store, "v2", V2)
    assert at("0003").way_back(target, row, V2) is None
    assert at("0003").way_back(target, row, f"{V2} 0004:expand") is None
    unsafe = at("0003").way_back(target, row, V3)
    assert unsafe is not None
    assert told([unsafe]) == [
        (
            "way_back",
            "amber",
            (
                "A rollback to v2 (web-1) will be unsafe: migration 0004 is one-way."
                " Once it has run, restore a backup from before, or go forward."
            ),
        )
    ]
    assert unsafe.bind == [1, ["0004"]]


def test_the_way_back_is_unsafe_at_once_where_an_undone_deploy_left_a_one_way_migration(
    store: Store, target: Target
) -> None:
    failed = live(store, "v3", V3)
    row = live(store, "v2", V2)
    store.releases.mark("test", "web", failed.number, "bad", "its smoke test failed", NOW)
    unsafe = at("0004").way_back(target, row, V3)
    assert unsafe is not None
    assert unsafe.text == (
        "A rollback to v2 (web-2) is unsafe already: migration 0004 is one-way, and v2 does not know it."
        " Restore a backup from before, or go forward."
    )
    assert [fact.key for fact in at("0004").brings(target, "web", V3, let=False)] == ["brings"], "it is not new"


def test_a_live_release_without_a_list_is_suspected_only_because_of_what_is_new(store: Store, target: Target) -> None:
    row = live(store, "v3", None)
    assert at("0004").way_back(target, row, V3) is None, "it runs on all of that now"
    unsafe = at("0004").way_back(target, row, V5)
    assert unsafe is not None
    assert unsafe.text == (
        "A rollback to v3 (web-1) may be unsafe: migration 0006 is one-way, and v3 does not say what it knows."
    )


def test_a_rollback_past_a_one_way_migration_is_refused_with_the_ways_out(store: Store, target: Target) -> None:
    old = live(store, "v2", V2)
    live(store, "v3", V3)
    unsafe = at("0004").back(target, old)
    assert unsafe is not None
    assert told([unsafe]) == [
        (
            "one_way",
            "red",
            (
                "A rollback to v2 (web-1) is unsafe: migration 0004 is one-way, and v2 does not know it."
                " Deploy a release that works on this database, or restore a backup from before and then roll back."
            ),
        )
    ]
    assert unsafe.bind == ["0004"]


def test_the_refusal_names_the_newest_backup_that_helps(store: Store, target: Target) -> None:
    old = live(store, "v2", V2)
    live(store, "v5", V5)
    kept = [
        Kept("new", NOW - timedelta(minutes=5), ("0005",)),
        Kept("strange", NOW - timedelta(hours=1), ("77",)),
        Kept("good", NOW - timedelta(hours=2), ("0003",)),
        Kept("older", NOW - timedelta(hours=3), ("0002",)),
    ]
    unsafe = Schema(lambda _environment: ["0006"], lambda _environment: kept).back(target, old)
    assert unsafe is not None
    assert "migrations 0004 and 0006 are one-way, and v2 does not know them." in unsafe.text
    assert unsafe.text.endswith("or restore good (taken 2 h ago) and then roll back.")


def test_a_bucket_that_is_away_takes_nothing_from_the_refusal(store: Store, target: Target) -> None:
    def gone(_environment: str) -> Sequence[Kept]:
        raise Unavailable("The bucket does not answer.")

    old = live(store, "v2", V2)
    live(store, "v3", V3)
    unsafe = Schema(lambda _environment: ["0004"], gone).back(target, old)
    assert unsafe is not None
    assert unsafe.text.endswith("or restore a backup from before and then roll back.")


def test_after_a_restore_of_an_older_backup_the_way_back_is_open_again(store: Store, target: Target) -> None:
    old = live(store, "v2", V2)
    live(store, "v3", V3)
    assert at("0003").back(target, old) is None


@pytest.mark.parametrize("schema", [AWAY, at(), at("77")])
def test_a_rollback_is_never_refused_because_the_database_does_not_tell(
    store: Store, target: Target, schema: Schema
) -> None:
    older, old = live(store, "v1", V1), live(store, "v2", V2)
    live(store, "v3", V3)
    unsafe = schema.back(target, old)
    assert unsafe is not None
    assert (unsafe.key, unsafe.color) == ("one_way", "amber")
    assert unsafe.text.endswith("this is what the record tells.")
    live(store, "v2", V2)
    assert schema.back(target, older) is None, "nothing that v2 brought is one-way"


def test_a_release_without_a_list_may_come_back_with_a_warning(store: Store, target: Target) -> None:
    old = live(store, "v2", None)
    live(store, "v3", V3)
    unsafe = at("0004").back(target, old)
    assert unsafe is not None
    assert (unsafe.color, unsafe.text) == (
        "amber",
        "A rollback to v2 (web-1) may be unsafe: migration 0004 is one-way, and v2 does not say what it knows.",
    )
    assert at("0003").back(target, old) is None


def test_what_stays_of_a_failed_deploy_is_the_end_of_its_sentence(store: Store, target: Target) -> None:
    assert stays(target, "web", V3) == "", "nothing was live before"
    live(store, "v2", V2)
    assert stays(target, "web", f"{V2} 0004:expand") == ""
    assert stays(target, "web", "") == ""
    assert stays(target, "web", V3) == (
        ", but migration 0004 has run, and v2 (web-1) does not know it: look whether it works"
    )


def test_long_lists_are_named_in_part(store: Store, target: Target) -> None:
    text = " ".join(f"{number:04}:contract" for number in range(1, 20))
    brings, refused = at().brings(target, "web", text, let=False)
    assert brings.text.endswith("0006 (one-way) and 13 more.")
    assert refused.text.startswith("Migrations 0001, 0002, 0003, 0004, 0005, 0006 and 13 more are one-way")
    assert len(refused.bind) == 19
