"""gunicorn's threaded worker, which closes its door when it is told to stop."""

from __future__ import annotations

import select
from typing import Any

from gunicorn.workers.gthread import ThreadWorker


class Worker(ThreadWorker):  # type: ignore[misc] # gunicorn leaves it untyped
    """Left alone, a worker that finishes a long request keeps its port open without looking at it: whoever comes
    meanwhile is connected by the kernel and waits in vain, instead of being sent to the next replica at once.
    """

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
