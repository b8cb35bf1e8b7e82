"""One simulated caller: HTTP with a time limit, every answer and every failure counted."""

from __future__ import annotations

import threading
import time
from array import array
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import requests

AUTHORIZATION = "Basic c2ltdWxhdG9yOnN1cGVyX3NhZmUh"


@dataclass
class Tally:
    """What happened so far; shared by all threads. Seconds are counted from the start of the simulation."""

    started: float = field(default_factory=time.monotonic)
    requests: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    errors_by_second: defaultdict[int, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    releases: Counter[str] = field(default_factory=Counter)
    began: array[float] = field(default_factory=lambda: array("d"))
    ended: array[float] = field(default_factory=lambda: array("d"))
    good: bytearray = field(default_factory=bytearray)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def count(self, began: float, ended: float, error: str | None, release: str | None) -> None:
        """Record one request: its monotonic times, what was wrong with it, which release answered."""
        with self._lock:
            self.requests += 1
            self.began.append(began - self.started)
            self.ended.append(ended - self.started)
            self.good.append(error is None)
            if release:
                self.releases[release] += 1
            if error:
                self.errors[error] += 1
                self.errors_by_second[int(ended - self.started)][error] += 1

    def durations(self) -> list[float]:
        """What each request took, in seconds, shortest first."""
        return sorted(ended - began for began, ended in zip(self.began, self.ended, strict=True))

    def downtime(self) -> list[tuple[float, float]]:
        """From when until when nothing worked: from the start of a request that failed to the end of the next good one.

        Only a request that began later counts as the next. The pace is the precision: at 20 requests a second 0.05 s.
        """
        spans: list[tuple[float, float]] = []
        since: float | None = None
        for began, ended, good in sorted(zip(self.began, self.ended, self.good, strict=True), key=lambda one: one[1]):
            if not good and since is None:
                since = began
            elif good and since is not None and began > since:
                spans.append((since, ended))
                since = None
        if since is not None:
            spans.append((since, max(self.ended)))
        return spans


class Caller:
    """Sends requests over one kept connection. Not for several threads."""

    def __init__(self, url: str, tally: Tally, limit: float) -> None:
        self._url = url.rstrip("/")
        self._tally = tally
        self._limit = limit
        self._http = requests.Session()
        self._http.trust_env = False

    def call(
        self, method: str, path: str, *, expect: int = 200, body: Any = None, **query: int
    ) -> requests.Response | None:
        """The answer, or None when there was none in time or its status is not `expect`; counted either way."""
        began = time.monotonic()
        answer, error = self._send(method, path, body, query)
        ended = time.monotonic()
        if answer is not None and error is None:
            error = self._fault(answer, expect, ended - began)
        self._tally.count(began, ended, error, answer.headers.get("X-Release") if answer is not None else None)
        return answer if error is None else None

    def _send(
        self, method: str, path: str, body: Any, query: dict[str, int]
    ) -> tuple[requests.Response | None, str | None]:
        try:
            answer = self._http.request(
                method,
                self._url + path,
                json=body,
                params=query,
                timeout=self._limit,
                headers={"Authorization": AUTHORIZATION},
                allow_redirects=False,
            )
        except requests.Timeout:
            return None, "timeout"
        except requests.ConnectionError:
            return None, "connection"
        except requests.RequestException as error:
            return None, type(error).__name__
        return answer, None

    def _fault(self, answer: requests.Response, expect: int, seconds: float) -> str | None:
        if answer.status_code != expect:
            return f"status_{answer.status_code}"
        return "timeout" if seconds > self._limit else None
