"""`opsbot init` as somebody types it: what is asked in which order, and what Ctrl-C and no terminal mean."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

import pytest

from opsbot.cli import install
from opsbot.cli.main import main
from tests.unit.install.swarms import Engine, db, web

RUNNING = [web("shop"), web("shop", "ghcr.io/team/worker:3", "worker"), db("shop", secret="shop_pw")]
ANSWERS = {"The login of the registry ghcr.io": "deployer", "The bucket": "backups", "The team's": "Europe/Oslo"}
Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A swarm with two registries, and no variable set that `init` would read or set."""
    monkeypatch.setattr(install, "Swarm", lambda _url: Engine(RUNNING))
    names = ("OPSBOT_DB_PASSWORD", "OPSBOT_REGISTRY_PASSWORD_GHCR_IO", "OPSBOT_S3_KEY", "OPSBOT_S3_SECRET")
    for name in (*names, "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "OPSBOT_REGISTRY_USER", "OPSBOT_ENGINE"):
        monkeypatch.setenv(name, "")


def test_somebody_is_asked_for_what_is_open_and_secrets_are_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    heard: list[str] = []

    def answer(question: str) -> str:
        heard.append(question)
        return next((said for words, said in ANSWERS.items() if question.startswith(words)), "")

    def secret(question: str) -> str:
        heard.append(question)
        return "pull-for-this-test" if "at the registry ghcr.io" in question else ""

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", answer)
    monkeypatch.setattr(getpass, "getpass", secret)
    assert main(["init", "--show", "--admin", "U1", "--folder", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "timezone: Europe/Oslo" in shown
    assert '{host: "ghcr.io", user: "deployer", password: {env: OPSBOT_REGISTRY_PASSWORD_GHCR_IO}}' in shown
    assert "# No login of registry.example was said" in shown
    assert "pull-for-this-test" not in shown
    asked = [question.partition(" (empty")[0].partition(",")[0] for question in heard]
    assert asked == [
        "The engine of a swarm manager", "The channel where runs and alerts go", "The team's time zone",
        "Where Slack reaches the bot by HTTP", "The bucket for backups", "Its server's address", "Its region",
        "The login of the registry registry.example", "The login of the registry ghcr.io",
        "The password of deployer at the registry ghcr.io", "The bucket's access key", "The bucket's secret key",
        "The bot's token (xoxb-…)", "The app's token (xapp-…", "The password of the superuser of db in production",
    ]  # fmt: skip
    assert list(tmp_path.iterdir()) == []


def test_stopping_at_a_question_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    def stop(_question: str) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", stop)
    assert main(["init", "--folder", str(tmp_path)]) != 0
    assert "nothing was written" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_without_a_terminal_nothing_is_asked_and_all_that_was_guessed_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    monkeypatch.setenv("TZ", "Europe/Copenhagen")
    assert main(["init", "--show", "--registry-user", "deployer", "--folder", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "The time zone is Europe/Copenhagen, this machine's own" in shown
    assert "! The stack shop is called production here." in shown
    assert "whose login deployer is was not said: it was given to none of them" in shown
