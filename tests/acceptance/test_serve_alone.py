"""`serve` with nothing but Slack's three variables: it answers, and says of every other part that it is not there."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from scene import BOT, until

from opsbot.demo import workspace
from opsbot.demo.parts import Parts
from opsbot.demo.state import CHECKOUT, free_port
from opsbot.workspace.client import Json, Person, spoken

ANSWER_SECONDS = 6.0  # four for status itself, and what a busy machine needs


@pytest.fixture(scope="module")
def desk(parts: Parts) -> Iterator[workspace.Workspace]:
    """A workspace that no other bot listens to."""
    prefix = f"{parts.prefix}-alone"
    yield workspace.ensure(parts.state, prefix, 0, print)
    workspace.stop(parts.state, prefix)
    shutil.rmtree(parts.state.folder("prefixes", prefix))


@pytest.fixture
def alice(desk: workspace.Workspace) -> Person:
    """An admin, at that workspace."""
    return Person("U01ALICE", desk.url)


@contextmanager
def _serve(desk: workspace.Workspace, folder: Path) -> Iterator[Path]:
    """The demo's own settings, an engine and ports that nobody has, and no variable but Slack's; its log."""
    text = (CHECKOUT / "opsbot.yml").read_text(encoding="utf-8")
    for old, new in (
        ("unix:///var/run/docker.sock", f"unix://{folder}/docker.sock"),
        ("http://127.0.0.1:8333", "http://127.0.0.1:9"),
        ("127.0.0.1:5000", "127.0.0.1:9"),
        ("registry.example/minitwit", "127.0.0.1:9/minitwit"),
        ("127.0.0.1:8090", f"127.0.0.1:{free_port(set())}"),
        ("playbooks: playbooks ", f"playbooks: {CHECKOUT / 'playbooks'} "),
    ):
        assert old in text, old
        text = text.replace(old, new)
    (folder / "opsbot.yml").write_text(text, encoding="utf-8")
    env = {name: value for name, value in os.environ.items() if not name.startswith("OPSBOT_")}
    env |= {"PYTHONPATH": str(CHECKOUT), "PYTHONFAULTHANDLER": "1", "SLACK_API_URL": desk.api}
    env |= {"SLACK_BOT_TOKEN": desk.bot_token, "SLACK_APP_TOKEN": desk.app_token}
    argv = [sys.executable, "-m", "opsbot", "serve", "--config", "opsbot.yml"]
    log = folder / "serve.log"
    with log.open("wb") as file, subprocess.Popen(argv, env=env, cwd=folder, stdout=file, stderr=file) as bot:
        try:
            yield log
        finally:
            bot.send_signal(signal.SIGTERM)
            insist = threading.Timer(
                30, bot.send_signal, [signal.SIGABRT]
            )  # its last words are where each thread hangs
            insist.start()
            status = bot.wait()
            insist.cancel()
            assert status == 0, log.read_text()


def test_it_answers_help_and_status_and_names_every_part_that_does_not_answer(
    desk: workspace.Workspace, alice: Person, tmp_path: Path
) -> None:
    with _serve(desk, tmp_path) as log:
        alice.controls.wait_for_links(timeout=30)
        missing = next(line for line in log.read_text().splitlines() if "action=serve.incomplete" in line)
        for name in ("OPSBOT_REGISTRY_PASSWORD", "OPSBOT_DB_PASSWORD", "OPSBOT_S3_KEY", "OPSBOT_S3_SECRET"):
            assert f"${name}" in missing
        alice.say("#ops", "@opsbot help")
        assert "`deploy v2 to production`" in spoken(alice.wait_for("#ops", "What I can do", 10))
        began = time.monotonic()
        alice.say("#ops", "@opsbot status")
        status = spoken(alice.wait_for("#ops", "Not answering", ANSWER_SECONDS))
        assert time.monotonic() - began < ANSWER_SECONDS
        for part in ("engine in staging", "engine in production", "registry of web", "main in staging", "bucket"):
            assert f"*{part}*" in status, status
        assert "The Docker engine at" in status
        assert "The registry 127.0.0.1:9 does not answer." in status
        assert "$OPSBOT_S3_KEY is not set." in status
        assert "Answering: store, slack." in status
        said = alice.say("#ops", "@opsbot deploy v1 to staging")
        refused = spoken(alice.wait_for("#ops", lambda message: _answers(message, said), 20))
        assert "The registry 127.0.0.1:9 does not answer. Check that it runs" in refused
        assert "Nothing was changed." in refused
        assert _runs(tmp_path) == []
        assert "Traceback" not in log.read_text()


def test_it_starts_while_slack_is_down_and_connects_when_slack_is_back(
    desk: workspace.Workspace, alice: Person, tmp_path: Path
) -> None:
    alice.controls.down()
    try:
        with _serve(desk, tmp_path) as log:
            until(lambda: log.read_text().count("action=slack.not_reached") >= 2, 30, "it did not try twice")
            assert alice.controls.links() == []
            alice.controls.up()
            alice.controls.wait_for_links(timeout=30)
            alice.say("#ops", "@opsbot help deploy")
            alice.wait_for("#ops", "Put a tagged image live", 10)
    finally:
        alice.controls.up()


def _answers(message: Json, said: str) -> bool:
    return message["ts"] > said and message["user"] == BOT


def _runs(folder: Path) -> list[object]:
    argv = [sys.executable, "-m", "opsbot", "runs", "--json"]
    told = subprocess.run(
        argv, cwd=folder, env={**os.environ, "PYTHONPATH": str(CHECKOUT)}, capture_output=True, text=True, check=True
    )
    found: list[object] = json.loads(told.stdout)
    return found
