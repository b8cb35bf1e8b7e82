"""What a real `serve` says in chat when it must not change anything, and what it makes up for after it was away."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from house import House, Trickle, told_to_end, until, write_playbook

from opsbot.bot.ending import ENDS_WITHIN
from opsbot.store.rows import RunRow
from opsbot.workspace.client import Person, spoken

SIZE = 16 << 20
MISSED = """\
team: {{roles: {{operator: [U01ALICE]}}, timezone: UTC}}
store: sqlite:///opsbot.db
environments: {{staging: {{stack: s}}, production: {{stack: p}}}}
schedules:
  missed: {{do: back staging, cron: "{minute} {hour} * * *", catch_up: 1h}}
  too-late: {{do: back production, cron: "{minute} {hour} * * *", catch_up: 5m}}
freezes:
  exams: {{cron: "{minute} {hour} * * *", length: 2h, environments: [staging], reason: nobody is here to mend it}}
"""
PLAYBOOK = """\
about: Say something about a place
params: {environment: {type: environment, required: true}}
risk: low
lock: "{{ params.environment }}"
passes_freeze: %s
steps:
  - {id: tell, name: Say it, do: announce, with: {text: "It was done."}}
"""


def reply(person: Person, text: str, words: str) -> str:
    """What the bot says to them after they said that, once it says these words."""
    said = person.say("#ops", text)
    return spoken(person.wait_for("#ops", lambda message: message["ts"] > said and words in spoken(message), 20))


def settled(house: House, statuses: set[str], count: int) -> list[RunRow]:
    """The runs, newest first, once there are so many and all of them stand so."""
    store = house.store()
    try:
        until(
            lambda: len(rows := store.runs.list()) == count and {row.status for row in rows} <= statuses,
            30,
            "the runs did not come to that",
        )
        return store.runs.list()
    finally:
        store.close()


def outcomes(house: House) -> list[str]:
    store = house.store()
    try:
        assert store.audit.verify().ok
        return [row.outcome for row in store.audit.list(100)]
    finally:
        store.close()


@pytest.fixture
def disk(tmp_path: Path, house: House) -> Iterator[Path]:
    """A small one, on which the state of the bot lies."""
    if os.getuid() != 0:
        pytest.skip("needs root to mount a small disk")
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", folder], check=True)
    house.state, settings = folder, house.folder / "opsbot.yml"
    settings.write_text(settings.read_text().replace("sqlite:///opsbot.db", f"sqlite:///{folder}/opsbot.db"))
    yield folder
    for each in house.started:
        each.kill()
        each.wait()
    subprocess.run(["umount", "--lazy", folder], check=True)


def fill(disk: Path) -> Path:
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 65536)
    return filler


def test_while_the_disk_is_full_the_bot_answers_refuses_changes_and_ends_what_runs(
    house: House, trickle: Trickle, disk: Path
) -> None:
    house.serve()
    house.workspace.wait_for_links(timeout=30)
    alice = Person("U01ALICE", house.workspace.url)
    alice.say("#ops", "@opsbot hang")
    assert trickle.asked.wait(20)

    filler = fill(disk)
    assert "running" in reply(alice, "@opsbot runs", "hang")
    assert "The bot's own state cannot be written: disk full." in reply(alice, "@opsbot hang", "disk full")
    assert "no new change begins; what runs is finished" in reply(alice, "@opsbot hang", "disk full")
    assert "running" in reply(alice, "@opsbot runs", "hang")
    trickle.hurry.set()
    alice.wait_for("#ops", lambda message: "hang: done" in spoken(message), 20)
    assert not (disk / "opsbot.db.ballast").exists(), "that is what it was ended with"

    filler.unlink()
    reply(alice, "@opsbot hang", "hang: done")
    (_, _) = settled(house, {"succeeded"}, 2)
    assert outcomes(house).count("disk_full") == 2
    assert told_to_end(house.started[0], 15) < ENDS_WITHIN


def test_what_was_missed_is_made_up_for_once_and_a_freeze_of_the_settings_stops_all_but_the_way_back(
    house: House,
) -> None:
    now = datetime.now(UTC)
    then = now - timedelta(minutes=20)
    for name, passes in (("change", "false"), ("back", "true")):
        write_playbook(house.folder / "playbooks", name, PLAYBOOK % passes)
    (house.folder / "opsbot.yml").write_text(MISSED.format(minute=then.minute, hour=then.hour))
    store = house.store()
    for name in ("missed", "too-late"):  # both were known before the bot was away
        store.settings.put(f"known:schedule:{name}", (now - timedelta(hours=3)).isoformat())
    store.close()

    house.serve()
    house.workspace.wait_for_links(timeout=30)
    (made_up,) = settled(house, {"succeeded"}, 1)
    assert (made_up.playbook, made_up.door, made_up.actor["id"]) == ("back", "schedule", "schedule:missed")

    alice = Person("U01ALICE", house.workspace.url)
    refused = reply(alice, "@opsbot change staging", "exams")
    assert "exams: nobody is here to mend it, until" in refused
    assert "Rollback passes." in refused
    reply(alice, "@opsbot back staging", "done")
    reply(alice, "@opsbot change production", "done")
    assert told_to_end(house.started[0], 15) < ENDS_WITHIN

    house.serve()
    until(house.newest_says("action=slack.ready"), 30, "it did not start again")
    reply(alice, "@opsbot back production", "done")
    runs = settled(house, {"succeeded"}, 4)
    assert [run.door for run in runs].count("schedule") == 1, "what was made up for is not missed any more"
    assert outcomes(house).count("frozen") == 1
    assert told_to_end(house.started[1], 15) < ENDS_WITHIN


def test_a_bot_does_not_serve_while_a_playbook_has_no_rehearsal(house: House) -> None:
    (house.folder / "playbooks" / "rehearsals" / "hang.yml").unlink()

    assert house.serve().wait(30) == 2
    assert "The playbook hang.yml has no rehearsal. Write rehearsals/hang.yml: every way it can go" in house.log(0)
