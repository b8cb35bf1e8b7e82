"""Locks and freezes that people put: notes that every change heeds before it begins."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from opsbot.clock import Clock
from opsbot.errors import NotFound
from opsbot.runs import gate
from opsbot.store import Store
from opsbot.store.rows import Entry, HoldRow

Kind = Literal["lock", "freeze"]


class Restraints:
    """Targets are `all`, an environment, or `environment/service`. `by` is an actor {"id", "name"}."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def list(self) -> list[HoldRow]:
        """What counts now."""
        return self._store.holds.list(self._clock.now())

    def lock(self, target: str, by: Mapping[str, Any], reason: str, expires: datetime | None, door: str) -> HoldRow:
        """Keep everybody else's changes off a target. Refused("locked") if somebody else has locked it."""
        return self._put("lock", target, by, reason, expires, door)

    def freeze(self, target: str, by: Mapping[str, Any], reason: str, expires: datetime | None, door: str) -> HoldRow:
        """Let a target rest: others' changes are refused, but for a way back. Refused("frozen") if somebody else froze it."""
        return self._put("freeze", target, by, reason, expires, door)

    def unlock(self, target: str, by: Mapping[str, Any], door: str) -> HoldRow:
        """Lift a lock, whoever put it; returns what it was. NotFound if there is none."""
        return self._lift("lock", target, by, door)

    def unfreeze(self, target: str, by: Mapping[str, Any], door: str) -> HoldRow:
        """Lift a freeze, whoever put it; returns what it was. NotFound if there is none."""
        return self._lift("freeze", target, by, door)

    def _put(
        self, kind: Kind, target: str, by: Mapping[str, Any], reason: str, expires: datetime | None, door: str
    ) -> HoldRow:
        now, who = self._clock.now(), str(by.get("name") or by.get("id"))
        hold = HoldRow(kind, target, str(by.get("id")), who, reason, now, expires)
        body = {"reason": reason, "until": expires.isoformat() if expires else None}
        other = self._store.holds.put(hold, Entry(by, door, kind, target, "ok", body))
        if other is not None:
            raise gate.held_by_person(other, now)
        return hold

    def _lift(self, kind: Kind, target: str, by: Mapping[str, Any], door: str) -> HoldRow:
        gone = self._store.holds.remove(kind, target, Entry(by, door, f"un{kind}", target, "ok", {}), self._clock.now())
        if gone is None:
            raise NotFound(f"There is no {kind} on {target}.", "`locks` shows what there is.")
        return gone
