"""The outcome of one look of a probe."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Outcome = Literal["ok", "bad", "no_answer"]


@dataclass(frozen=True)
class Result:
    """What a probe saw. `sentence` is for people; `seconds` is how long the look took."""

    outcome: Outcome
    sentence: str
    at: datetime
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Only `ok` is good: no answer is as bad as a bad one."""
        return self.outcome == "ok"
