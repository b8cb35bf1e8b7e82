"""Drives every run that is due: a few threads, one that looks; waiting runs hold none."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from opsbot import log
from opsbot.errors import OpsError

WORKERS = 8  # backups and restores may take hours, and a rollback must not wait for four of them
LOOK_EVERY = 0.25  # seconds between looks for runs that are due; `nudge` looks at once
LEAVES_WITHIN = 8.0  # seconds: the pace's drain, and what a step then needs to notice

_log = log.get(__name__)


class Drives(Protocol):
    """What the pool needs of the engine."""

    def due(self) -> list[str]: ...
    def drive(self, run: str) -> str: ...
    def stop(self) -> None: ...


class Pool:
    """`news()` is called after each turn of a run, so that what it said can be told."""

    def __init__(self, engine: Drives, workers: int = WORKERS, news: Callable[[], None] = lambda: None) -> None:
        self._engine, self.news = engine, news
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="run")
        self._driven: set[str] = set()
        self._guard = threading.Condition()
        self._stopped, self._nudged = threading.Event(), threading.Event()
        self._looker = threading.Thread(target=self._look, name="runs", daemon=True)

    def start(self) -> None:
        """Begin to drive."""
        self._looker.start()

    def nudge(self) -> None:
        """A run was submitted: look now."""
        self._nudged.set()

    def leave(self) -> None:
        """Take no run any more, and let go of each at its next border. Returns at once."""
        self._stopped.set()
        self._nudged.set()
        self._engine.stop()

    def stop(self, within: float = LEAVES_WITHIN) -> bool:
        """Leave, and return when no run is driven here. False: after `within` seconds a step still did not listen.

        That one keeps its thread and its lease until the program ends; then the next owner asks what it did.
        """
        if not self._stopped.is_set():
            self.leave()
        self._looker.join(within)
        self._threads.shutdown(wait=False)
        with self._guard:
            left = self._guard.wait_for(lambda: not self._driven, within)
            if not left:
                _log.warning("runs.not_left", runs=",".join(sorted(self._driven)))
        return left

    @property
    def alive(self) -> bool:
        """Whether somebody looks."""
        return self._looker.is_alive()

    def _look(self) -> None:
        while not self._stopped.is_set():
            try:
                self._take(self._engine.due())
            except OpsError as error:
                _log.warning("runs.not_read", why=error)
                self._stopped.wait(1.0)
            except Exception:  # noqa: BLE001 - whoever looks must never die: nothing would be driven any more
                _log.exception("runs.not_read")
                self._stopped.wait(1.0)
            self._nudged.wait(LOOK_EVERY)
            self._nudged.clear()

    def _take(self, due: list[str]) -> None:
        with self._guard:
            fresh = [run for run in due if run not in self._driven]
            self._driven.update(fresh)
        for run in fresh:
            self._threads.submit(self._drive, run)

    def _drive(self, run: str) -> None:
        try:
            self._engine.drive(run)
        except OpsError as error:
            _log.warning("run.stalled", run=run, why=error)
        except Exception:  # noqa: BLE001 - one broken run must not end the pool; the log gets all of it
            _log.exception("run.broken", run=run)
        finally:
            with self._guard:
                self._driven.discard(run)
                self._guard.notify_all()
            self.news()
            self._nudged.set()
