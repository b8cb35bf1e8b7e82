"""One small threaded WSGI server: /health and /metrics, on loopback unless configured otherwise."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any

import waitress
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from waitress import wasyncore

from opsbot import log, metrics
from opsbot.errors import ConfigError

_log = log.get(__name__)
Health = Callable[[], tuple[bool, dict[str, str]]]
StartResponse = Callable[[str, list[tuple[str, str]]], Any]


def application(health: Health) -> Callable[[dict[str, Any], StartResponse], Iterable[bytes]]:
    """The WSGI application. `health()` answers whether the bot's own loops live, and a sentence for each."""

    def answer(environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "/")
        if path == "/health":
            ok, parts = health()
            body = json.dumps({"ok": ok, "parts": parts}).encode()
            return _send(start, "200 OK" if ok else "503 Service Unavailable", "application/json", body)
        if path == "/metrics":
            return _send(start, "200 OK", CONTENT_TYPE_LATEST, generate_latest(metrics.REGISTRY))
        return _send(start, "404 Not Found", "text/plain", b"There is /health and /metrics.\n")

    return answer


class Web:
    """The server in a thread of its own."""

    def __init__(self, listen: str, health: Health) -> None:
        host, _, port = listen.rpartition(":")
        if not host or not port.isdigit():
            raise ConfigError(f"“{listen}” is not an address to listen on.", "Write it as 127.0.0.1:8090.")
        self._server = waitress.create_server(application(health), sockets=[_listening(host, int(port))], threads=2)
        self._thread = threading.Thread(target=self._server.run, name="web", daemon=True)
        self.port = int(self._server.socket.getsockname()[1])

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()
        _log.info("web.listen", port=self.port)

    def stop(self) -> None:
        """Return when nothing listens any more."""
        sockets = self._server._map  # waitress has no other way to end its loop than an empty map
        self._server.trigger.pull_trigger(lambda: wasyncore.close_all(sockets))
        self._thread.join(timeout=5)
        self._server.task_dispatcher.shutdown()


def _listening(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"{host}:{port} cannot be listened on: {error.strerror}.", "Choose another with `listen`."
        ) from error
    return listener


def _send(start: StartResponse, status: str, kind: str, body: bytes) -> Iterable[bytes]:
    start(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
    return [body]
