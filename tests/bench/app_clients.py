"""Many keep-alive clients in one thread, with requests made beforehand: each asks again as soon as it was answered.

With a thread each, clients wait for one another to be told of their answers, and that is most of what they measure.
"""

from __future__ import annotations

import re
import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from tests.bench.load import TIMEOUT, Load
from tests.bench.world import NotMeasured

AT_ONCE = 1 << 18
BLANK_LINE = b"\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
NO_BODY = frozenset({204, 304})

Address = tuple[str, int]


@dataclass
class Talk(Load):
    """What clients saw, and the processor seconds that they took themselves."""

    own: float = 0.0

    def __iadd__(self, other: Load) -> Talk:
        super().__iadd__(other)
        self.own += other.own if isinstance(other, Talk) else 0.0
        return self


class Client:
    """One connection and the requests that are still to be sent on it."""

    def __init__(self, line: socket.socket, requests: Iterator[bytes]) -> None:
        self.line = line
        self.asked = 0.0
        self._requests = requests
        self._heard = bytearray()

    def ask(self) -> bool:
        """Send the next request; false if there is none."""
        request = next(self._requests, None)
        if request is None:
            return False
        self.asked = time.monotonic()
        self.line.sendall(request)
        return True

    def hear(self) -> int | None:
        """Read what has come: the status once the answer is whole. Raises OSError if the other end is gone."""
        part = self.line.recv(AT_ONCE)
        if not part:
            raise ConnectionError("closed in the middle of an answer")
        self._heard += part
        head, blank, body = self._heard.partition(BLANK_LINE)
        if not blank:
            return None
        status = int(head[9:12])
        if len(body) < body_length(head, status):
            return None
        self._heard.clear()
        return status


def body_length(head: bytes | bytearray, status: int) -> int:
    """How many bytes follow this head. Raises NotMeasured if it does not say."""
    if status in NO_BODY:
        return 0
    said = LENGTH.search(head)
    if said is None:
        raise NotMeasured("an answer came without its length")
    return int(said[1])


def converse(address: Address, scripts: Sequence[Iterator[bytes]], seconds: float, status: int) -> Talk:
    """A client for each script, until its end or for so many seconds. Any other status ends all of it as a failure."""
    load = Talk(lasted=seconds)
    with ExitStack() as opened, selectors.DefaultSelector() as lines:
        clients = [Client(opened.enter_context(_connected(address)), script) for script in scripts]
        ends, began = time.monotonic() + seconds, time.thread_time()
        for client in clients:
            if client.ask():
                lines.register(client.line, selectors.EVENT_READ, client)
        while lines.get_map() and not load.failures:
            heard = lines.select(TIMEOUT)
            if not heard:
                load.failures.append("no answer")
            for key, _ in heard:
                if not _go_on(key.data, load, status, ends):
                    lines.unregister(key.fileobj)
        load.own = time.thread_time() - began
    return load


def _connected(address: Address) -> socket.socket:
    line = socket.create_connection(address, TIMEOUT)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return line


def _go_on(client: Client, load: Load, status: int, ends: float) -> bool:
    """Take what this client has heard, and have it ask again if that was all; whether it expects another answer."""
    try:
        answered = client.hear()
        now = time.monotonic()
        if answered is None:
            return True
        if answered != status:
            load.failures.append(f"status {answered}")
            return False
        load.seconds.append(now - client.asked)
        return now < ends and client.ask()
    except OSError as error:
        load.failures.append(type(error).__name__)
        return False
