"""What chat does about runs, without its loops: the real letters, outbox and delivery on some client of Slack's API."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from opsbot.chat.delivery import Delivery
from opsbot.chat.mailer import Mailer
from opsbot.chat.outbox import Outbox
from opsbot.chat.thread import Runs
from opsbot.clock import Clock
from opsbot.commands.reply import Reply
from opsbot.store import Store

TRIES = 10
SWEEPS = 4  # details follow their message one sweep later


class Telling:
    """`now` says everything that is to be said, in the caller's thread, and nothing is said otherwise."""

    def __init__(self, store: Store, clock: Clock, client: Any, card: Callable[[str], Reply], channel: str) -> None:
        self._store, self._clock = store, clock
        self._outbox = Outbox(Delivery(Mailer(client), store), clock)
        self._runs = Runs(store, clock, self._outbox, card, lambda _environment: channel)

    def now(self) -> None:
        """Every run's message shows what the store holds."""
        for _ in range(SWEEPS):
            if not self._store.events.runs_behind():
                return
            self._runs.sweep()
            self._send()
        raise AssertionError("chat does not catch up with the store")

    def _send(self) -> None:
        while True:
            lane, letter, _ = self._outbox._next(math.inf)  # no edit is spaced here: only the order counts
            if lane is None or letter is None:
                return
            self._outbox._send(lane, letter)
            assert lane.failures < TRIES, "Slack does not take it"
            if lane.failures:
                time.sleep(max(0.0, lane.until - self._clock.monotonic()))
