"""A freeze window as it stands in opsbot.yml: refused through every door while it is open, and the way back passes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pretend_world import ALICE, BOB, CAROL, CONFIG, SCHEDULE, World, shown

from opsbot import schedule
from opsbot.commands.request import Actor, Request

WINDOW = """\
freezes:
  exams: {cron: "0 22 * * *", length: 10h, timezone: Europe/Copenhagen, environments: [production], reason: students write}
"""
BEFORE, NIGHT = (datetime(2027, 3, 27, hour, 30, tzinfo=UTC) for hour in (20, 21))  # this night the clocks are changed
OVER = datetime(2027, 3, 28, 7, tzinfo=UTC)  # ten hours that pass after 22:00: 09:00 there, an hour later by the clock
CI = Actor("ci", "ci:ci", "CI")


class Windows(dict[str | None, str]):
    """What the settings say of the world's own moment."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def get(self, environment: str | None, default: str | None = None) -> str | None:  # type: ignore[override]  # str only
        return schedule.frozen(self._world.config, environment, self._world.clock.now()) or default


def at(world: World, moment: datetime) -> None:
    """The world's clock stands there."""
    world.clock.now = lambda: moment  # type: ignore[method-assign]  # whenever this test runs


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, config_text=CONFIG + WINDOW)
    made.frozen = Windows(made)
    made.release("v1", "production")
    made.release("v2", "production")
    yield made
    made.store.close()


def test_a_window_of_the_settings_stops_changes_and_lets_the_way_back_pass(world: World) -> None:
    at(world, BEFORE.replace(minute=45))
    before = world.say("deploy v3 to production", CAROL).run or ""
    at(world, NIGHT)

    refused = world.say("deploy v3 to production", CAROL)
    assert (refused.code, refused.exit_code) == ("frozen", 3)
    assert "exams: students write, until Sunday 09:00 CEST." in refused.text
    assert "Rollback passes." in refused.text
    assert world.type("deploy", "v3", "--env", "production", actor=ALICE).code == "frozen"
    for door, actor in (("schedule", SCHEDULE), ("web", CI)):
        assert world.front.handle(Request(actor, door, text="deploy v3 to production")).code == "frozen"  # type: ignore[arg-type]  # two of the doors
    assert world.say(f"approve {before}", BOB).code == "frozen"
    assert [row.outcome for row in world.store.audit.list(5)] == ["frozen"] * 5
    assert "exams: students write" in shown(world.say("locks"))
    assert world.say("deploy v3 to staging", CAROL).ok, "it is about production"

    assert world.drive(world.say("rollback production", CAROL).run or "") == "succeeded"
    assert world.drive(world.say("backup main on production", CAROL).run or "") == "succeeded"

    at(world, OVER)
    assert world.say("deploy v3 to production", CAROL).ok


def test_a_plan_that_was_approved_before_the_window_does_not_begin_in_it(world: World) -> None:
    at(world, BEFORE.replace(minute=59))
    run = world.say("deploy v3 to production", CAROL).run or ""
    assert world.say(f"approve {run}", BOB).ok
    at(world, world.clock.now() + timedelta(minutes=2))

    assert world.drive(run) == "rejected"

    row = world.store.audit.list(1)[0]
    assert (row.outcome, "exams: students write" in str(row.body["outcome"])) == ("frozen", True)
