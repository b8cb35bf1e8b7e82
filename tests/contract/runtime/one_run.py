"""The context of a step, for tests that call steps without an engine."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any

from opsbot.errors import Cancelled


class Run:
    """The context of one run: remembers what was said, can be cancelled at a word of the progress."""

    def __init__(self, cancel_at: str = "", parked: Mapping[str, Any] | None = None) -> None:
        self.run, self.step, self.actor, self.environment = uuid.uuid4().hex[:10], "step", "alice", "test"
        self.parked, self.answer = parked, None
        self.told: list[str] = []
        self.said: list[str] = []
        self._cancel_at = cancel_at
        self._stop = False

    def progress(self, done: float, total: float, text: str = "") -> None:
        self.told.append(text)
        self._stop |= bool(self._cancel_at) and self._cancel_at in text

    def say(self, text: str) -> None:
        self.said.append(text)

    @property
    def cancelled(self) -> bool:
        return self._stop

    def check(self) -> None:
        if self._stop:
            raise Cancelled("Somebody stopped it.")

    def sleep(self, seconds: float) -> None:
        self.check()
        time.sleep(seconds)
