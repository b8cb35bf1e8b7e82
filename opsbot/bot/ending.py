"""The end of `serve`: SIGTERM and SIGINT are always heard, and what follows takes no longer than a bound, whatever hangs."""

from __future__ import annotations

import faulthandler
import os
import signal
import socket
import threading
import time
from contextlib import suppress

from opsbot import log

ENDS_WITHIN = 15.0  # seconds: 5 for the step at hand, 5 for the last words in chat, 5 for what closes connections

_log = log.get(__name__)


class Ending:
    """Sets `stop` when the program is told to end, and ends it by force if it has not ended `within` seconds later.

    What that leaves is what `kill -9` leaves: leases that expire, and an intention that the next owner asks about. The log
    then says where each thread hung.
    """

    def __init__(self, stop: threading.Event, within: float = ENDS_WITHIN) -> None:
        self._stop, self._within, self._status = stop, within, 0
        self._mouth: socket.socket | None = None

    def listen(self) -> None:
        """Hear signals from now on, in a thread of its own. For the main thread only, as Python wants it.

        A Python signal handler would wait until the main thread has time, and could not set an event that the main thread
        is just looking at. The byte that the interpreter writes for a signal waits for nobody.
        """
        ear, self._mouth = socket.socketpair()
        self._mouth.setblocking(False)
        signal.set_wakeup_fd(self._mouth.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        threading.Thread(target=self._end, args=(ear,), name="ending", daemon=True).start()

    def begin(self, status: int) -> None:
        """End as if a signal had come, with this exit status if it has to be by force."""
        self._status = status
        self._stop.set()
        if self._mouth is not None:
            with suppress(BlockingIOError):
                self._mouth.send(b"\0")

    def _end(self, ear: socket.socket) -> None:
        ear.recv(1)
        self._stop.set()
        time.sleep(self._within)
        _log.error("serve.ended_by_force", after=self._within)
        faulthandler.dump_traceback(all_threads=True)
        os._exit(self._status)
