"""A release with a one-way migration on the real parts: what the plans say, what is refused, and that the database decides."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import Parts
from driver import drive
from one_run import Run
from runtime_settings import settings_of

from opsbot.bot.compose import Bot, build
from opsbot.commands.reply import Reply
from opsbot.commands.request import Actor, Request
from opsbot.config.settings import Config
from opsbot.demo import images, s3, stack
from opsbot.demo.state import CHECKOUT, State
from opsbot.postgres.connect import session
from opsbot.runtime.migrations import LABEL
from opsbot.runtime.progress import RolloutFailed
from opsbot.steps.rollout_trial import Migrate, OfMigration

pytestmark = [pytest.mark.engine, pytest.mark.long]  # a backup and a restore on a stack of its own

STACK = f"{os.environ.get('OPSBOT_TEST_PREFIX', 'optest')}-oneway"
REPOSITORY = "one-way-minitwit"
PATCH = Path(__file__).with_name("one_way.patch")  # adds 0003, of the kind contract
ALICE = Actor("person", "U01ALICE", "alice")
MIGRATE = {"argv": ["python", "-m", "minitwit.migrate"], "one_way_argv": ["--allow", "contract"]}
MINUTES = 2


@pytest.fixture(scope="module")
def built(parts: Parts) -> str:
    """v1 is MiniTwit as it is, v2 has one more migration; the repository of both."""
    builder = images.Builder(State.default(), parts.engine, parts.registry, parts.images.base, print)
    plain = images.web("v1")
    for tag, patch in (("v1", None), ("v2", PATCH)):
        builder.ensure(images.Recipe(REPOSITORY, tag, plain.source, plain.only, patch, lists=plain.lists))
    return f"{parts.registry.address}/{REPOSITORY}"


@pytest.fixture(scope="module")
def settings(parts: Parts, built: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A stack with a database and an edge, and what opsbot.yml would say of it."""
    state = State.default()
    bucket = s3.ensure(state, print)
    s3.ensure_bucket(state, STACK)
    stack.remove(parts.engine, STACK)
    stack.ensure(state, parts.engine, parts.images, STACK, 0, print)
    found = settings_of(parts, STACK, image=built, replicas=1, bake="1s", migrate=MIGRATE)
    password = state.secret("postgres_password")
    yield found | {
        "team": {"roles": {"admin": [ALICE.id]}},
        "databases": {"main": {"service": "db", "name": "minitwit", "password": password}},
        "storage": {"endpoint": bucket.endpoint, "bucket": STACK, "key": bucket.key, "secret": bucket.secret},
        "store": f"sqlite:///{tmp_path_factory.mktemp('oneway') / 'opsbot.db'}",
        "playbooks": CHECKOUT / "playbooks",
    }
    stack.remove(parts.engine, STACK)
    s3.delete_bucket(state, STACK)


@pytest.fixture(scope="module")
def bot(settings: dict[str, Any]) -> Iterator[Bot]:
    bot = build(Config.model_validate(settings))
    yield bot
    bot.close()


def say(bot: Bot, *words: str) -> Reply:
    return bot.front.handle(Request(ALICE, "terminal", argv=words))


def done(bot: Bot, *words: str) -> str:
    """Say it and see it to its end: the status and the sentence."""
    run = say(bot, *words).run or ""
    status = drive(bot, run, MINUTES * 60)
    row = bot.store.runs.get(run)
    return f"{status}: {row.outcome if row else ''}"


def facts(reply: Reply) -> dict[str, tuple[str, str]]:
    """Key → colour and sentence of what a reply's plan found."""
    plan = reply.json.get("plan", reply.json)
    return {fact["key"]: (fact["color"], fact["text"]) for _, fact in plan["facts"]}


@dataclass(frozen=True)
class Story:
    """What was said and done: v1 went live, v2 was refused, let through, and went live."""

    first: Reply
    refused: Reply
    failed: dict[str, object]
    let: Reply
    ended: tuple[str, str, str]


