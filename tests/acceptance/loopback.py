"""Gives a container the machine's own loopback ports under the very same addresses, without publishing anything.

The demo's registry, S3 server and workspace listen on 127.0.0.1 alone, which inside a container is the container itself.
A listening socket belongs to the network namespace that it was made in, whoever accepts on it; so one is made inside the
container's namespace, and what it accepts is passed on to the same port outside. Needs root.
"""

from __future__ import annotations

import contextlib
import ctypes
import socket
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

HOST = "127.0.0.1"
CLONE_NEWNET = 0x40000000


def ports(urls: Iterable[str]) -> list[int]:
    """The ports of those of these addresses that a container cannot reach by itself."""
    return [part.port for part in map(urlsplit, urls) if part.hostname == HOST and part.port]


class Loopback:
    """`with Loopback(pid, [5000]):` inside the namespace of `pid`, 127.0.0.1:5000 is the machine's 127.0.0.1:5000."""

    def __init__(self, pid: int, ports: Iterable[int]) -> None:
        self._namespace = Path(f"/proc/{pid}/ns/net")
        self._ports = list(ports)
        self._listening: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        maker = threading.Thread(target=self._listen, name="loopback-listen")
        maker.start()
        maker.join()
        if len(self._listening) != len(self._ports):
            self.__exit__(None, None, None)
            raise OSError(f"could not listen in {self._namespace}")
        for listener, port in zip(self._listening, self._ports, strict=True):
            self._begin(self._accept, listener, port)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for listener in self._listening:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for thread in self._threads:
            thread.join(timeout=5)

    def _listen(self) -> None:
        """In a thread of its own: it enters the namespace and ends there."""
        with self._namespace.open("rb") as namespace:
            if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET) != 0:
                return
        for port in self._ports:
            listener = socket.create_server((HOST, port))
            self._listening.append(listener)

    def _begin(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket, port: int) -> None:
        while True:
            try:
                inside, _ = listener.accept()
            except OSError:
                return  # the block has ended
            try:
                outside = socket.create_connection((HOST, port), timeout=5)
            except OSError:
                inside.close()
                continue
            outside.settimeout(None)
            self._begin(_copy, inside, outside)
            self._begin(_copy, outside, inside)


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Until one side has gone: so goes the other."""
    with contextlib.suppress(OSError):
        while piece := source.recv(1 << 16):
            target.sendall(piece)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
