"""HTTP without proxies: what is beside us is asked there, in bounded time, and no more is read than anybody needs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from opsbot import direct


class Pages(BaseHTTPRequestHandler):
    """/ok, /moved → /ok, /large without end, /slow one byte at a time."""

    def do_GET(self) -> None:
        moved = self.path == "/moved"
        self.send_response(302 if moved else 200)
        if moved:
            self.send_header("Location", "/ok")
        self.end_headers()
        try:
            self._write()
        except OSError:
            return  # the other side has read enough

    def _write(self) -> None:
        if self.path == "/ok":
            self.wfile.write(b'{"release": "7"}')
        while self.path in ("/large", "/slow"):
            self.wfile.write(b"x" if self.path == "/slow" else b"x" * 65536)
            self.wfile.flush()
            time.sleep(0.05 if self.path == "/slow" else 0)

    def log_message(self, *words: object) -> None:
        return


@pytest.fixture(scope="module")
def here() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that leads nowhere, as a laptop behind a company's may have it."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)


def test_no_proxy_stands_between_us_and_what_is_beside_us(here: str) -> None:
    answer = direct.get(f"{here}/ok", 2)
    assert (answer.status_code, answer.json()) == (200, {"release": "7"})


def test_a_redirect_is_an_answer_unless_it_shall_be_followed(here: str) -> None:
    assert direct.get(f"{here}/moved", 2).status_code == 302
    assert direct.get(f"{here}/moved", 2, follow=True).status_code == 200


def test_no_more_is_read_than_anybody_needs(here: str) -> None:
    assert len(direct.get(f"{here}/large", 10).content) == direct.MOST


def test_an_answer_that_does_not_end_is_late_however_busily_it_comes(here: str) -> None:
    began = time.monotonic()
    with pytest.raises(requests.Timeout):
        direct.get(f"{here}/slow", 0.4)
    assert time.monotonic() - began < 3


def test_what_is_no_json_object_is_none_of_it(here: str) -> None:
    assert direct.Answer(200, b"<html>").json() is None
    assert direct.Answer(200, b"[1]").json() is None


def test_nobody_there_is_an_error() -> None:
    with pytest.raises(requests.ConnectionError):
        direct.get("http://127.0.0.1:1/ok", 2)
