"""A folder with settings, and real programs that serve from it, at a local workspace: what the tests of a whole bot share."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from opsbot.store import Store, open_store
from opsbot.workspace import Workspace

ROOT = Path(__file__).parents[3]


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
    state: Path = field(init=False)  # the folder of its database
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.state = self.folder

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
        return open_store(f"sqlite:///{self.state}/opsbot.db")


def write_playbook(folder: Path, name: str, text: str) -> None:
    """A playbook in that folder of playbooks, and beside it the shortest rehearsal that lets a bot serve."""
    (folder / "rehearsals").mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.yml").write_text(text)
    (folder / "rehearsals" / f"{name}.yml").write_text("scenes: [{name: It is done, ends: succeeded}]\n")


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
