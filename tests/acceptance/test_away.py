"""The bot was away when a backup was due, and comes back into a freeze window: with real parts, from opsbot.yml to the chat."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from scene import Scene, until

from opsbot.demo.state import free_port
from opsbot.runtime.release import previous_good
from opsbot.workspace.client import Person, spoken

pytestmark = pytest.mark.long
TEAMS = ZoneInfo("Europe/Copenhagen")  # as opsbot.yml has it
MISSED = "missed-while-away"


@contextmanager
def served(scene: Scene, config: Path, log: Path) -> Iterator[None]:
    """While `serve` runs with these settings."""
    env = {**os.environ, **scene.bot.environment, "OPSBOT_LISTEN": f"127.0.0.1:{free_port(set())}"}
    argv = scene.bot.argv("serve", config=config)
    with log.open("wb") as sink, subprocess.Popen(argv, env=env, stdout=sink, stderr=sink) as bot:
        try:
            until(lambda: "action=slack.connected" in log.read_text(), 30, "it did not connect")
            yield
        finally:
            bot.send_signal(signal.SIGTERM)
        assert bot.wait(30) == 0


def test_a_missed_backup_is_taken_and_in_a_freeze_only_the_way_back_is_open(
    something_live: Scene, alone: Scene, alice: Person, tmp_path: Path
) -> None:
    scene, then = alone, datetime.now(TEAMS) - timedelta(minutes=20)
    if previous_good(scene.store.releases.list("staging", "web", 50), scene.live().number) is None:
        assert scene.terminal("deploy", scene.new_tag(), "to", "staging").returncode == 0
    live, tag = scene.live(), scene.new_tag()
    cron = f'"{then.minute} {then.hour} * * *"'
    window = f"freezes:\n  exams: {{cron: {cron}, length: 2h, environments: [staging], reason: students write}}\n"
    once = f"  {MISSED}: {{do: backup main on staging, cron: {cron}, catch_up: 1h}}\n"
    config = scene.settings(tmp_path, ("schedules:\n", f"{window}schedules:\n{once}"))
    scene.store.settings.put(f"known:schedule:{MISSED}", (then - timedelta(hours=2)).isoformat())
    stored = set(scene.bucket.keys(""))

    with served(scene, config, tmp_path / "first.log"):
        made_up = _scheduled(scene, 1)
        assert scene.ended(made_up).status == "succeeded"
        assert set(scene.bucket.keys("")) > stored, "it is in the bucket"

        refused = spoken(scene.reply(alice, f"@opsbot deploy {tag} to staging", lambda text: "exams" in text))
        assert "students write, until" in refused
        assert "Rollback passes." in refused
        back = scene.ask(alice, "@opsbot rollback staging")
        assert scene.ended(back).status == "succeeded"
        assert scene.live().number < live.number
        assert scene.answers() == str(scene.live().number)
    with served(scene, config, tmp_path / "second.log"):
        scene.reply(alice, "@opsbot runs", lambda text: back in text)
        assert _scheduled(scene, 1) == made_up, "what was made up for is not missed any more"
    outcomes = [row.outcome for row in scene.store.audit.list(50, what="deploy") if row.body.get("run") is None]
    assert outcomes[0] == "frozen"


def _scheduled(scene: Scene, count: int) -> str:
    """The newest run of the schedule, once there are so many."""

    def runs() -> list[str]:
        return [run.id for run in scene.store.runs.list(50) if run.actor["id"] == f"schedule:{MISSED}"]

    until(lambda: len(runs()) == count, 30, "the schedule did not fire")
    return runs()[0]
