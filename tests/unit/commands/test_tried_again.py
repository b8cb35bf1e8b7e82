"""What the shipped playbooks try again because it may pass, what they do not, and what they take for hanging."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pretend_world import World

from opsbot.errors import Unavailable

BACKUP, RESTORE = "backup staging", "restore latest on staging"


def away_for_a_moment(world: World, step: str) -> None:
    """The step's part does not answer at its first try."""
    works, errors = world.steps[step].run, [Unavailable("The bucket does not answer.", "Try again.")]

    def moody(ctx: Any, args: Any) -> Any:
        if errors:
            raise errors.pop()
        return works(ctx, args)

    object.__setattr__(world.steps[step], "run", moody)
    object.__setattr__(world.engine, "_pace", replace(world.engine._pace, backoff=0.01))


@pytest.mark.parametrize(
    ("words", "step", "ends"),
    [
        (BACKUP, "backup.take", "succeeded"),
        (BACKUP, "backup.check", "succeeded"),
        (RESTORE, "backup.choose", "succeeded"),
        (RESTORE, "backup.take", "succeeded"),
        (RESTORE, "restore.load", "succeeded"),
        (RESTORE, "restore.check", "succeeded"),
        (RESTORE, "restore.swap", "undone"),
    ],
)
def test_a_part_that_is_away_for_a_moment_ends_only_what_must_not_be_done_twice(
    world: World, words: str, step: str, ends: str
) -> None:
    away_for_a_moment(world, step)
    run = world.say(words).run or ""

    assert world.drive(run) == ends

    said = any("Trying again." in line for line in world.engine.view(run).said)
    assert said == (ends == "succeeded")


@pytest.mark.parametrize(("words", "silent"), [(BACKUP, {"take", "check"}), (RESTORE, {"safety", "load"})])
def test_a_copy_whose_bytes_stop_flowing_is_taken_for_hanging_long_before_its_time_is_over(
    world: World, words: str, silent: set[str]
) -> None:
    row = world.store.runs.get(world.say(words).run or "")
    assert row is not None

    quiet = {step["id"]: step["quiet"] for step in row.plan["steps"] if step["quiet"]}

    assert set(quiet) == silent
    assert all(quiet[step["id"]] <= step["timeout"] / 4 for step in row.plan["steps"] if step["id"] in quiet)
