"""The disk of our own state really fills up in the middle of a run."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from acting import ALICE, Stage, engine, mark, plan

from opsbot.errors import Unavailable
from opsbot.store import open_store

SIZE = 16 << 20


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    if os.getuid() != 0:
        pytest.skip("needs root to mount a small disk")
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)  # a failed test still has the store open


def fill(disk: Path) -> Path:
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 65536)
    return filler


def test_what_runs_is_finished_new_changes_are_refused_and_queries_answered(disk: Path, stage: Stage) -> None:
    store = open_store(f"sqlite:///{disk}/opsbot.db")
    bot = engine(store, stage)
    steps = [mark("a", after=0.5)] + [mark(f"s{n}") for n in range(20)]
    run = bot.submit(plan(*steps), ALICE, "slack")
    with ThreadPoolExecutor(1) as pool:
        driven = pool.submit(bot.drive, run)
        stage.wait_for("do a")
        filler = fill(disk)
        assert driven.result(30) == "succeeded"
    assert stage.effects() == [f"do {step.id}" for step in steps]
    assert not (disk / "opsbot.db.ballast").exists(), "that is what it was written with"
    with pytest.raises(Unavailable) as refused:
        bot.submit(plan(mark("b")), ALICE, "slack")
    assert refused.value.code == "disk_full"
    assert bot.view(run).status == "succeeded"
    assert len(store.runs.list()) == 1
    filler.unlink()
    assert bot.drive(bot.submit(plan(mark("b")), ALICE, "slack")) == "succeeded"
    assert (disk / "opsbot.db.ballast").exists()
    store.close()
