"""The bot dies at every write of deploy, rollback, backup and restore, before it and after it; another one goes on.

A run ends with the new state or the old one, never between; every effect happens once; nothing stays locked or leased.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mortal import ALICE, BEYOND, Bot, Killed, LeapingClock, Moment, history
from pretend_stack import PLACE, Stack

from opsbot.store import open_store

TO_THE_END = 10_000


@dataclass(frozen=True)
class Scene:
    """A command, the step that fails (none: it goes well), what must be true afterwards, and each effect's count."""

    playbook: str
    params: dict[str, object]
    status: str
    after: Callable[[Stack], bool]
    effects: dict[str, int]
    failing: frozenset[str] = frozenset()
    live: int = 2


def still_v2(stack: Stack) -> bool:
    return stack.serving == 2 and set(stack.colours.values()) <= {1, 2}


def as_before(stack: Stack) -> bool:
    return stack.databases == {"main": "rows of today"} and not stack.unfinished


def restored(stack: Stack) -> bool:
    kept = [content for name, content in stack.databases.items() if name.startswith("old_")]
    return stack.databases["main"] == "rows of yesterday" and kept == ["rows of today"] and len(stack.databases) == 2


DEPLOY = {"tag": "v3", "environment": "staging"}
RESTORE = {"backup": "latest", "environment": "staging"}
SCENES = {
    "deploy": Scene(
        "deploy", DEPLOY, "succeeded", lambda stack: stack.serving == 3, {"start": 1, "migrate": 1, "switch": 1}, live=3
    ),
    "deploy whose migration fails": Scene(
        "deploy", DEPLOY, "failed", still_v2, {"start": 1, "migrate": 1, "remove": 1}, frozenset({"rollout.migrate"})
    ),
    "deploy whose smoke test fails": Scene(
        "deploy", DEPLOY, "undone", still_v2, {"start": 1, "migrate": 1, "remove": 1}, frozenset({"rollout.smoke"})
    ),
    "deploy whose bake fails": Scene(
        "deploy", DEPLOY, "undone", still_v2,
        {"start": 1, "migrate": 1, "switch": 1, "switch back": 1, "remove": 1}, frozenset({"rollout.bake"}),
    ),
    "rollback": Scene(
        "rollback", {"environment": "staging"}, "succeeded", lambda stack: stack.serving == 1, {"switch": 1}, live=1
    ),
    "rollback whose block fails": Scene(
        "rollback", {"environment": "staging"}, "undone", still_v2, {"switch": 1, "switch back": 1},
        frozenset({"release.block"}),
    ),
    "backup": Scene("backup", {"environment": "staging"}, "succeeded", as_before, {"backup take": 1}),
    "backup that cannot be read back": Scene(
        "backup", {"environment": "staging"}, "undone", as_before, {"backup take": 1}, frozenset({"backup.check"})
    ),
    "restore": Scene("restore", RESTORE, "succeeded", restored, {"backup safety": 1, "load": 1, "swap": 1}),
    "restore that differs": Scene(
        "restore", RESTORE, "undone", as_before, {"backup safety": 1, "load": 1, "drop": 1},
        frozenset({"restore.check"}),
    ),
    "restore whose swap fails": Scene(
        "restore", RESTORE, "undone", as_before,
        {"backup safety": 1, "load": 1, "swap": 1, "swap back": 1, "drop": 1}, frozenset({"restore.swap"}),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def beginning(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which v1 served and v2 serves."""
    path = tmp_path_factory.mktemp("matrix") / "beginning.db"
    store = open_store(f"sqlite:///{path}")
    history(store)
    store.close()
    return path


class Play:
    """One scene on a fresh store and a fresh stack, played by as many owners as die."""

    def __init__(self, scene: Scene, beginning: Path, folder: Path) -> None:
        path = folder / "opsbot.db"
        for old in folder.glob("opsbot.db*"):
            old.unlink()
        shutil.copy(beginning, path)
        self.scene, self.url = scene, f"sqlite:///{path}"
        self.stack, self.clock = Stack(failing=scene.failing), LeapingClock()
        first = self.bot("first")
        self.run = first.engine.submit(first.plan(scene.playbook, **scene.params), ALICE, "slack")
        first.close()

    def bot(self, owner: str, kill_at: int = 0, moment: Moment = "before") -> Bot:
        return Bot(self.url, self.stack, self.clock, owner, kill_at, moment)

    def killed(self, owner: str, kill_at: int, moment: Moment) -> bool:
        """Drive with somebody who dies at that write; False = the run ended before it came."""
        bot = self.bot(owner, kill_at, moment)
        try:
            bot.drive_to_the_end(self.run)
        except Killed:
            return True
        finally:
            bot.close()
        return False

    def finish(self) -> None:
        """The next owner: not before the lease has expired, and then to the end."""
        bot = self.bot("next")
        if bot.store.leases.holder(f"run:{self.run}", self.clock.now()) is not None:
            assert bot.engine.due() == [], "a lease of somebody who may be alive"
            self.clock.leapt += BEYOND
        assert bot.store.leases.holder(f"run:{self.run}", self.clock.now()) is None, "free within 30 s"
        status = bot.drive_to_the_end(self.run)
        self.check(bot, status)
        bot.close()

    def check(self, bot: Bot, status: str) -> None:
        scene, stack, store = self.scene, self.stack, bot.store
        assert status == scene.status, bot.engine.view(self.run).outcome
        assert scene.after(stack), f"between old and new: {stack}"
        live = store.releases.live(*PLACE)
        assert live is not None
        assert live.number == scene.live
        assert live.number == stack.serving or scene.playbook in ("backup", "restore"), "the record and the edge differ"
        assert stack.effects() == scene.effects, "an effect happened twice, or not at all"
        assert all(row.ended_at for row in store.journal.rows(self.run))
        assert store.locks.list(self.clock.now()) == []
        assert store.leases.holder(f"run:{self.run}", self.clock.now()) is None
        kinds = [event.kind for event in store.events.after(self.run, 0)]
        assert kinds.count("finished") == 1
        assert store.audit.verify().ok
        assert [row.outcome for row in store.audit.list(what=self.run)] == [status, "queued"]
        assert bot.engine.due() == []


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("name", SCENES)
def test_whatever_write_the_bot_dies_at_the_next_one_ends_it_as_if_nothing_had_been(
    name: str, moment: Moment, beginning: Path, tmp_path: Path
) -> None:
    points = 0
    for kill_at in range(1, TO_THE_END):
        play = Play(SCENES[name], beginning, tmp_path)
        died = play.killed("dying", kill_at, moment)
        try:
            play.finish()
        except AssertionError as error:
            raise AssertionError(f"killed {moment} write {kill_at}: {error}") from error
        if not died:
            break
        points += 1
    assert points >= 8, "the matrix has shrunk"


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(sorted(SCENES)),
    st.lists(st.tuples(st.integers(1, 30), st.sampled_from(["before", "after"])), min_size=2, max_size=5),
)
def test_owners_that_die_one_after_another_do_no_harm_either(
    beginning: Path, tmp_path: Path, name: str, deaths: list[tuple[int, Moment]]
) -> None:
    play = Play(SCENES[name], beginning, tmp_path)
    for number, (kill_at, moment) in enumerate(deaths):
        if not play.killed(f"dying {number}", kill_at, moment):
            break
        play.clock.leapt += BEYOND + timedelta(seconds=1)
    play.finish()
