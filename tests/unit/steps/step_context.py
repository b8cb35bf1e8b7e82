"""The context of a step that runs alone."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from opsbot.errors import Cancelled


@dataclass
class Alone:
    """Remembers what the step says; `cancel_after` seconds from its making, somebody asks to stop."""

    run: str = "rabcde"
    step: str = "a"
    actor: str = "alice"
    environment: str | None = "staging"
    parked: Mapping[str, Any] | None = None
    answer: str | None = None
    cancel_after: float = 1e9
    said: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    _made: float = field(default_factory=time.monotonic)

    def progress(self, done: float, total: float, text: str = "") -> None:
        self.told.append(text)

    def say(self, text: str) -> None:
        self.said.append(text)

    @property
    def cancelled(self) -> bool:
        return time.monotonic() - self._made > self.cancel_after

    def check(self) -> None:
        if self.cancelled:
            raise Cancelled("Somebody asked to stop.")

    def sleep(self, seconds: float) -> None:
        end = time.monotonic() + min(seconds, 0.05)
        while time.monotonic() < end:
            self.check()
            time.sleep(0.01)
