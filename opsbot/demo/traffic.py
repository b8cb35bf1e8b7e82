"""Bounded traffic on the demo's own edge: keep-alive clients that read and write, and count every failure."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType
from urllib.parse import urlsplit

SIMULATOR = "Basic c2ltdWxhdG9yOnN1cGVyX3NhZmUh"  # public: the course's simulator header (facts of MiniTwit)
LIMIT = 10.0  # seconds a request may take before it counts as failed
AUTHOR = "tour"


@dataclass
class Count:
    """What came back: how many requests, which failed and how, and which release answered when last."""

    requests: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    releases: dict[str, float] = field(default_factory=dict)
    slowest: float = 0.0

    @property
    def failed(self) -> int:
        """Requests without a proper answer."""
        return sum(self.failures.values())

    def sentence(self) -> str:
        """For a person."""
        kinds = "".join(f", {number} × {kind}" for kind, number in self.failures.most_common(3))
        return f"{self.requests} requests, {self.failed} failed{kinds}"


class Traffic:
    """`with Traffic(url) as traffic: …; traffic.count` — one request in three is a POST; ends with the block."""

    def __init__(self, url: str, connections: int = 8, pause: float = 0.01, longest: float = 600.0) -> None:
        self._address = urlsplit(url).netloc
        self._pause, self._longest = pause, longest
        self._stop = threading.Event()
        self._guard = threading.Lock()
        self._threads = [threading.Thread(target=self._client, args=(n,), daemon=True) for n in range(connections)]
        self.count = Count()

    def __enter__(self) -> Traffic:
        self._register()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=LIMIT + 5)

    def last_answer_of(self, release: str) -> float:
        """time.monotonic() of the last answer that this release gave; 0.0 if none."""
        return self.count.releases.get(release, 0.0)

    def _register(self) -> None:
        connection = http.client.HTTPConnection(self._address, timeout=LIMIT)
        body = json.dumps({"username": AUTHOR, "email": "tour@example.org", "pwd": "tour"})
        try:
            # A second registration would be refused, and that is an alert.
            connection.request("GET", f"/{AUTHOR}")
            known = connection.getresponse()
            known.read()
            if known.status != http.client.OK:
                connection.request("POST", "/api/register", body, _headers())
                connection.getresponse().read()
        finally:
            connection.close()

    def _client(self, number: int) -> None:
        connection = http.client.HTTPConnection(self._address, timeout=LIMIT)
        ends = time.monotonic() + self._longest
        turn = number
        while not self._stop.is_set() and time.monotonic() < ends:
            turn += 1
            started = time.monotonic()
            failure, release = self._ask(connection, turn)
            self._note(failure, release, time.monotonic() - started)
            if failure:
                connection.close()
            self._stop.wait(self._pause)
        connection.close()

    def _ask(self, connection: http.client.HTTPConnection, turn: int) -> tuple[str | None, str | None]:
        """One request; the failure's name or None, and the release that answered."""
        try:
            if turn % 3 == 0:
                connection.request("POST", f"/api/msgs/{AUTHOR}", json.dumps({"content": f"note {turn}"}), _headers())
            else:
                connection.request("GET", "/release" if turn % 3 == 1 else "/public")
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            return type(error).__name__, None
        return (None if answer.status in (200, 204) else f"status {answer.status}"), answer.getheader("X-Release")

    def _note(self, failure: str | None, release: str | None, seconds: float) -> None:
        with self._guard:
            self.count.requests += 1
            self.count.slowest = max(self.count.slowest, seconds)
            if failure:
                self.count.failures[failure] += 1
            elif release:
                self.count.releases[release] = time.monotonic()


def _headers() -> dict[str, str]:
    return {"Authorization": SIMULATOR, "Content-Type": "application/json"}
