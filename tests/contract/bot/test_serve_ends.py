"""`serve` is told to end: it does so within its bound whatever hangs, with exit status 0, and the next one goes on."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from opsbot.bot.ending import ENDS_WITHIN
from opsbot.clock import SystemClock
from opsbot.store import Store, open_store
from opsbot.workspace import Workspace
from opsbot.workspace.client import Person, spoken

ROOT = Path(__file__).parents[3]
SETTINGS = """\
team: {roles: {operator: [U01ALICE]}}
store: sqlite:///opsbot.db
environments: {}
"""
PLAYBOOK = """\
about: Ask a server that never comes to its end
risk: low
steps:
  - {id: tell, name: Say that it begins, do: announce, with: {text: It begins.}}
  - {id: ask, name: Ask the server, do: http, with: {url: "%s"}}
  - {id: again, name: Say that it is over, do: announce, with: {text: It is over.}}
"""


class Trickle:
    """A server that answers a byte a second, so that no timeout for silence ends it, until `hurry`."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/"
        self.asked, self.hurry, self._over = threading.Event(), threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        self.hurry.set()
        self._listener.close()
        self._thread.join(5)

    def _serve(self) -> None:
        self._listener.settimeout(0.2)
        while not self._over.is_set():
            with suppress(OSError):
                connection, _ = self._listener.accept()
                with connection:
                    self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        connection.settimeout(5)
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\nConnection: close\r\n\r\n")
        self.asked.set()
        for sent in range(500):
            if self.hurry.wait(1):
                connection.sendall(b"x" * (500 - sent))
                return
            connection.sendall(b"x")


@dataclass
class House:
    """A folder with settings, and the programs that serve from it."""

    folder: Path
    workspace: Workspace
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def serve(self) -> subprocess.Popen[bytes]:
        env = {**os.environ, "PYTHONPATH": str(ROOT), "SLACK_API_URL": self.workspace.api_url}
        env |= {"SLACK_BOT_TOKEN": self.workspace.bot_token, "SLACK_APP_TOKEN": self.workspace.app_token}
        argv = [sys.executable, "-m", "opsbot", "serve", "--config", "opsbot.yml"]
        with (self.folder / f"serve-{len(self.started)}.log").open("wb") as log:
            self.started.append(subprocess.Popen(argv, env=env, cwd=self.folder, stdout=log, stderr=log))
        return self.started[-1]

    def log(self, number: int) -> str:
        return (self.folder / f"serve-{number}.log").read_text()

    def newest_says(self, words: str) -> Callable[[], bool]:
        return lambda: words in self.log(len(self.started) - 1)

    def store(self) -> Store:
        return open_store(f"sqlite:///{self.folder}/opsbot.db")


@pytest.fixture
def trickle() -> Iterator[Trickle]:
    made = Trickle()
    yield made
    made.close()


@pytest.fixture
def house(tmp_path: Path, trickle: Trickle) -> Iterator[House]:
    (tmp_path / "opsbot.yml").write_text(SETTINGS)
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks" / "hang.yml").write_text(PLAYBOOK % trickle.url)
    with Workspace() as workspace:
        made = House(tmp_path, workspace)
        yield made
        for each in made.started:
            if each.poll() is None:
                each.kill()
            each.wait()


def until(true: Callable[[], bool], seconds: float, otherwise: str) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, otherwise
        time.sleep(0.02)


def told_to_end(bot: subprocess.Popen[bytes], within: float) -> float:
    """SIGTERM; its exit status was 0; after how many seconds."""
    began = time.monotonic()
    bot.send_signal(signal.SIGTERM)
    assert bot.wait(within) == 0
    return time.monotonic() - began


def test_a_step_that_does_not_listen_holds_the_end_up_no_longer_than_the_bound_and_the_next_bot_does_it(
    house: House, trickle: Trickle
) -> None:
    old = house.serve()
    house.workspace.wait_for_links(timeout=30)
    alice = Person("U01ALICE", house.workspace.url)
    alice.say("#ops", "@opsbot hang")
    assert trickle.asked.wait(20)
    new = house.serve()
    until(house.newest_says("action=serve.standby"), 30, "the second bot did not stand by")
    seconds = told_to_end(old, ENDS_WITHIN + 10)
    assert seconds > 5, "the step at hand has five seconds to come to its end"
    first = house.log(0)
    assert "action=runs.not_left" in first
    assert "action=serve.ended_by_force" in first
    assert "opsbot/steps/http.py" in first, "the log says where it hung"
    store = house.store()
    (run,) = store.runs.list()
    assert [(row.step, row.outcome) for row in store.journal.rows(run.id)] == [("tell", "done"), ("ask", None)]
    holder = store.leases.holder(f"run:{run.id}", SystemClock().now())
    assert holder is not None, "nobody else drives the run while what the first one began may go on"
    until(house.newest_says("action=serve.started"), 5, "the serve lease was not given back")
    trickle.hurry.set()
    store.leases.release(f"run:{run.id}", holder)  # thirty seconds later it would have expired
    until(lambda: store.runs.list()[0].status == "succeeded", 20, "the next bot did not go on")
    rows = [(row.step, row.outcome) for row in store.journal.rows(run.id)]
    assert rows == [("tell", "done"), ("ask", "not_done"), ("ask", "done"), ("again", "done")]
    card = alice.wait_for("#ops", lambda message: run.id in spoken(message) and "done" in spoken(message), 20)
    assert "taken over after a restart" in spoken(card)
    assert told_to_end(new, 10) < 8
    store.close()


def test_whoever_serves_and_whoever_stands_by_ends_soon_after_sigterm(house: House) -> None:
    first = house.serve()
    house.workspace.wait_for_links(timeout=30)
    second = house.serve()
    until(house.newest_says("action=serve.standby"), 30, "the second bot did not stand by")
    assert told_to_end(second, 10) < 5
    assert told_to_end(first, 10) < 8
    assert "ended_by_force" not in house.log(0)


def test_a_sigterm_right_after_the_start_is_heard(house: House) -> None:
    bot = house.serve()
    until(house.newest_says("action=serve.started"), 30, "it did not start")
    assert told_to_end(bot, ENDS_WITHIN + 5) < ENDS_WITHIN
