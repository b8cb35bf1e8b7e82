"""One small threaded WSGI server: /health, /metrics, Slack's calls and Alertmanager's, on loopback unless configured otherwise."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

import waitress
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.task import ErrorTask
from waitress.utilities import RequestEntityTooLarge

from opsbot import log, metrics
from opsbot.errors import ConfigError

_log = log.get(__name__)
Health = Callable[[], tuple[bool, dict[str, str]]]
Hook = Callable[[bytes, Mapping[str, str]], tuple[int, Mapping[str, str], bytes]]
StartResponse = Callable[[str, list[tuple[str, str]]], Any]
Environ = Mapping[str, Any]
Answer = tuple[int, Mapping[str, str], bytes]
Asked = Callable[[str, str, bytes, Mapping[str, str]], Answer]  # method, path, body, headers

TurnedAway = Callable[[str, str, str, str], object]  # door, code, why, address

SLACK, ALERTS, CI = "/slack/events", "/alertmanager", "/ci"
FROM = ":from"  # among the headers: the address of the caller as we see it; no header that is sent has this name
LARGEST = 1_000_000  # bytes of a request's body; Slack's are far smaller
THREADS, WITH_HOOK = 2, 8  # Slack's selects and forms may hold a thread for two seconds
_TEXT = {"Content-Type": "text/plain; charset=utf-8"}


@dataclass(frozen=True)
class Routes:
    """What is answered. `health()`: whether the bot's own loops live, and a sentence for each. `hook(body, headers by
    lower-case name)` answers Slack's calls with status, headers, body; `alerts` Alertmanager's, `ci` CI's. `metrics`: whether /metrics is told as well. `turned_away` hears of bodies that are too large."""

    health: Health
    hook: Hook | None = None
    metrics: bool = True
    alerts: Hook | None = None
    ci: Asked | None = None
    turned_away: TurnedAway = lambda *_: None

    def __call__(self, environ: Environ, start: StartResponse) -> Iterable[bytes]:
        """The WSGI application."""
        status, headers, body = self._answer(environ)
        told = [*headers.items(), ("Content-Length", str(len(body)))]
        start(f"{status} {HTTPStatus(status).phrase}", told)
        return [body]

    def _answer(self, environ: Environ) -> Answer:
        path = environ.get("PATH_INFO", "/")
        if path == "/health":
            ok, parts = self.health()
            return (
                200 if ok else 503,
                {"Content-Type": "application/json"},
                log.json_of({"ok": ok, "parts": parts}).encode(errors="replace"),
            )
        if path == "/metrics" and self.metrics:
            return 200, {"Content-Type": CONTENT_TYPE_LATEST}, generate_latest(metrics.REGISTRY)
        hooks = {path: hook for path, hook in ((SLACK, self.hook), (ALERTS, self.alerts)) if hook}
        if path in hooks:
            return self._posted(environ, hooks[path])
        if self.ci and (path == CI or path.startswith(f"{CI}/")):
            return self.ci(
                environ.get("REQUEST_METHOD", ""), path, environ["wsgi.input"].read(LARGEST), _headers(environ)
            )
        known = ["/health", *(["/metrics"] if self.metrics else []), *hooks, *(["/ci"] if self.ci else [])]
        return 404, _TEXT, f"There is {' and '.join(known)}.\n".encode()

    def too_large(self, path: str, source: str) -> None:
        """A body was not read to its end; the caller is told that by the server itself."""
        door = path.strip("/").partition("/")[0]
        if {"slack": self.hook, "alertmanager": self.alerts, "ci": self.ci}.get(door):
            self.turned_away(door, "too_large", f"What was sent is over {LARGEST // 1_000_000} MB.", source)

    def _posted(self, environ: Environ, hook: Hook) -> Answer:
        if environ.get("REQUEST_METHOD") != "POST":
            return 405, {**_TEXT, "Allow": "POST"}, b"This is only posted to.\n"
        return hook(environ["wsgi.input"].read(LARGEST), _headers(environ))


def _channel(routes: Routes, *args: Any, **settings: Any) -> Any:
    """A connection whose bodies that are too large are told to the routes: waitress refuses those by itself."""

    def refusal(channel: Any, request: Any) -> Any:
        if isinstance(request.error, RequestEntityTooLarge):
            routes.too_large(request.path, str(channel.addr[0]))
        return ErrorTask(channel, request)

    channel = HTTPChannel(*args, **settings)
    channel.error_task_class = refusal
    return channel


class Web:
    """The server in a thread of its own."""

    def __init__(self, listen: str, routes: Routes) -> None:
        host, _, port = listen.rpartition(":")
        if not host or not port.isdigit():
            raise ConfigError(f"“{listen}” is not an address to listen on.", "Write it as 127.0.0.1:8090.")
        self._server = waitress.create_server(
            routes,
            sockets=[_listening(host, int(port))],
            threads=WITH_HOOK if routes.hook else THREADS,
            max_request_body_size=LARGEST,
        )
        self._server.channel_class = partial(_channel, routes)
        self._thread = threading.Thread(target=self._server.run, name="web", daemon=True)
        self.port = int(self._server.socket.getsockname()[1])

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()
        _log.info("web.listen", port=self.port)

    def stop(self) -> None:
        """Return when nothing listens any more."""
        sockets = self._server._map  # waitress has no other way to end its loop than an empty map
        trigger = self._server.trigger
        with trigger.lock:  # or else the loop may close the trigger's pipe between our note and our waking it
            trigger.thunks.append(lambda: wasyncore.close_all(sockets))
            trigger._physical_pull()
        self._thread.join(timeout=5)
        self._server.task_dispatcher.shutdown()


def _headers(environ: Environ) -> dict[str, str]:
    headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name[:5] == "HTTP_"}
    return {**headers, "content-type": environ.get("CONTENT_TYPE", ""), FROM: environ.get("REMOTE_ADDR", "")}


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
