"""The disk of our own state fills up in the middle of a run."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest
from acting import ALICE, Stage, mark, plan
from sqlalchemy import event

from opsbot.errors import Unavailable
from opsbot.runs.engine import Engine
from opsbot.store import Store


def test_a_disk_that_is_full_in_mid_step_strands_nothing(bot: Engine, store: Store, stage: Stage) -> None:
    pages = 1 << 30

    def limit(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}")  # SQLite answers as on a full disk

    event.listen(store._database._engine, "checkout", limit)
    run = bot.submit(plan(mark("a", after=0.3, deaf=True, size=1_000_000), mark("b")), ALICE, "slack")
    with ThreadPoolExecutor(1) as pool:
        driven = pool.submit(bot.drive, run)
        stage.wait_for("do a")
        pages = 1
        with pytest.raises(Unavailable, match="disk full"):
            driven.result(10)
    pages = 1 << 30
    assert bot.drive(run) == "succeeded"
    assert stage.effects() == ["do a", "do b"]
