"""In the terminal people have names as well."""

from __future__ import annotations

from pathlib import Path

from opsbot.bot import names
from opsbot.config.settings import Config
from opsbot.store import open_store

CONFIG = Config.model_validate({"terminal_users": {"root": "U01ALICE"}})


def test_a_name_that_slack_told_once_is_known_in_the_terminal(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'opsbot.db'}")
    assert names.kept(store, CONFIG, "U02BOB") == "U02BOB"
    assert names.kept(store, CONFIG, "U01ALICE") == "root"
    assert names.keep(store, "U02BOB", "bob") == "bob"
    assert names.keep(store, "U01ALICE", "alice") == "alice"
    assert names.kept(store, CONFIG, "U02BOB") == "bob"
    assert names.kept(store, CONFIG, "U01ALICE") == "alice"
    store.close()


def test_without_the_store_people_have_their_ids(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'opsbot.db'}")
    store.close()
    (tmp_path / "opsbot.db").unlink()
    (tmp_path / "opsbot.db").mkdir()
    assert names.kept(store, CONFIG, "U02BOB") == "U02BOB"
    assert names.keep(store, "U02BOB", "bob") == "bob"
