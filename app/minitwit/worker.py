"""gunicorn's threaded worker, which takes no more than it can answer, and closes its door when it is told to stop."""

from __future__ import annotations

import contextlib
import select
from typing import Any

from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker


class Worker(ThreadWorker):  # type: ignore[misc] # gunicorn leaves it untyped
    """Left alone, a worker that finishes a long request keeps its port open without looking at it: whoever comes
    meanwhile is connected by the kernel and waits in vain, instead of being sent to the next replica at once.
    """

    def handle(self, conn: Any) -> Any:
        """Answer, and where the connection ends with that, see to its end here in the thread.

        Left alone, the one thread that takes connections would wait for each of them until the other end closes it.
        """
        goes_on = super().handle(conn)
        if not goes_on:
            with contextlib.suppress(OSError):  # closed already
                conn.close(graceful=True)
        return goes_on

    def finish_request(self, conn: Any, fs: Any) -> None:
        """Forget a connection that has ended; another one is kept for its next request."""
        if conn.sock.fileno() < 0:
            self.nr_conns -= 1
        else:
            super().finish_request(conn, fs)

    def set_accept_enabled(self, enabled: bool) -> None:
        """Take connections or not; called with False for good when the worker was told to stop."""
        super().set_accept_enabled(enabled)
        if enabled or self.alive:
            return
        for listener in self.sockets:
            self._close(listener)

    def _close(self, listener: Any) -> None:
        # Who was connected before still gets an answer. Another worker may be quicker, then this accepts nobody.
        for _ in range(self.cfg.backlog):
            if not select.select([listener], [], [], 0)[0]:
                break
            self.accept(listener)
        listener.close()


class Log(Logger):  # type: ignore[misc] # gunicorn leaves it untyped
    """gunicorn's messages without its line for each request, which the application writes itself."""

    def access(self, *_: object) -> None:
        """Say nothing, and gather nothing for it."""
