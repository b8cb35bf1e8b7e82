"""The application as gunicorn serves it: two workers that count together, a stop that waits, the address that is seen."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.served

APP = Path(__file__).resolve().parents[3] / "app"
CREDENTIALS = {"Authorization": "Basic c2ltdWxhdG9yOnN1cGVyX3NhZmUh"}


@dataclass
class Server:
    """A running gunicorn and the port it listens on."""

    process: subprocess.Popen[str]
    port: int

    def ask(self, path: str, **headers: str) -> tuple[int, str]:
        """GET over a connection of its own: the status and the body."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request("GET", path, headers=headers | {"Connection": "close"})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def stop(self) -> list[dict[str, Any]]:
        """End it as Docker does, wait, and return its log."""
        self.process.send_signal(signal.SIGTERM)
        return [json.loads(line) for line in self.process.communicate(timeout=30)[0].splitlines()]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start the image's own command with changed settings, on a database of its own."""
    environment = {key: value for key, value in os.environ.items() if key in {"PATH", "HOME", "TMPDIR"}} | {
        "PYTHONPATH": str(APP), "DATABASE_URL": f"sqlite:///{tmp_path}/minitwit.db", "SECRET_KEY": "of this test",
        "PASSWORD_METHOD": "pbkdf2:sha256:1", "WEB_WORKERS": "2", "WEB_THREADS": "4", "RELEASE_ID": "r9",
    }  # fmt: skip
    subprocess.run([sys.executable, "-m", "minitwit.migrate"], env=environment, check=True, stdout=subprocess.DEVNULL)
    started: list[Server] = []

    def start(**changed: str) -> Server:
        port = free_port()
        command = [sys.executable, "-m", "gunicorn", "--config", "python:minitwit.gunicorn_conf", "minitwit.wsgi:app"]
        process = subprocess.Popen(
            command, env=environment | changed | {"BIND": f"127.0.0.1:{port}"}, cwd=tmp_path,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        started.append(Server(process, port))
        ends = time.monotonic() + 30
        while time.monotonic() < ends and process.poll() is None:
            try:
                if started[-1].ask("/health")[0] == 200:
                    break
            except OSError:
                time.sleep(0.05)
        return started[-1]

    yield start
    for server in started:
        if server.process.poll() is None:
            server.stop()


def sample(page: str, start: str) -> float:
    """The value of the one sample that begins so; 0 if there is none."""
    found = re.search(rf"^{re.escape(start)} (\S+)$", page, re.MULTILINE)
    return float(found[1]) if found else 0.0


def metrics_folders(server: Server) -> list[Path]:
    memory = Path("/dev/shm")  # noqa: S108 - only looked at
    return list(memory.glob(f"minitwit-metrics-{server.process.pid}-*"))


def test_whichever_worker_is_asked_the_numbers_are_those_of_both(serve):
    server = serve()
    assert len(metrics_folders(server)) == 1
    asked = 24
    threads = [threading.Thread(target=server.ask, args=("/public",)) for _ in range(asked)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pages = [server.ask("/metrics")[1] for _ in range(8)]
    counted = {
        sample(page, 'minitwit_http_requests_total{method="GET",route="/public",status="200"}') for page in pages
    }
    timed = {
        sample(page, 'minitwit_http_request_duration_seconds_count{method="GET",route="/public"}') for page in pages
    }
    assert (counted, timed) == ({float(asked)}, {float(asked)})
    assert {sample(page, "minitwit_http_requests_in_flight") for page in pages} == {0.0}
    assert {sample(page, "minitwit_users") for page in pages} == {0.0}
    log = server.stop()
    assert metrics_folders(server) == []
    assert {line["status"] for line in log if line.get("path") == "/public"} == {200}
    # gunicorn names each worker that boots; both must have been there for this test to mean anything
    assert sum("Booting worker" in line["message"] for line in log) == 2


def refuses(server: Server, within: float) -> bool:
    """Whether new connections are refused before long, instead of being left to wait."""
    ends = time.monotonic() + within
    while time.monotonic() < ends:
        try:
            socket.create_connection(("127.0.0.1", server.port), timeout=1).close()
        except ConnectionRefusedError:
            return True
        time.sleep(0.05)
    return False


def test_sigterm_finishes_what_is_in_flight_and_takes_nothing_new(serve):
    server = serve()
    body = json.dumps({"username": "late", "email": "a@b", "pwd": "x"}).encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        head = f"POST /api/register HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        connection.sendall(head + body[:10])
        time.sleep(0.5)
        server.process.send_signal(signal.SIGTERM)
        assert refuses(server, within=10)
        connection.sendall(body[10:])
        assert connection.recv(64).startswith(b"HTTP/1.1 204")
    output = server.process.communicate(timeout=30)[0]
    assert server.process.returncode == 0
    assert '"action": "registered"' in output


def test_whoever_does_not_hang_up_keeps_nobody_waiting(serve):
    server = serve(WEB_WORKERS="1")
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as slow:
        slow.sendall(b"GET /health HTTP/1.0\r\n\r\n")
        while slow.recv(4096):
            pass
        started = time.monotonic()
        assert [server.ask("/health")[0] for _ in range(3)] == [200, 200, 200]
        assert time.monotonic() - started < 1  # gunicorn gives the other end 2 s to hang up
    assert server.ask("/health")[0] == 200


@pytest.mark.parametrize(
    ("settings", "forwarded", "seen"),
    [
        ({}, "6.6.6.6", {"address": "127.0.0.1", "accepted": True}),
        ({"ACCEPTED_IPS": "10.0.0.0/8"}, "10.1.2.3", {"address": "127.0.0.1", "accepted": False}),
        ({"ACCEPTED_IPS": "10.0.0.0/8", "TRUSTED_PROXIES": "1"}, "10.1.2.3", {"address": "10.1.2.3", "accepted": True}),
        ({"ACCEPTED_IPS": "10.0.0.0/8", "TRUSTED_PROXIES": "1"}, "10.1.2.3, 6.6.6.6", {"address": "6.6.6.6", "accepted": False}),
    ],
)  # fmt: skip
def test_the_self_test_says_which_address_counts_and_the_simulators_calls_agree(serve, settings, forwarded, seen):
    server = serve(WEB_WORKERS="1", **settings)
    status, body = server.ask("/health/address", **{"X-Forwarded-For": forwarded})
    found = json.loads(body)
    proxies = int(settings.get("TRUSTED_PROXIES", 0))
    assert status == 200
    assert found == seen | {"peer": "127.0.0.1", "forwarded_for": forwarded, "trusted_proxies": proxies}
    called = server.ask("/api/msgs", **CREDENTIALS, **{"X-Forwarded-For": forwarded})[0]
    assert called == (200 if seen["accepted"] else 403)
