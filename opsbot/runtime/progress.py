"""What long work here tells and asks the one who started it; a step's context fits."""

from __future__ import annotations

import time
from typing import Protocol

from opsbot.errors import StepFailed


class Progress(Protocol):
    """Told how far work is, asked whether to go on."""

    def progress(self, done: float, total: float, text: str = "") -> None:
        """How far the work is."""

    def say(self, text: str) -> None:
        """A line that people read."""

    def check(self) -> None:
        """Raise Cancelled, or StepFailed when the time is over."""

    def sleep(self, seconds: float) -> None:
        """Wait, with `check` several times a second."""


class Nobody:
    """A Progress that neither listens nor stops."""

    def progress(self, done: float, total: float, text: str = "") -> None:
        return None

    def say(self, text: str) -> None:
        return None

    def check(self) -> None:
        return None

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class RolloutFailed(StepFailed):
    """A service, or a program of its image, did not work. `details`: the container's last words, as lines of text."""

    code = "rollout_failed"

    def __init__(
        self, what: str, fix: str = "", *, details: str = "", code: str | None = None, untouched: bool = False
    ) -> None:
        super().__init__(what, fix, code=code)
        self.details, self.untouched = details, untouched

    def as_json(self) -> dict[str, object]:
        """As every error, with `details`."""
        return {**super().as_json(), "details": self.details}
