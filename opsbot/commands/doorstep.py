"""Who is turned away before there is a command: in the audit, but at most one row per door, reason and minute."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from opsbot.clock import Clock
from opsbot.commands.record import Record
from opsbot.store.rows import Entry

EVERY = 60.0  # seconds between two rows of one kind: a stranger must not fill the record
NAMED = 5  # addresses that a row names
STRANGER: Mapping[str, Any] = {"kind": "unknown", "id": "unknown", "name": "somebody unknown"}


@dataclass
class _Turned:
    """What happened at one door for one reason since its last row, at `told` of the monotonic clock."""

    actor: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""
    count: int = 0
    sources: dict[str, None] = field(default_factory=dict)
    told: float | None = None

    def add(self, actor: Mapping[str, Any], why: str, source: str) -> None:
        if not self.count:
            self.actor, self.why = actor, why
        self.count += 1
        if source and len(self.sources) < NAMED:
            self.sources[source] = None

    def take(self, door: str, code: str, now: float) -> Entry:
        often = [f"{self.count} times"] if self.count > 1 else []
        origin = [f"from {', '.join(self.sources)}"] if self.sources else []
        more = " ".join([*often, *origin])
        why = f"{self.why} {more[0].upper()}{more[1:]}." if more else self.why
        body = {"why": why, "count": self.count, "from": list(self.sources)}
        entry = Entry(self.actor, "web", door, None, code, body)
        self.count, self.sources, self.told = 0, {}, now
        return entry


class Doorstep:
    """The doors of the web server report here. Doors and codes are ours, so what is kept is bounded, too."""

    def __init__(self, record: Record, clock: Clock) -> None:
        self._record, self._clock = record, clock
        self._guard = threading.Lock()
        self._turned: dict[tuple[str, str], _Turned] = {}

    def refused(self, door: str, code: str, why: str, source: str = "", actor: Mapping[str, Any] = STRANGER) -> None:
        """Somebody was turned away at a door; `source`: the address that the call came from, as far as we see it."""
        with self._guard:
            self._turned.setdefault((door, code), _Turned()).add(actor, why, source)
        self._write(everything=False)

    def tell(self, *, everything: bool = False) -> None:
        """Write the rows whose minute is over, or all of them; and what the record could not take before.

        To be called now and then: whoever is turned away must not make us try that again and again.
        """
        self._write(everything=everything)
        self._record.catch_up()

    def _write(self, *, everything: bool) -> None:
        now = self._clock.monotonic()
        with self._guard:
            due = [
                turned.take(door, code, now)
                for (door, code), turned in self._turned.items()
                if turned.count and (everything or turned.told is None or now - turned.told >= EVERY)
            ]
        for entry in due:
            self._record.add(entry)
