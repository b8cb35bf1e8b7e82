"""A secret that is also a word of ours is blanked in sentences; who did what, to what, and what steps left stays as it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pretend_world import BOB, CONFIG, SCHEDULE, World

from opsbot.commands.request import Actor, Request
from opsbot.config.secrets import know
from opsbot.errors import StepFailed
from opsbot.log import Secret, redactor
from opsbot.store.seen import Claim

WORDS = ("deployer", "backup", "release", "database", "staging", "production", "web")
DEPLOYER = Actor("person", "terminal:deployer", "deployer")
SETTINGS = CONFIG.replace("operator: [", 'approver: ["terminal:deployer", U02BOB], operator: [').replace(
    "approver: [U02BOB], ", ""
)
LEFT = {"address": "http://staging_web_green:8000", "release": 7}


@pytest.fixture
def worlds(tmp_path: Path) -> Iterator[list[World]]:
    made: list[World] = []
    for name in ("without", "with"):
        (tmp_path / name).mkdir()
        made.append(World(tmp_path / name, SETTINGS))
    yield made
    for world in made:
        world.store.close()


def tell(world: World, secret: str) -> None:
    know(world.config.model_validate({"databases": {"other": {"name": "o", "password": secret}}}))
    know(world.config.model_copy(update={"ci": world.config.model_validate({"ci": {"token": secret}}).ci}))


def a_day(world: World) -> dict[str, Any]:
    """A deploy and a backup, and what is kept of them; nothing of it may depend on a secret."""
    world.outputs["rollout.prepare"] |= LEFT
    world.outputs["backup.take"] = {"backup": "production-main-backup-1"}
    deployed = world.type("deploy", "v2", "to", "staging", actor=DEPLOYER).run or ""
    saved = world.front.handle(Request(SCHEDULE, "schedule", text="backup main on production")).run or ""
    ends = [world.drive(deployed), world.drive(saved)]
    by = world.store.runs.newest_by("schedule", SCHEDULE.id)
    return {
        "ends": ends,
        "asked": [(phase, step, str(args)) for phase, step, args in world.asked],
        "left": [(row.step, row.outcome, row.outputs) for run in (deployed, saved) for row in world.store.journal.rows(run)],
        "told": [(event.kind, event.body.get("step")) for event in world.store.events.after(deployed, 0)],
        "schedule": by is not None and by.id == saved,
        "targets": [(row.actor["id"], row.target) for row in world.store.audit.list(50)],
    }  # fmt: skip


@pytest.mark.parametrize("secret", WORDS)
def test_a_deploy_and_a_backup_go_as_without_it(secret: str, worlds: list[World]) -> None:
    before = a_day(worlds[0])
    assert (before["ends"], before["schedule"]) == (["succeeded", "succeeded"], True)
    tell(worlds[1], secret)
    assert a_day(worlds[1]) == before
    assert worlds[1].store.audit.verify().ok


@pytest.mark.parametrize("secret", WORDS)
def test_nobody_approves_their_own_plan(secret: str, worlds: list[World]) -> None:
    world = worlds[1]
    tell(world, secret)
    run = world.type("deploy", "v2", "to", "production", actor=DEPLOYER).run or ""
    assert world.type("approve", run, actor=DEPLOYER).code == "own_plan"
    assert world.type("approve", run, actor=BOB).ok


def test_a_schedule_whose_name_it_is_is_not_due_again(worlds: list[World]) -> None:
    tell(worlds[1], "nightly")
    assert a_day(worlds[1])["schedule"]


def test_in_a_sentence_it_is_blanked_all_the_same(worlds: list[World]) -> None:
    world = worlds[1]
    tell(world, "staging")
    world.failing["rollout.bake"] = StepFailed("The password staging was refused.")
    run = world.type("deploy", "v2", "to", "staging", actor=DEPLOYER).run or ""
    assert world.drive(run) == "undone"
    errors = [row.error for row in world.store.journal.rows(run) if row.error]
    assert [error["what"] for error in errors] == ["The password [REDACTED] was refused."]


def test_words_that_were_heard_keep_who_works_on_them(worlds: list[World]) -> None:
    store, claim = worlds[1].store, Claim("slack:1", "backup-host:12:ab.34.cd")
    tell(worlds[1], "backup")
    redactor.add("backup-host")
    now = worlds[1].clock.now()
    assert store.seen.claim(claim, now) is None
    store.seen.end(claim, "ok")
    known = store.seen.claim(claim, now)
    assert known is not None
    assert (known.owner, known.outcome) == (claim.owner, "ok")


def test_what_an_undo_starts_again_is_as_it_was_and_is_shown_to_nobody(worlds: list[World]) -> None:
    world, spec = worlds[1], {"web": {"Env": ["PASSWORD=only-for-the-web"]}}
    Secret("only-for-the-web")
    world.outputs["stack.compare"] = {"previous": spec, "services": "web", "count": 1}
    world.failing["stack.apply"] = StepFailed("No.")
    run = world.type("stack", "apply", "--env", "staging").run or ""
    assert world.drive(run) == "undone"
    assert [args.previous for phase, step, args in world.asked if step == "stack.apply"][-1] == spec
    assert "only-for-the-web" not in str([event.body for event in world.store.events.after(run, 0)])
