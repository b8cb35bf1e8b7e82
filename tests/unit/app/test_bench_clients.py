"""The clients that measure the application: what they count is what was answered."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.bench.app_calls import FORM, Call, request
from tests.bench.app_clients import Address, converse

HELLO = request(Call("hello", "GET", "/hello {user}"), FORM, about="Åse 李")
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
NOTHING = b"HTTP/1.1 204 NO CONTENT\r\n\r\n"


@pytest.fixture
def serving() -> Iterator[Callable[[list[bytes], float], Address]]:
    """A server that answers every request with these parts, waiting before each but the first."""
    with ExitStack() as ends:

        def start(parts: list[bytes], pause: float) -> Address:
            listener = ends.enter_context(socket.create_server(("127.0.0.1", 0)))
            accepting = threading.Thread(target=_accept, args=(listener, parts, pause), daemon=True)
            accepting.start()
            ends.callback(accepting.join, 5)
            ends.callback(listener.shutdown, socket.SHUT_RDWR)
            address: Address = listener.getsockname()
            return address

        yield start


def _accept(listener: socket.socket, parts: list[bytes], pause: float) -> None:
    while True:
        try:
            line, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_answer, args=(line, parts, pause), daemon=True).start()


def _answer(line: socket.socket, parts: list[bytes], pause: float) -> None:
    with line:
        while line.recv(4096).endswith(b"\r\n\r\n"):
            for number, part in enumerate(parts):
                time.sleep(pause if number else 0)
                line.sendall(part)


def test_each_client_sends_what_it_has_and_no_more(serving):
    load = converse(serving([ANSWER], 0), [iter([HELLO] * 3) for _ in range(4)], 10, 200)
    assert (len(load.seconds), load.failures) == (12, [])
    assert load.own > 0


def test_clients_end_in_time_though_they_have_more_to_send(serving):
    started = time.monotonic()
    load = converse(serving([NOTHING], 0), [itertools.cycle([HELLO]) for _ in range(2)], 0.1, 204)
    assert 0.1 <= time.monotonic() - started < 5
    assert (len(load.seconds) > 2, load.failures) == (True, [])


def test_an_answer_counts_when_its_last_byte_is_there(serving):
    parts = [ANSWER[:8], ANSWER[8:20], ANSWER[20:-1], ANSWER[-1:]]
    load = converse(serving(parts, 0.02), [iter([HELLO])], 10, 200)
    assert (len(load.seconds), load.failures) == (1, [])
    assert 0.06 <= load.seconds[0] < 5


def test_another_status_and_a_connection_that_ends_are_failures(serving):
    assert converse(serving([ANSWER], 0), [iter([HELLO])], 10, 204).failures == ["status 200"]
    assert converse(serving([ANSWER[:20]], 0), [iter([HELLO[:-1]])], 10, 200).failures == ["ConnectionError"]


def test_a_call_is_sent_as_http_says():
    call = Call("follow", "POST", "/api/fllws/{user}?no=1", 204, '{"follow": "{user}"}')
    sent = request(call, {"Content-Type": "application/json"}, "a/b", "Åse")
    assert sent == (
        b"POST /api/fllws/a%2Fb?no=1 HTTP/1.1\r\nHost: minitwit\r\nContent-Type: application/json\r\n"
        b'Content-Length: 18\r\n\r\n{"follow": "\xc3\x85se"}'
    )
