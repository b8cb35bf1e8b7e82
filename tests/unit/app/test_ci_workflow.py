"""The CI workflow is well formed, its shell is sound, and its conversation with the bot ends as the bot says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
WORKFLOW = ROOT / ".github" / "workflows" / "minitwit.yml"
SCRIPTS = sorted((ROOT / "app" / "ci").glob("*.sh"))
ASK = ROOT / "app" / "ci" / "ask-bot.sh"


def check(program: str, *arguments: str | Path, stdin: str = "") -> str:
    """What a linter complains of, "" if nothing."""
    command = [str(Path(sys.executable).with_name(program)), *map(str, arguments)]
    ended = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=60)
    return "" if ended.returncode == 0 else ended.stdout + ended.stderr


def steps() -> list[tuple[str, str]]:
    """The workflow's own shell: the step's name and its text."""
    jobs = yaml.safe_load(WORKFLOW.read_text())["jobs"].values()
    return [(step["name"], step["run"]) for job in jobs for step in job["steps"] if "run" in step]


def test_the_workflow_fits_githubs_schema():
    assert check("check-jsonschema", "--builtin-schema", "vendor.github-workflows", WORKFLOW) == ""


def test_the_workflow_has_none_of_the_known_holes():
    assert check("zizmor", "--offline", "--no-progress", "--persona=pedantic", WORKFLOW) == ""


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_the_scripts_are_sound_shell(script):
    assert check("shellcheck", script) == ""
    assert os.access(script, os.X_OK)


@pytest.mark.parametrize(("name", "text"), steps(), ids=lambda text: text.splitlines()[0][:30])
def test_each_step_is_sound_shell_and_takes_nothing_from_the_event_but_by_variables(name, text):
    assert check("shellcheck", "--shell=bash", "-", stdin=text) == ""
    assert "${{" not in text  # a branch named `$(…)` would be run


class Bot(HTTPServer):
    """Answers as the bot's CI hook does; `statuses` are said one after the other."""

    def __init__(self, statuses: list[str]) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.statuses = statuses
        self.asked: list[tuple[str, str, Any]] = []
        self.page = b""  # of a proxy that answers in the bot's place


class Answers(BaseHTTPRequestHandler):
    server: Bot

    def do_POST(self) -> None:
        self._answer(202, {"run": "rabcde", "text": "Planned."}, self.rfile.read(int(self.headers["Content-Length"])))

    def do_GET(self) -> None:
        statuses = self.server.statuses
        self._answer(200, {"status": statuses.pop(0) if statuses else "running", "text": "It says why."}, b"null")

    def log_message(self, *_: object) -> None:
        return

    def _answer(self, status: int, body: object, sent: bytes) -> None:
        known = self.headers["Authorization"] == "Bearer of the tests"
        self.server.asked.append((self.command, self.path, json.loads(sent)))
        told = self.server.page or json.dumps(body if known else {"text": "no"}).encode()
        self.send_response(status if known else 401)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)


@pytest.fixture
def bot() -> Iterator[Bot]:
    server = Bot([])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def ask(bot: Bot | None, *arguments: str, **changed: str) -> subprocess.CompletedProcess[str]:
    settings = {"OPSBOT_CI_TOKEN": "of the tests", "PAUSE": "0", "ATTEMPTS": "4", "PATH": os.environ["PATH"]}
    settings |= {"GITHUB_SERVER_URL": "https://forge", "GITHUB_REPOSITORY": "team/minitwit"}
    settings |= {"GITHUB_RUN_ID": "7", "GITHUB_RUN_ATTEMPT": "1"}
    settings["OPSBOT_URL"] = f"http://127.0.0.1:{bot.server_port}" if bot else "http://127.0.0.1:1"
    return subprocess.run(
        [ASK, *arguments], env=settings | changed, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize(
    ("statuses", "code", "said"),
    [
        (["running", "succeeded"], 0, "run rabcde succeeded"),
        (["running", "failed"], 1, "run rabcde: failed. It says why."),
        (["undone"], 1, "run rabcde: undone. It says why."),
        (["rejected"], 1, "run rabcde: rejected. It says why."),
        ([], 1, "run rabcde has not ended"),
    ],
)
def test_the_job_ends_as_the_bots_run_ends(bot, statuses, code, said):
    bot.statuses = list(statuses)
    ended = ask(bot, "wait", "deploy sha-1 to staging")
    assert ended.returncode == code, ended.stderr
    assert said in ended.stdout + ended.stderr
    source = "https://forge/team/minitwit/actions/runs/7/attempts/1"
    assert bot.asked[0] == ("POST", "/ci", {"command": "deploy sha-1 to staging", "source": source})
    assert bot.asked[1][:2] == ("GET", "/ci/rabcde")


def test_a_proposal_is_asked_once_and_not_waited_for(bot):
    ended = ask(bot, "propose", "deploy v1 to production")
    assert (ended.returncode, len(bot.asked)) == (0, 1)
    assert "run rabcde. Planned." in ended.stdout


def test_a_job_that_is_run_again_names_its_attempt_and_another_ci_names_nothing(bot):
    for changed in ({"GITHUB_RUN_ATTEMPT": "2"}, {"GITHUB_RUN_ID": ""}):
        assert ask(bot, "propose", "deploy v1 to production", **changed).returncode == 0
    sources = [body["source"] for _, _, body in bot.asked]
    assert sources == ["https://forge/team/minitwit/actions/runs/7/attempts/2", ""]


def test_a_refused_token_fails_the_job_and_is_not_shown(bot):
    ended = ask(bot, "wait", "deploy v1 to staging", OPSBOT_CI_TOKEN="a wrong secret")
    assert ended.returncode == 1
    assert "deploy v1 to staging: no\n" in ended.stderr
    assert "a wrong secret" not in ended.stdout + ended.stderr


def test_an_answer_that_is_not_the_bots_fails_the_job(bot):
    bot.page = b"<p>Log in first</p>"
    ended = ask(bot, "wait", "deploy v1 to staging")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "deploy v1 to staging: no answer that can be understood\n" in ended.stderr


@pytest.mark.parametrize("arguments", [[], ["wait"], ["what", "deploy v1"]])
def test_wrong_usage_asks_nobody(bot, arguments):
    assert ask(bot, *arguments).returncode == 2
    assert bot.asked == []
