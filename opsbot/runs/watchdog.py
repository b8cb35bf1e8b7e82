"""A step's work in a thread of its own, so that one which hangs and listens to nobody does not hold its run for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from opsbot import log
from opsbot.errors import StepFailed
from opsbot.runs.context import RunContext

Work = TypeVar("Work")

_WHY = {
    "timeout": "The step went on after its time was over",
    "silent": "Nothing was heard of the step",
    "by_hand": "The step was completed by hand",
    "cancelled": "The run was asked to stop",
}
_log = log.get(__name__)


class Hung(StepFailed):
    """The step was left behind: its time was over, or it was silent for too long, and it did not end by itself."""


def watched(ctx: RunContext, work: Callable[[], Work]) -> Work:
    """What `work` returns or raises. Hung (`timeout`, `silent`, `by_hand`, `cancelled`) if it does not end by itself the pace's `deaf` later.

    Nobody can end a thread. The one that is left behind learns it when it next asks its context, and ends with the
    program at the latest; what it did is found as after a crash.
    """
    ended, found, failed = threading.Event(), list[Work](), list[BaseException]()

    def run() -> None:
        try:
            found.append(work())
        except BaseException as error:  # noqa: BLE001 - it is raised again where somebody waits for it
            failed.append(error)
        finally:
            ended.set()

    threading.Thread(target=run, name=f"step-{ctx.run}-{ctx.step}", daemon=True).start()
    try:
        while not ended.wait(ctx.watch_again):
            if why := ctx.overdue:
                _log.warning("step.left", run=ctx.run, step=ctx.step, why=why)
                raise Hung(f"{_WHY[why]}, and it did not stop when told.", "Look at what it waited for.", code=why)
    finally:
        ctx.left = not ended.is_set()
    if failed:
        raise failed[0]
    return found[0]
