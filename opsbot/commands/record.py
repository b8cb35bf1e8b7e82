"""Rows for the audit that no run writes: what was refused or noted. What cannot be written now is written as soon as it can."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import replace
from datetime import datetime

from opsbot import log, metrics
from opsbot.clock import Clock, ago
from opsbot.commands import say
from opsbot.errors import OpsError, Unavailable
from opsbot.store.audit import Audit
from opsbot.store.rows import Entry

KEPT = 500  # rows that wait in memory; of further ones only the number is kept
MISSING = "audit rows"  # what a row is about that says how many could not be kept
OURSELVES = {"kind": "recovery", "id": "recovery", "name": "opsbot"}

_log = log.get(__name__)


class Record:
    """Used by several threads. A row that had to wait says since when (`late_since`)."""

    def __init__(self, audit: Audit, clock: Clock) -> None:
        self._audit, self._clock = audit, clock
        self._guard = threading.Lock()
        self._waiting: deque[tuple[datetime, Entry]] = deque()
        self._lost = 0
        self._since: datetime | None = None  # the oldest moment of which a row is missing

    def add(self, entry: Entry) -> None:
        """One row. It never raises: that it cannot be written must not hide the answer to what was already decided."""
        self.catch_up()
        if not self._waiting and self._written(entry):
            return
        metrics.AUDIT_UNWRITTEN.inc()
        with self._guard:
            self._since = self._since or self._clock.now()
            if len(self._waiting) < KEPT:
                self._waiting.append((self._clock.now(), entry))
            else:
                self._lost += 1

    def catch_up(self) -> None:
        """Write what waits, oldest first, until a row cannot be written; then how many could not be kept."""
        while self._waiting and self._write_first():
            pass
        with self._guard:
            lost, over = self._lost, not self._waiting
        if lost and over and self._written(Entry(OURSELVES, "web", MISSING, None, "lost", {"rows": lost})):
            with self._guard:
                self._lost -= lost
        with self._guard:
            if not self._waiting and not self._lost:
                self._since = None

    def missing(self) -> None:
        """Unavailable while rows are missing."""
        with self._guard:
            count, since = len(self._waiting) + self._lost, self._since
        if since is None:
            return
        what = (
            f"{say.number(count, 'row')} of the audit could not be written, the first {ago(since, self._clock.now())}."
        )
        raise Unavailable(what, "I keep them and try again; the log has each.", code="audit_unwritten")

    def _write_first(self) -> bool:
        with self._guard:
            if not self._waiting:
                return False
            at, entry = self._waiting.popleft()
        written = False
        try:
            written = self._written(replace(entry, body={**entry.body, "late_since": at.isoformat()}))
        finally:
            if not written:
                with self._guard:
                    self._waiting.appendleft((at, entry))
        return written

    def _written(self, entry: Entry) -> bool:
        try:
            self._audit.add(
                self._clock.now(), entry.actor, entry.door, entry.what, entry.target, entry.outcome, entry.body
            )
        except OpsError as error:
            _log.error(
                "audit.unwritten", what=entry.what, target=entry.target, outcome=entry.outcome,
                actor=entry.actor.get("id"), why=error,
            )  # fmt: skip
            return False
        return True
