"""Whatever opsbot.yml names as a secret is blanked wherever text leaves the program, also before it was used."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from opsbot.clock import SystemClock
from opsbot.config.secrets import know
from opsbot.config.settings import Config
from opsbot.log import redactor
from opsbot.store import Store, open_store
from opsbot.store.rows import Entry, HoldRow

SETTINGS = {
    "slack": {
        "bot_token": "xoxb-of-this-test",
        "app_token": {"env": "APP_TOKEN_OF_THIS_TEST"},
        "signing_secret": "signing-of-this-test",
    },
    "registries": {"one": {"host": "r", "user": "somebody", "password": {"env": "REGISTRY_OF_THIS_TEST"}}},
    "databases": {"main": {"name": "minitwit", "password": "database-of-this-test"}},
    "environments": {"staging": {"stack": "s", "passwords": {"main": "staging-of-this-test"}}},
    "storage": {"bucket": "b", "key": "key-of-this-test", "secret": "secret-of-this-test"},
    "store": "postgresql+psycopg2://opsbot:store%2Fof-this-test@host/name",
}
VALUES = (
    "signing-of-this-test",
    "xoxb-of-this-test",
    "registry-of-this-test",
    "database-of-this-test",
    "staging-of-this-test",
    "key-of-this-test",
    "secret-of-this-test",
    "store%2Fof-this-test",
    "store/of-this-test",
)


def test_every_configured_secret_is_known_from_the_start_and_what_is_not_set_is_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REGISTRY_OF_THIS_TEST", "registry-of-this-test")
    know(Config.model_validate(SETTINGS))
    assert redactor.clean("; ".join(VALUES)) == "; ".join(["[REDACTED]"] * len(VALUES))
    assert redactor.clean("somebody at minitwit, opsbot@host/name") == "somebody at minitwit, opsbot@host/name"


def test_no_file_of_the_store_holds_a_secret_that_a_person_typed(tmp_path: Path) -> None:
    know(Config.model_validate(SETTINGS))
    store: Store = open_store(f"sqlite:///{tmp_path}/opsbot.db")
    by = {"kind": "person", "id": "U1", "name": "alice"}
    word, now = VALUES[3], SystemClock().now()
    store.holds.put(HoldRow("lock", "staging", "U1", "alice", f"changing {word}", now, None), _entry(by, word))
    store.alerts.open("c", f"{word} fails", "critical", None, None, {"why": word}, now)
    store.close()
    assert [path.name for path in tmp_path.iterdir() if word.encode() in path.read_bytes()] == []


@pytest.mark.parametrize("command", ["from opsbot.cli.main import main; main(['status'])", "raise ValueError(secret)"])
def test_neither_a_sentence_nor_a_traceback_shows_one(tmp_path: Path, command: str) -> None:
    (tmp_path / "opsbot.yml").write_text("store: {env: STORE}\n")
    (tmp_path / "playbooks").mkdir()
    store = "postgresql+psycopg2://opsbot:pass-of-this-test@127.0.0.1:9/pass-of-this-test"
    program = (
        "import os; from opsbot import log; from opsbot.config import secrets, settings; from pathlib import Path; "
        "log.configure(); secrets.know(settings.load(Path('opsbot.yml'))); secret = os.environ['STORE']; " + command
    )
    env = {**os.environ, "STORE": store, "PYTHONPATH": str(Path.cwd())}
    ended = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=env, capture_output=True, check=False)
    said = ended.stdout + ended.stderr
    assert b"ValueError: postgresql+psycopg2://opsbot:[REDACTED]@" in said or b"cannot be" in said
    assert b"pass-of-this-test" not in said


def _entry(by: dict[str, str], word: str) -> Entry:
    return Entry(by, "terminal", "lock", f"staging {word}", "ok", {"reason": word})
