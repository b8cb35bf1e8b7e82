"""The bot itself is updated in the middle of a deploy: the new one stands by, the old one is told to end, nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from scene import Scene
from test_crash import took_over_once

from opsbot.bot.ending import ENDS_WITHIN
from opsbot.clock import SystemClock
from opsbot.workspace.client import Person


@pytest.fixture
def updated(something_live: Scene) -> Iterator[Scene]:
    """The bot that was started for the test is gone afterwards; another one serves the next test."""
    yield something_live
    something_live.bot.start()


def test_a_deploy_begun_by_the_old_bot_is_ended_by_the_new_one(updated: Scene, alice: Person, tmp_path: Path) -> None:
    tag = updated.new_tag()
    with updated.another(tmp_path) as log:
        run = updated.ask(alice, f"@opsbot deploy {tag} to staging")
        updated.begins(run, "prepare")
        status, seconds = updated.end()
        assert (status, seconds < ENDS_WITHIN) == (0, True), f"{status} after {seconds:.1f} s"
        assert updated.ended(run).status == "succeeded"
        took_over_once(updated, run, f"{tag} is live in staging")
        assert len(_owners(updated, run)) == 2
        assert "action=serve.started" in log.read_text()
    assert updated.answers() == str(updated.live().number)
    assert updated.live().run == run


def test_a_bot_that_is_told_to_end_comes_to_the_next_step_border_first(updated: Scene, alice: Person) -> None:
    tag = updated.new_tag()
    run = updated.ask(alice, f"@opsbot deploy {tag} to staging")
    updated.ends(run, "prepare")
    updated.begins(run, "migrate")
    status, seconds = updated.end()
    assert (status, seconds < ENDS_WITHIN) == (0, True), f"{status} after {seconds:.1f} s"
    left = updated.journal(run)
    assert [row.ended_at is None for row in left].count(True) == 0, "it left no step half done"
    assert updated.run(run).status == "running"
    assert updated.store.leases.holder(f"run:{run}", SystemClock().now()) is None, "and gave its lease back"
    updated.bot.start()
    assert updated.ended(run).status == "succeeded"
    took_over_once(updated, run, f"{tag} is live in staging")
    assert {row.attempt for row in updated.journal(run) if row.step != "bake"} == {1}, "no step was begun twice"


def _owners(scene: Scene, run: str) -> set[str]:
    """The programs that drove the run; each turn's owner is the program's own name and a number."""
    return {row.owner.partition("#")[0] for row in scene.journal(run)}
