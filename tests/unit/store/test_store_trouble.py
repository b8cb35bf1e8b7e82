"""A store that cannot be read or written says why, in words, and writes nothing by half."""

from __future__ import annotations

import os
import socket
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.exc import StatementError

from opsbot.errors import ConfigError, OpsError, Unavailable
from opsbot.store import Store, database, open_store

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_a_folder_that_does_not_exist_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as trouble:
        open_store(f"sqlite:///{tmp_path}/nowhere/opsbot.db")
    assert trouble.value.what == "The bot's own state cannot be written: the file cannot be opened."
    assert trouble.value.again


def test_a_full_disk_is_said_so(store: Store) -> None:
    def shrink(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # SQLite answers as on a full disk

    event.listen(store._database._engine, "checkout", shrink)
    with pytest.raises(Unavailable) as trouble:
        store.settings.put("key", "x" * 1_000_000)
    assert trouble.value.sentence() == (
        "The bot's own state cannot be written: disk full. Free some space; runs go on by themselves after that."
    )


def test_a_stuck_process_is_said_so(store: Store, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    blocker = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    waiting = database.Database(url)
    with pytest.raises(Unavailable, match="another process holds it"), waiting.write():
        pass
    with waiting.read():
        pass  # readers do not wait for a writer
    blocker.execute("ROLLBACK")
    with waiting.write():
        pass
    blocker.close()
    waiting.close()


def test_a_file_that_is_no_database_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "opsbot.db").write_text("hello " * 500)
    with pytest.raises(Unavailable, match="file is not a database"):
        open_store(f"sqlite:///{tmp_path}/opsbot.db")


def test_postgres_that_does_not_answer_is_said_so_without_its_password() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(Unavailable) as trouble:
        open_store(f"postgresql+psycopg2://opsbot:hunter2-secret@127.0.0.1:{port}/opsbot")
    assert "Connection refused" in trouble.value.what
    assert "hunter2-secret" not in trouble.value.sentence()


@pytest.mark.parametrize("url", ["opsbot.db", "mysql://localhost/opsbot", "mongodb://x"])
def test_a_url_that_names_no_store_of_ours_is_a_config_error(url: str) -> None:
    with pytest.raises(OpsError) as trouble:
        open_store(url)
    assert isinstance(trouble.value, ConfigError)
    assert "sqlite:///opsbot.db" in trouble.value.fix


def test_a_transaction_that_fails_half_way_leaves_nothing(store: Store) -> None:
    plan = {"playbook": "deploy", "title": "t", "environment": None, "lock": None, "fingerprint": "f"}
    with pytest.raises(StatementError, match="set cannot be stored as JSON"):
        store.runs.add("r1", plan, {}, "slack", "queued", None, None, NOW, events=[("say", {"x": {1}})])
    assert store.runs.get("r1") is None


def test_every_write_is_on_the_disk_when_it_returns(url: str) -> None:
    opened = database.Database(url)
    with opened.read() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    opened.close()
    assert os.path.exists(url.removeprefix("sqlite:///"))
