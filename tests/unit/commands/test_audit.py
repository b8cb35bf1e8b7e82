"""`audit --what TARGET`: everything that was done to a target is found by it, and everything that was refused as well."""

from __future__ import annotations

import sqlite3

import pytest
from pretend_world import ALICE, BOB, CAROL, EVE, World, shown

from opsbot.commands import subject
from opsbot.commands.request import ChangeRequest, Note, Query
from opsbot.errors import StepFailed


def found(world: World, what: str) -> list[tuple[str, str]]:
    """What the record has under that word, oldest first: command and outcome."""
    rows = world.type("audit", "--what", what, "--json").json
    return [(row["what"], row["outcome"]) for row in reversed(rows)]


def test_a_deploy_is_found_by_each_of_its_targets(world: World) -> None:
    run = world.say("deploy v2 to production", CAROL).run or ""
    deploy = [("deploy", "awaiting_approval")]

    for what in ("production/web", "production/schema", "production", "web", "Production/Web", run, "deploy"):
        assert found(world, what) == deploy, what
    for what in ("production/api", "staging", "production/we", "prod"):
        assert found(world, what) == [], what


def test_a_refusal_is_found_by_the_target_that_it_was_about(world: World) -> None:
    world.failing["rollout.bake"] = StepFailed("It answers 500.")
    world.say("deploy v2 to production", EVE)
    world.say("deploy v2 to staging", EVE)
    world.say("lock production/web mine", EVE)
    world.say("freeze production because", CAROL)
    world.say("unblock web-1 production", EVE)

    assert found(world, "production/web") == [
        ("deploy", "not_allowed"),
        ("lock", "not_allowed"),
        ("unblock", "not_allowed"),
    ]
    assert ("freeze", "not_allowed") in found(world, "production")
    assert found(world, "staging/web") == [("deploy", "not_allowed")]


def test_a_change_that_its_facts_or_a_lock_forbid_is_found_by_its_target(world: World) -> None:
    world.red["image.resolve"] = StepFailed("There is no such tag.", code="unknown_tag")
    world.say("deploy v9 to staging", CAROL)
    world.red.clear()
    world.say("lock staging for 2h surgery", CAROL)
    world.say("deploy v2 to staging", ALICE)

    assert found(world, "staging/web") == [("deploy", "unknown_tag"), ("deploy", "locked")]
    assert found(world, "staging") == [("deploy", "unknown_tag"), ("lock", "ok"), ("deploy", "locked")]


def test_a_word_on_a_run_that_was_refused_is_found_by_the_run_and_by_its_target(world: World) -> None:
    run = world.say("deploy v2 to production", BOB).run or ""
    world.say(f"approve {run}", BOB)
    world.say(f"cancel {run}", EVE)

    refused = [("approve", "own_plan"), ("cancel", "not_allowed")]
    assert found(world, run)[1:] == refused
    assert found(world, "production/web")[1:] == refused


def test_the_record_shows_the_target_and_the_words_that_were_refused(world: World) -> None:
    world.say("deploy v2 to staging", EVE)

    told = shown(world.say("audit"))

    assert "! eve: deploy staging/schema, staging/web" in told
    assert "not allowed. Your role is viewer, and viewers may not deploy in staging. Asked: deploy --tag v2" in told


@pytest.mark.parametrize(
    ("command", "target"),
    [
        (ChangeRequest("rollback", {"environment": "staging", "to": None, "from": None, "service": "web"}), "staging/web"),
        (ChangeRequest("upgrade", {"tag": "v2", "migrate": False}), "opsbot"),
        (Note("unblock", {"release": "web-2", "environment": "staging", "service": "web"}), "staging/web"),
        (Note("freeze", {"target": "all", "for": "2h", "reason": "the fair"}), "all"),
        (Note("ack", {"alert": 3}), "3"),
        (Query("logs", {"environment": "staging", "part": None}), "staging"),
        (Query("status", {}), None),
    ],
)  # fmt: skip
def test_a_subject_is_a_target_or_the_place_that_is_named(world: World, command: Note, target: str | None) -> None:
    assert subject.of(command, world.playbooks, lambda _word: None).target == target


@pytest.mark.parametrize(
    "words", ["unblock web-1 on staging", "freeze production the fair", "unfreeze staging", "unlock staging"]
)
def test_a_note_that_the_record_cannot_keep_is_not_done(world: World, words: str) -> None:
    world.release("v1", state="bad")
    for kind in ("freeze", "lock"):
        world.say(f"{kind} staging because of the fair", BOB)
    held = world.store.holds.list(world.clock.now())
    with sqlite3.connect(world.tmp / "state.db") as state:
        state.execute("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no row fits'); END")
    state.close()

    reply = world.say(words, BOB)

    assert not reply.ok
    assert world.store.holds.list(world.clock.now()) == held
    assert [row.state for row in world.store.releases.list("staging", "web")] == ["bad"]


def test_what_was_unblocked_is_in_the_record_with_its_release_and_why_it_was_blocked(world: World) -> None:
    world.release("v1")
    world.store.releases.mark("staging", "web", 1, "bad", "left by the rollback r7", world.clock.now())

    assert world.say("unblock web-1 on staging", BOB).ok

    (row,) = world.store.audit.list()
    assert (row.what, row.target, row.outcome) == ("unblock", "staging/web", "ok")
    assert row.body == {"release": "web-1", "tag": "v1", "was": "left by the rollback r7"}
    assert [row.what for row in world.store.audit.list(what="staging/web")] == ["unblock"]
