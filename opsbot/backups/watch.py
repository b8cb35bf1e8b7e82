"""Stopping work that blocks: `check` is asked several times a second beside it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

from opsbot.log import get

_log = get(__name__)


class Follower(Protocol):
    """Who follows a long piece of work: is told of progress, and may stop it."""

    def progress(self, done: float, total: float, text: str = "") -> None:
        """How far it is; cheap, called often."""

    def check(self) -> None:
        """Raise to stop the work."""


class Nobody:
    """A Follower that neither listens nor stops."""

    def progress(self, done: float, total: float, text: str = "") -> None:
        return None

    def check(self) -> None:
        return None


class Watch:
    """While it is open, `check` runs every `every` seconds in a thread; when it raises, `stop` is called until it works.

    At the end what `check` raised is raised in place of whatever the stop made the body raise."""

    def __init__(self, check: Callable[[], None], stop: Callable[[], None], every: float = 0.2) -> None:
        self._check, self._stop, self._every = check, stop, every
        self._over = threading.Event()
        self._raised: BaseException | None = None
        self._thread = threading.Thread(target=self._look, name="watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        if self._raised is not None:
            raise self._raised from error

    def _look(self) -> None:
        while not self._over.wait(self._every):
            try:
                self._check()
            except BaseException as error:  # noqa: BLE001 - whatever it is, it is raised again by __exit__
                self._raised = error
                self._end()
                return

    def _end(self) -> None:
        """A stop that fails (the engine is away for a moment) would let what was cancelled go on to its end."""
        while True:
            try:
                self._stop()
            except Exception as error:  # noqa: BLE001 - whatever it is, the work must not go on
                _log.warning("watch.stop", error=error)
            else:
                return
            if self._over.wait(self._every):
                return
