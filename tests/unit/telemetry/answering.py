"""Servers for tests of what asks Prometheus: each answers every question with the same words."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


def matrix(*lines: tuple[dict[str, str], list[tuple[float, str]]]) -> dict[str, Any]:
    """The answer to a range query, in the shape of Prometheus' HTTP API."""
    result = [{"metric": metric, "values": [list(point) for point in points]} for metric, points in lines]
    return {"status": "success", "data": {"resultType": "matrix", "result": result}}


@contextmanager
def answering(body: object, status: int = 200, after: float = 0.0) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A server's URL, and what it was asked."""
    asked: list[dict[str, str]] = []

    class Api(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            asked.append({"path": parts.path} | {name: found[0] for name, found in parse_qs(parts.query).items()})
            time.sleep(after)
            told = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.end_headers()
            try:
                self.wfile.write(told)
            except OSError:
                return  # whoever asked waits no longer

        def log_message(self, *words: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
