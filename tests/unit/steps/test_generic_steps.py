"""The steps that any runbook may use, against a real HTTP server and real programs."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic import ValidationError
from step_context import Alone

from opsbot.clock import SystemClock
from opsbot.errors import Cancelled, StepFailed, Unavailable
from opsbot.runs.step import Park
from opsbot.steps.container import Container
from opsbot.steps.generic import Announce, Manual, Wait
from opsbot.steps.http import Http
from opsbot.steps.sql import Sql


class Page(BaseHTTPRequestHandler):
    """Answers 503 until `ready`, then 200; remembers what was sent."""

    ready = True
    got: list[tuple[str, str, str]] = []

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        Page.got.append((self.command, self.path, body))
        self.send_response(200 if Page.ready else 503)
        text = b"MiniTwit " + b"x" * 50_000
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def log_message(self, *_: Any) -> None:
        return None


@pytest.fixture
def url() -> Iterator[str]:
    Page.ready, Page.got = True, []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def http(url: str = "") -> Http:
    return Http(lambda _environment: url)


def test_http_goes_through_the_edge_and_keeps_the_beginning_of_the_answer(url: str) -> None:
    args = Http.With(environment="staging", path="/public", contains="MiniTwit")

    found = dict(http(url).run(Alone(), args))  # type: ignore[arg-type]  # it never parks

    assert found["status"] == 200
    assert found["body"].startswith("MiniTwit")
    assert len(found["body"]) == 2000
    assert Page.got == [("GET", "/public", "")]


def test_http_tries_until_the_answer_is_right(url: str) -> None:
    Page.ready = False
    threading.Timer(0.2, lambda: setattr(Page, "ready", True)).start()
    ctx = Alone()

    http().run(ctx, Http.With(url=url, within=timedelta(seconds=10)))

    assert len(Page.got) > 1
    assert ctx.told[0] == f"{url} answers 503, not 200."


WRONG = [
    ({"status": 404}, "answers 200, not 404."),
    ({"contains": "something else"}, "answers without “something else”."),
    ({"url": "http://127.0.0.1:9"}, "http://127.0.0.1:9 does not answer"),
]


@pytest.mark.parametrize(("change", "sentence"), WRONG)
def test_http_says_what_came_back_instead(change: dict[str, Any], sentence: str, url: str) -> None:
    with pytest.raises(StepFailed, match=sentence):
        http().run(Alone(), Http.With.model_validate({"url": url, **change}))


def test_http_that_changes_something_can_be_undone_by_another_request(url: str) -> None:
    given = {"url": url, "method": "POST", "json": {"a": 1}, "undo": {"url": f"{url}/1", "method": "DELETE"}}
    step, args = http(), Http.With.model_validate(given)

    step.run(Alone(), args)
    step.undo(Alone(), args, None)

    assert [method for method, _, _ in Page.got] == ["POST", "DELETE"]
    assert step.changes(given)
    assert step.reversible(given)
    assert not step.reversible({"method": "POST"})
    assert step.recheck(Alone(), args)[0] == "unknown"


def test_a_request_that_changes_something_is_sent_once_whatever_comes_back(url: str) -> None:
    Page.ready = False

    with pytest.raises(StepFailed, match="answers 503, not 200") as failed:
        http().run(Alone(), Http.With(url=url, method="POST"))

    assert not failed.value.again
    assert [method for method, _, _ in Page.got] == ["POST"]
    with pytest.raises(ValidationError, match="within sends again"):
        Http.With(url=url, method="POST", within=timedelta(seconds=5))


def test_a_lost_answer_is_not_known_and_a_refused_connection_may_be_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taking = threading.Thread(target=_take_and_hang_up, args=(server,))
        taking.start()
        args = Http.With(url=f"http://127.0.0.1:{server.getsockname()[1]}", method="POST")
        with pytest.raises(StepFailed, match="its answer was lost") as lost:
            http().run(Alone(), args)
        taking.join()

    assert (lost.value.code, lost.value.again) == ("unknown", False)
    with pytest.raises(StepFailed, match="does not answer") as refused:
        http().run(Alone(), args)
    assert refused.value.again


def _take_and_hang_up(server: socket.socket) -> None:
    taken, _ = server.accept()
    with taken:
        taken.recv(65_536)


def test_http_does_not_wait_for_an_answer_that_trickles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opsbot.steps.http.BODY_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_trickle, args=(server,), daemon=True)
        thread.start()
        began = time.monotonic()
        with pytest.raises(StepFailed, match="does not answer") as failed:
            http().run(Alone(), Http.With(url=f"http://127.0.0.1:{server.getsockname()[1]}"))
        assert time.monotonic() - began < 5
        assert failed.value.again
        thread.join(5)


def _trickle(server: socket.socket) -> None:
    taken, _ = server.accept()
    with taken:
        taken.recv(65_536)
        taken.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n")
        for _ in range(200):
            try:
                taken.sendall(b"x")
            except OSError:  # whoever asked has hung up
                return
            time.sleep(0.05)


def test_http_through_the_edge_asks_no_proxy(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    assert dict(http(url).run(Alone(), Http.With(environment="staging", path="/")))["status"] == 200  # type: ignore[arg-type]  # it never parks


@pytest.mark.parametrize("given", [{}, {"url": "http://x", "path": "/"}, {"path": "/"}, {"url": "file:///etc/passwd"}])
def test_http_needs_exactly_one_address(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Http.With.model_validate(given)


class Program:
    """A real program in place of a container: the same promises, no engine."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str]) -> None:
        self._run = subprocess.Popen(list(argv), env=dict(env), stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def stdout(self) -> Iterator[bytes]:
        assert self._run.stdout
        while piece := self._run.stdout.read1(7):
            yield piece

    def wait(self, timeout: float) -> int:
        return self._run.wait(timeout)

    def stderr_tail(self) -> str:
        assert self._run.stderr
        return self._run.stderr.read().decode()

    def kill(self) -> None:
        self._run.kill()

    def close(self) -> None:
        for stream in (self._run.stdout, self._run.stderr):
            if stream:
                stream.close()
        self._run.wait(5)


@contextmanager
def start(
    environment: str, service: str | None, image: str | None, argv: Sequence[str], env: Mapping[str, str], run: str
) -> Iterator[Program]:
    program = Program(argv, env)
    try:
        yield program
    finally:
        program.close()


def container(*argv: str, **more: Any) -> Any:
    return Container.With(environment="staging", image="any", argv=argv, **more)


def test_a_container_gives_its_exit_code_and_last_lines() -> None:
    found = Container(start).run(Alone(), container("/usr/bin/printf", "one\ntwo\nthree"))

    assert found == {"exit_code": 0, "output": "one\ntwo\nthree"}


def test_a_container_gets_an_argv_and_never_a_shell() -> None:
    found = dict(Container(start).run(Alone(), container("/bin/echo", "$HOME; `id` && true")))  # type: ignore[arg-type]  # it never parks

    assert found["output"] == "$HOME; `id` && true"


def test_a_container_that_fails_is_told_with_its_last_words() -> None:
    with pytest.raises(StepFailed, match=r"ended with exit code 1.*No such file"):
        Container(start).run(Alone(), container("/bin/cat", "/does/not/exist"))


def test_a_cancelled_container_is_killed_at_once() -> None:
    began = time.monotonic()

    with pytest.raises(Cancelled):
        Container(start).run(Alone(cancel_after=0.2), container("/bin/sleep", "30"))

    assert time.monotonic() - began < 5


def test_a_containers_undo_is_another_argv(tmp_path: Any) -> None:
    step, made = Container(start), tmp_path / "made"
    args = container("/usr/bin/touch", str(made), undo=("/bin/rm", str(made)))

    step.run(Alone(), args)
    assert made.exists()
    step.undo(Alone(), args, None)
    assert not made.exists()


def test_a_wait_parks_with_its_moment_and_ends_when_that_has_come() -> None:
    step, args = Wait(SystemClock()), Wait.With.model_validate({"for": "50ms", "say": "Letting it settle"})

    parked = step.run(Alone(), args)
    assert isinstance(parked, Park)
    assert parked.ask is None
    assert step.run(Alone(parked=parked.state), args) == parked
    time.sleep(0.06)
    assert step.run(Alone(parked=parked.state), args) == {"seconds": 0.05}


def test_a_manual_step_asks_and_keeps_the_answer() -> None:
    args = Manual.With(ask="Look at the page.")

    asked = Manual().run(Alone(), args)

    assert isinstance(asked, Park)
    assert (asked.ask, asked.until) == ("Look at the page.", None)
    assert Manual().run(Alone(answer="all is well"), args) == {"answer": "all is well"}


def test_announce_says_it_in_the_thread() -> None:
    ctx = Alone()

    assert Announce().run(ctx, Announce.With(text="Hello")) == {}
    assert ctx.said == ["Hello"]


def test_sql_binds_parameters_and_gives_plain_values() -> None:
    asked: list[Any] = []

    def execute(
        environment: str, database: str, statement: str, parameters: Mapping[str, Any], *, read_only: bool
    ) -> list[dict[str, Any]]:
        asked.append((environment, database, statement, dict(parameters), read_only))
        return [{"messages": 3, "at": timedelta(seconds=1)}]

    step = Sql(execute)
    given = {"environment": "staging", "database": "main", "statement": "SELECT %(x)s", "parameters": {"x": 1}}
    found = step.run(Alone(), Sql.With.model_validate(given))

    assert asked == [("staging", "main", "SELECT %(x)s", {"x": 1}, True)]
    assert found == {"rows": [{"messages": 3, "at": "0:00:01"}], "count": 1, "value": 3}
    assert not step.changes(given)
    step.undo(Alone(), Sql.With.model_validate({**given, "changes": True, "undo": "DELETE"}), None)
    assert asked[-1][2:] == ("DELETE", {"x": 1}, False)


def test_a_statement_whose_connection_was_lost_is_not_sent_again() -> None:
    def lost(*_: Any, read_only: bool) -> list[dict[str, Any]]:
        raise Unavailable("The connection is gone.")

    given = {"environment": "staging", "database": "main", "statement": "UPDATE x SET y = 1"}
    with pytest.raises(StepFailed, match="Nobody knows whether the statement took effect") as failed:
        Sql(lost).run(Alone(), Sql.With.model_validate({**given, "changes": True}))
    assert (failed.value.code, failed.value.again) == ("unknown", False)
    with pytest.raises(Unavailable):
        Sql(lost).run(Alone(), Sql.With.model_validate(given))
