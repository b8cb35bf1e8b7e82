"""Room for a full disk: a ballast file beside a SQLite store, given back so that what runs can be written to its end."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from opsbot import log

BALLAST = 4 << 20  # bytes; SQLite's write-ahead log grows to about as much before it starts again
LOW = 512 << 10  # bytes; a run of ten steps writes about as much

FULL = "The bot's own state cannot be written: disk full."

_log = log.get(__name__)


Room = tuple[int, int]  # bytes: free, in all


def _room(path: Path) -> Room:
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize


class Space:
    """store.space. Without a file of our own (Postgres) there is nothing to keep, and `short` is always None."""

    def __init__(self, store: Path | None, room: Callable[[Path], Room] = _room) -> None:
        self._store, self._room = store, room
        self._ballast = store.with_name(f"{store.name}.ballast") if store else None

    def keep(self) -> None:
        """Lay the ballast if it is not there and the disk has room for twice as much: what was given back is not taken again."""
        if self._store is None or self._ballast is None or self._ballast.exists():
            return
        free, size = self._free_and_wanted(self._store)
        if free < 2 * size + LOW:
            return
        try:
            with self._ballast.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            self._ballast.unlink(missing_ok=True)
            _log.warning("space.no_ballast", why=error)

    def release(self) -> bool:
        """Give the ballast back; False = it was given back already."""
        if self._ballast is None or not self._ballast.exists():
            return False
        self._ballast.unlink(missing_ok=True)
        _log.warning("space.ballast_released", store=self._store)
        return True

    def short(self) -> str | None:
        """A sentence while the disk has no room for new changes, otherwise None. Gives the ballast back, or lays it again."""
        if self._store is None or self._ballast is None:
            return None
        free, size = self._free_and_wanted(self._store)
        if free < LOW:
            self.release()
            return FULL
        if self._ballast.exists():
            return None
        self.keep()
        return FULL if free < 2 * size + LOW else None

    def _free_and_wanted(self, store: Path) -> Room:
        """Bytes that are free, and the size of a ballast on this disk. Where that cannot be known, there is plenty."""
        try:
            free, total = self._room(store.parent)
        except OSError:
            return 4 * BALLAST, BALLAST
        return free, min(BALLAST, total // 8)
