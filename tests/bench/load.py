"""Closed-loop HTTP clients: each asks again as soon as it was answered."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from urllib.parse import urlsplit

from tests.bench.rows import percentile
from tests.bench.world import NotMeasured

TIMEOUT = 10.0


@dataclass
class Load:
    """What clients saw: seconds of each proper answer, failures by kind, and for how long they asked."""

    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    lasted: float = 0.0

    @property
    def rate(self) -> float:
        """Proper answers a second."""
        return len(self.seconds) / self.lasted

    def at(self, share: float) -> float:
        """A percentile of the answers, in milliseconds."""
        return percentile(self.seconds, share) * 1000

    def __iadd__(self, other: Load) -> Load:
        self.seconds += other.seconds
        self.failures += other.failures
        self.lasted += other.lasted
        return self


def ask(url: str, path: str, clients: int, seconds: float, headers: Mapping[str, str] | None = None) -> Load:
    """GET the path for so long; NotMeasured if anything but 200 came back."""
    load = Load()
    ends = time.monotonic() + seconds
    threads = [
        threading.Thread(target=_client, args=(urlsplit(url).netloc, path, dict(headers or {}), ends, load))
        for _ in range(clients)
    ]
    _together(threads)
    load.lasted = seconds
    if load.failures or not load.seconds:
        raise NotMeasured(f"{path}: {len(load.failures)} requests failed, the first with {load.failures[:1]}")
    return load


def _client(address: str, path: str, headers: dict[str, str], ends: float, load: Load) -> None:
    connection = http.client.HTTPConnection(address, timeout=TIMEOUT)
    while (started := time.monotonic()) < ends:
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            load.failures.append(type(error).__name__)
            break
        if answer.status != 200:
            load.failures.append(f"status {answer.status}")
            break
        load.seconds.append(time.monotonic() - started)
    connection.close()


def _together(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Gaps:
    """`with Gaps(attempts) as gaps: …`, then `gaps.longest()`. Each client repeats its attempt, which is true if it worked."""

    def __init__(self, attempts: Sequence[Callable[[], bool]], pause: float = 0.002) -> None:
        self._pause, self._over = pause, threading.Event()
        self._worked: list[list[float]] = [[] for _ in attempts]
        self._threads = [threading.Thread(target=self._client, args=each) for each in enumerate(attempts)]

    def __enter__(self) -> Gaps:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def longest(self) -> float:
        """The longest time between two successes of one client, in seconds."""
        return max(later - earlier for moments in self._worked for earlier, later in pairwise(moments))

    def _client(self, number: int, attempt: Callable[[], bool]) -> None:
        while not self._over.is_set():
            if attempt():
                self._worked[number].append(time.monotonic())
            time.sleep(self._pause)
