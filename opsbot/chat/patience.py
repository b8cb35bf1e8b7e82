"""Whoever waits longer than a moment is told that the words arrived. One thread looks after everybody who waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from opsbot.chat.slack import Ask

LOOK_EVERY = 0.25  # seconds


class Patience:
    """Calls `calm(ask)` once for every Ask that takes longer than `soon` seconds."""

    def __init__(self, soon: float, calm: Callable[[Ask], None]) -> None:
        self._soon, self._calm = soon, calm
        self._waiting: dict[str, tuple[float, Ask]] = {}
        self._guard = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._look, name="patience", daemon=True)

    @contextmanager
    def of(self, ask: Ask) -> Iterator[None]:
        """While the Ask is being worked on."""
        with self._guard:
            self._waiting[ask.key] = (time.monotonic() + self._soon, ask)
            if self._thread.ident is None:
                self._thread.start()
        try:
            yield
        finally:
            with self._guard:
                self._waiting.pop(ask.key, None)

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _look(self) -> None:
        while not self._stopped.wait(LOOK_EVERY):
            now = time.monotonic()
            with self._guard:
                late = [(key, ask) for key, (until, ask) in self._waiting.items() if until <= now]
                for key, _ask in late:
                    del self._waiting[key]
            for _key, ask in late:
                self._calm(ask)
