"""People who read and post through an edge while something is done to what is behind it."""

from __future__ import annotations

import threading
from collections import Counter

import requests


class Clients:
    """Clients that read and post through the edge without pause until the block ends."""

    def __init__(self, url: str, clients: int = 6) -> None:
        self._url, self._stop = url, threading.Event()
        self.answers: Counter[str] = Counter()
        self._guard = threading.Lock()
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(clients)]

    def __enter__(self) -> Clients:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *ended: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, number: int) -> None:
        with requests.Session() as session:
            session.trust_env = False
            turn = number
            while not self._stop.is_set():
                turn += 1
                try:
                    if turn % 3 == 0:
                        answer = session.post(f"{self._url}/login", {"username": "x", "password": "y"}, timeout=5)
                    else:
                        answer = session.get(f"{self._url}/public", timeout=5)
                    kind = str(answer.status_code)
                except requests.RequestException as error:
                    kind = type(error).__name__
                with self._guard:
                    self.answers[kind] += 1
