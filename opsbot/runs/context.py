"""What the engine offers a step while it runs: progress, words, cancellation, time."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from opsbot.clock import Clock
from opsbot.errors import Cancelled, StepFailed, Unavailable
from opsbot.runs.lease import Lease, Pace
from opsbot.runs.step import Json
from opsbot.store import Store
from opsbot.store.leases import Lost

LOOK = 5.0  # seconds between looks at a step that may have become silent
NAP = 0.1  # seconds between checks while a step sleeps; a person who cancels waits no longer than they notice


@dataclass
class Signals:
    """Why a drive should stop: `leaving` (at the next step border) and `stopping` (now) are the whole engine's, `cancel` this run's."""

    stopping: threading.Event
    leaving: threading.Event = field(default_factory=threading.Event)
    cancel: threading.Event = field(default_factory=threading.Event)


@dataclass
class RunContext:
    """The `Context` of the step contract. `heeds_cancel` is False while undoing: that must come to its end.

    `by_hand` is set once a person completed this very step: {"by", "evidence", "outputs"}. `left`: nobody waits any more
    for the step that has this context.
    """

    store: Store
    clock: Clock
    pace: Pace
    lease: Lease
    signals: Signals
    run: str
    step: str
    actor: str
    environment: str | None
    deadline: datetime
    parked: Mapping[str, Json] | None = None
    answer: str | None = None
    heeds_cancel: bool = True
    quiet: float | None = None
    phase: str = "do"

    def __post_init__(self) -> None:
        self._guard = threading.Lock()
        self._polled = self._told = float("-inf")
        self._alive = began = self.clock.monotonic()
        self._ends = began + max(0.0, (self.deadline - self.clock.now()).total_seconds())
        self.by_hand: Mapping[str, Json] | None = None
        self._told_to_stop: float | None = None  # when a person did its work, or asked the run to stop
        self.left = False

    def progress(self, done: float, total: float, text: str = "") -> None:
        """Write a progress event, at most one a second, and always the last one."""
        with self._guard:
            self._alive = now = self.clock.monotonic()
            if self._unheard or (now - self._told < self.pace.progress and done < total):
                return
            self._told = now
        self._event("progress", {"step": self.step, "done": done, "total": total, "text": text})

    def say(self, text: str) -> None:
        """Write a line for the run's thread."""
        self._alive = self.clock.monotonic()
        if not self._unheard:
            self._event("say", {"step": self.step, "text": text})

    @property
    def interrupted(self) -> bool:
        """True when the run goes on elsewhere or later: the lease is lost or this engine stops."""
        return self.lease.lost.is_set() or self.signals.stopping.is_set()

    @property
    def _unheard(self) -> bool:
        return self.left or self.lease.lost.is_set()

    @property
    def overdue(self) -> Literal["timeout", "silent", "by_hand", "cancelled"] | None:
        """Why a step that does not look at the time itself is to be left behind now."""
        self._listen()
        now = self.clock.monotonic() - self.pace.deaf
        if self._told_to_stop is not None and now >= self._told_to_stop:
            return "by_hand" if self.by_hand is not None else "cancelled"
        if self.quiet is not None and now - self._alive >= self.quiet:
            return "silent"
        return "timeout" if now >= self._ends else None

    @property
    def watch_again(self) -> float:
        """Seconds until it can be overdue, and no more than it takes to notice when a clock is moved."""
        ends = self._ends if self.quiet is None else min(self._ends, self._alive + self.quiet)
        return min(LOOK, max(0.0, ends + self.pace.deaf - self.clock.monotonic()) + 0.001)

    @property
    def cancelled(self) -> bool:
        """True once the step should stop; asks the store twice a second at most."""
        if self.left or self.interrupted:
            return True
        self._listen()
        return self.by_hand is not None or (self.heeds_cancel and self.signals.cancel.is_set())

    def check(self) -> None:
        """Raise Cancelled if `cancelled`, StepFailed if the step's time is over, or nothing was heard of it for too long."""
        if self.cancelled:
            raise Cancelled("The run was asked to stop.")
        if self.quiet is not None and self.clock.monotonic() - self._alive >= self.quiet:
            what = f"Nothing was heard of the step for {self.quiet:g} s."
            raise StepFailed(what, "Look at what it waited for, then try again.", code="silent")
        if self.clock.now() >= self.deadline:
            raise StepFailed("The step took too long.", "Look at what it waited for, then try again.", code="timeout")

    def sleep(self, seconds: float) -> None:
        """Wait, and `check` several times a second."""
        end = self.clock.monotonic() + seconds
        self.check()
        while (left := end - self.clock.monotonic()) > 0:
            self.clock.sleep(min(NAP, left))
            self.check()

    def _listen(self) -> None:
        """Hear what people told the run, through whatever process."""
        with self._guard:
            now = self.clock.monotonic()
            if now - self._polled < self.pace.cancel_poll:
                return
            self._polled = now
        try:
            cancel_by, by_hand = self.store.runs.told(self.run)
        except Unavailable:
            return  # nobody can have told anything through a store that does not answer
        if cancel_by is not None:
            self.signals.cancel.set()
        if by_hand and (by_hand.get("step"), by_hand.get("phase")) == (self.step, self.phase):
            self.by_hand = by_hand
        if self.by_hand is not None or (cancel_by is not None and self.heeds_cancel):
            self._told_to_stop = self._told_to_stop or self.clock.monotonic()

    def _event(self, kind: str, body: Mapping[str, Json]) -> None:
        try:
            self.store.events.add(self.run, kind, body, self.clock.now(), self.lease.owner)
        except Lost:
            self.lease.lost.set()
        except Unavailable:
            return  # only words are lost; the step's work goes on and its result is written with the journal