@pytest.fixture(scope="module")
def story(bot: Bot) -> Story:
    first = say(bot, "deploy", "v1", "test", "--plan")
    before = done(bot, "deploy", "v1", "test", "--smoke", "no")
    saved = done(bot, "backup", "main", "test")
    refused = say(bot, "deploy", "v2", "test")
    image = bot.targets.get("test").resolve("web", "v2")
    of = OfMigration(environment="test", service="web", image=image.image, migrations=image.labels[LABEL])
    with pytest.raises(RolloutFailed) as failed:
        Migrate(bot.targets).run(Run(), of)  # as if nobody had looked at the plan
    let = say(bot, "deploy", "v2", "test", "--one-way", "yes", "--plan")
    after = done(bot, "deploy", "v2", "test", "--smoke", "no", "--one-way", "yes")
    return Story(first, refused, failed.value.as_json(), let, (before, saved, after))


def test_a_plan_says_which_migrations_an_image_brings_and_what_one_way_means(story: Story) -> None:
    assert facts(story.first)["brings"] == ("green", "Brings migrations 0001 (adds only), 0002 (adds only).")
    assert story.refused.code == "one_way"
    assert story.refused.text.startswith("Migration 0003 is one-way: once it has run, no earlier release may come back")
    told = facts(story.let)
    assert told["brings"] == ("green", "Brings migration 0003 (one-way).")
    assert told["one_way"][0] == "amber"
    assert told["one_way"][1].endswith("It is run with --allow contract for that.")
    assert told["way_back"][0] == "amber"
    assert "A rollback to v1 (web-1) will be unsafe: migration 0003 is one-way." in told["way_back"][1]
    assert [told.partition(":")[0] for told in story.ended] == ["succeeded"] * 3


def test_the_program_s_own_refusal_is_told_in_words(story: Story) -> None:
    assert str(story.failed["what"]).startswith("The migration failed: migration 0003 (a note on the messages")
    assert story.failed["details"] == "Exit code 1."


def test_the_record_keeps_what_each_release_knows(story: Story, bot: Bot) -> None:
    rows = bot.store.releases.list("test", "web")
    assert [(row.tag, row.schema) for row in rows] == [
        ("v2", "0001:expand 0002:expand 0003:contract"),
        ("v1", "0001:expand 0002:expand"),
    ]


def test_a_rollback_past_it_is_refused_and_so_is_the_old_image(story: Story, bot: Bot) -> None:
    refused = say(bot, "rollback", "test")
    assert (refused.code, refused.run) == ("one_way", None)
    assert refused.text.startswith(
        "A rollback to v1 (web-1) is unsafe: migration 0003 is one-way, and v1 does not know it."
    )
    (backup,) = bot.reach.backups("test", "main")
    assert f"or restore {backup.id} (taken " in refused.text
    again = say(bot, "deploy", "v1", "test")
    assert again.code == "one_way"
    assert "This image does not know migration 0003, which this database has had" in again.text


def test_a_database_that_hangs_makes_a_rollback_neither_slow_nor_red(story: Story, bot: Bot) -> None:
    database = bot.reach.database("test", "main")
    with session(database.server, database.name) as one, one.transaction():
        one.rows("LOCK TABLE public.alembic_version IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        plan = say(bot, "rollback", "test", "--plan")
        took = time.monotonic() - began
    assert facts(plan)["one_way"] == (
        "amber",
        (
            "A rollback to v1 (web-1) is unsafe: migration 0003 is one-way, and v1 does not know it."
            " The database could not be asked: this is what the record tells."
        ),
    )
    assert took < 4


def test_after_the_restore_of_an_older_backup_the_rollback_is_possible_again(story: Story, bot: Bot) -> None:
    assert done(bot, "restore", "latest", "main", "test").startswith("succeeded")
    assert done(bot, "rollback", "test") == "succeeded: v1 is live again in test."
