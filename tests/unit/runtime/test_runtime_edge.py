"""A switch is confirmed by the answers of a real HTTP server, through lost answers and wrong ones."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from opsbot.config import settings
from opsbot.errors import StepFailed, Unavailable
from opsbot.runtime import edge as edges
from opsbot.runtime.edge import Edge
from opsbot.store.rows import ReleaseRow

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ROW = ReleaseRow(
    "staging", "web", 7, "i@sha256:7", "sha256:7", "v2", None, {}, {}, {}, None, "r", "alice", NOW, "live", None, NOW, None
)  # fmt: skip
RIGHT, OLD = {"release": "7", "tag": "v2"}, {"release": "6", "tag": "v1"}


class Here:
    """Where the edge's task is: the one thing that an engine would tell."""

    def __init__(self) -> None:
        self.addresses = ["127.0.0.1"]

    def task_addresses(self, _service: str, _network: str) -> list[str]:
        return self.addresses


class Answers(BaseHTTPRequestHandler):
    """Each request gets the next of `script`, and the last again and again: a body, a status, or "lost"."""

    script: list[Any] = []

    def do_GET(self) -> None:
        now = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if now == "lost":
            self.close_connection = True
            return
        self.send_response(now if isinstance(now, int) else 200)
        self.end_headers()
        self.wfile.write(json.dumps(now).encode())

    def log_message(self, *words: object) -> None:
        return


@pytest.fixture
def edge() -> Iterator[Edge]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield Edge(Here(), "s_edge", "s_net", settings.Edge(port=server.server_address[1]))  # type: ignore[arg-type]  # it tells addresses, and nothing else is asked
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    "script", [[RIGHT], ["lost", "lost", RIGHT], [502, RIGHT], [OLD, OLD, RIGHT], ["lost", OLD, 502, RIGHT]]
)
def test_a_switch_is_confirmed_by_the_first_right_answer_whatever_came_before(edge: Edge, script: list[Any]) -> None:
    Answers.script = script
    edge.confirm("/release", ROW)
    assert Answers.script == [RIGHT]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            OLD,
            r"v2 \(release 7\) does not answer through the edge\. v1 \(release 6\) answers\. See why: docker service",
        ),
        ({"release": "7", "tag": "v1"}, r"v1 \(release 7\) answers\."),  # another record's number 7
        (502, r"It answers 502\."),
        ("lost", r"The edge s_edge does not answer\."),
    ],
)
def test_a_switch_that_is_not_confirmed_says_who_answers_instead(
    edge: Edge, monkeypatch: pytest.MonkeyPatch, answer: Any, words: str
) -> None:
    monkeypatch.setattr(edges, "_CONFIRM_WITHIN", 0.4)
    Answers.script = [answer]
    with pytest.raises(StepFailed, match=words) as caught:
        edge.confirm("/release", ROW)
    assert caught.value.code == "not_confirmed"


def test_an_edge_without_a_task_is_told_from_one_behind_which_something_hangs(edge: Edge) -> None:
    edge._swarm.addresses = []  # type: ignore[attr-defined]  # it is the one of this test
    with pytest.raises(Unavailable, match="does not run") as caught:
        edge.ask("/release")
    assert caught.value.code == "edge"
