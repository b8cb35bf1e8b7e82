"""`serve --http`: a real bot in a process of its own, which Slack calls; what it needs for that, and what the world sees."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from opsbot import bot as bots
from opsbot.cli.main import load, main, over_http
from opsbot.config.settings import Config
from opsbot.demo.argv import wait_until
from opsbot.store import open_store
from opsbot.web import LARGEST
from opsbot.workspace import Workspace, spoken

ROOT = Path(__file__).parents[3]
CONFIG = """\
team: {roles: {admin: [U01ALICE]}}
store: sqlite:///opsbot.db
playbooks: PLAYBOOKS
environments: {staging: {stack: nobody, engine: "unix:///nowhere/docker.sock", channel: "#staging"}}
services: {web: {image: "127.0.0.1:9/web"}}
databases: {main: {name: minitwit, password: unused}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "opsbot.yml").write_text(CONFIG.replace("PLAYBOOKS", str(ROOT / "playbooks")))
    return tmp_path


@pytest.fixture
def port(folder: Path, workspace: Workspace) -> Iterator[int]:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("OPSBOT_", "SLACK_"))}
    env |= {"PYTHONPATH": str(ROOT), "SLACK_API_URL": workspace.api_url, "SLACK_BOT_TOKEN": workspace.bot_token}
    env |= {"SLACK_SIGNING_SECRET": workspace.signing_secret}
    argv = [sys.executable, "-m", "opsbot", "serve", "--http", "127.0.0.1:0"]
    with subprocess.Popen(argv, env=env, cwd=folder, stderr=subprocess.PIPE, text=True) as bot:
        assert bot.stderr
        try:
            lines = iter(bot.stderr.readline, "")
            told = next(line for line in lines if "action=web.listen" in line)
            next(line for line in lines if "action=slack.ready" in line)
            yield int(told.rsplit("=", 1)[1])
        finally:
            bot.send_signal(signal.SIGTERM)
            assert bot.wait(30) == 0


def test_slack_calls_a_bot_that_serves_over_http(port: int, workspace: Workspace) -> None:
    url = f"http://127.0.0.1:{port}"
    workspace.http(f"{url}/slack/events")
    assert workspace.slash("U01ALICE", "#ops", "/ops", "help") == "ok"
    workspace.wait_for("#ops", "deploy", as_user="U01ALICE")
    workspace.slash("U01ALICE", "#ops", "/ops", "backup")
    shown = lambda: "Back a database up" in spoken(workspace.wait_for_view("U01ALICE"))  # noqa: E731 - asked again and again
    assert wait_until(shown, 10)
    assert requests.get(f"{url}/metrics", timeout=5).status_code == 404
    health = requests.get(f"{url}/health", timeout=5).json()
    assert health["parts"]["slack"].startswith("Slack calls us over HTTP")


def test_who_is_not_slack_is_in_the_record_of_a_bot_that_serves(port: int, folder: Path) -> None:
    url = f"http://127.0.0.1:{port}/slack/events"
    for _ in range(3):
        assert requests.post(url, b'{"hush": "hush"}', timeout=5).status_code == 401
    assert requests.post(url, b" " * (LARGEST + 1), timeout=5).status_code == 413
    store = open_store(f"sqlite:///{folder}/opsbot.db")
    rows = store.audit.list(10)[::-1]
    store.close()
    assert [(row.actor["id"], row.what, row.outcome, row.body["from"]) for row in rows] == [
        ("unknown", "slack", "not_signed", ["127.0.0.1"]),
        ("unknown", "slack", "too_large", ["127.0.0.1"]),
    ]
    assert "hush" not in str(rows)


def test_each_door_needs_its_own_secret_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"):
        monkeypatch.delenv(name, raising=False)
    assert Config().missing_values() == ["$SLACK_BOT_TOKEN", "$SLACK_APP_TOKEN"]
    assert over_http(Config(), "3000").missing_values() == ["$SLACK_BOT_TOKEN", "$SLACK_SIGNING_SECRET"]


def test_a_port_alone_is_one_of_the_loopback() -> None:
    assert over_http(Config(), "3000").slack.http == "127.0.0.1:3000"
    assert over_http(Config(), "0.0.0.0:3000").slack.http == "0.0.0.0:3000"
    assert over_http(Config(), None).slack.http is None


def test_serving_over_http_without_the_secret_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"):
        monkeypatch.delenv(name, raising=False)
    assert main(["--config", str(folder / "opsbot.yml"), "serve", "--http", "3000"]) == 2
    told = capsys.readouterr().err
    assert "$SLACK_SIGNING_SECRET" in told
    assert "$SLACK_APP_TOKEN" not in told


@pytest.mark.parametrize(("listen", "servers", "metrics"), [("127.0.0.1:0", 1, 200), ("localhost:0", 2, 404)])
def test_what_the_world_may_see_is_told_no_metrics(folder: Path, listen: str, servers: int, metrics: int) -> None:
    config = over_http(load(folder / "opsbot.yml"), "127.0.0.1:0").model_copy(update={"listen": listen})
    bot = bots.build(config)
    webs = bot.serving._webs()
    try:
        for web in webs:
            web.start()
        assert len(webs) == servers
        at = f"http://127.0.0.1:{webs[-1].port}"
        assert requests.get(f"{at}/metrics", timeout=5).status_code == metrics
        assert requests.post(f"{at}/slack/events", b"{}", timeout=5).status_code == 503, "nobody serves yet"
    finally:
        for web in webs:
            web.stop()
        bot.close()
