"""What has happened on the pretended stack before a test begins, and a clock that leaps over what would be waited for."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from opsbot.store import Store


@dataclass
class LeapingClock:
    """The machine's clock and what was leapt over."""

    leapt: timedelta = field(default_factory=timedelta)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.leapt

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(min(seconds, 0.001))


def history(store: Store) -> None:
    """In staging v1 served and v2 serves; production runs v3."""
    now = datetime.now(UTC)
    for environment, tag in (("staging", "v1"), ("staging", "v2"), ("production", "v3")):
        row = store.releases.add(
            environment, "web", f"web@{tag}", tag, tag, None, {}, {}, {}, None, f"r-{environment}-{tag}", "alice", now
        )
        store.releases.mark(environment, "web", row.number, "live", None, now)
