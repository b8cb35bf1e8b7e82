"""Holding a run: taking its lease, keeping it by a heartbeat, knowing when it is lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType

from opsbot import log
from opsbot.clock import Clock
from opsbot.errors import Unavailable
from opsbot.store import Store

_log = log.get(__name__)


@dataclass(frozen=True)
class Pace:
    """How fast the engine's wheels turn, in seconds; tests use milliseconds."""

    expiry: float = 30.0
    heartbeat: float = 5.0
    cancel_poll: float = 0.5
    progress: float = 1.0
    backoff: float = 1.0
    follow: float = 0.1
    drain: float = 5.0  # how long a step may go on after the engine was told to stop
    deaf: float = 30.0  # how long after its time a step may still end by itself, before it is left behind
    patience: float = 900.0  # how long a queued run waits for a part that does not answer


class Lease:
    """The held lease of a run. `lost` is set as soon as it is not ours, or could not be renewed until it expired."""

    def __init__(self, store: Store, clock: Clock, run: str, owner: str, pace: Pace) -> None:
        self._store, self._clock, self._pace = store, clock, pace
        self.run, self.owner = run, owner
        self.lost = threading.Event()
        self._closed = threading.Event()
        self._renewed = clock.monotonic()
        self._thread = threading.Thread(target=self._beat, name=f"lease-{run}", daemon=True)

    def __enter__(self) -> Lease:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()
        self._thread.join()
        try:
            self._store.leases.release(f"run:{self.run}", self.owner)
        except Unavailable as unavailable:
            _log.warning("lease.release", run=self.run, error=unavailable.what)  # it expires by itself

    def _beat(self) -> None:
        while not self._closed.wait(self._pace.heartbeat) and not self.lost.is_set():
            asked = self._clock.monotonic()
            try:
                ours = self._store.leases.renew(f"run:{self.run}", self.owner, self._pace.expiry, self._clock.now())
            except Unavailable:
                ours = self._clock.monotonic() - self._renewed < self._pace.expiry
            else:
                self._renewed = asked
            if not ours:
                _log.warning("lease.lost", run=self.run, owner=self.owner)
                self.lost.set()


@contextmanager
def held(store: Store, clock: Clock, run: str, owner: str, pace: Pace) -> Iterator[Lease | None]:
    """The run's lease for the length of the block, or None if somebody else drives the run."""
    if not store.leases.take(f"run:{run}", owner, pace.expiry, clock.now()):
        yield None
        return
    with Lease(store, clock, run, owner, pace) as lease:
        yield lease
