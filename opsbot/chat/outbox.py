"""Everything that is said in Slack goes out here: one ordered lane per channel, one letter at a time.

1. A letter waits in its channel's lane; a newer one for the same live message takes its place (edits coalesce).
2. The first due letter is sent. Posts and changes of state are due at once, progress edits are spaced.
3. `Retry-After`, lost connections and Slack's own errors pause the lane; nothing is dropped for them.
4. A post whose answer was lost is looked for in the channel before it is made again.
"""

from __future__ import annotations

import random
import threading
from collections import OrderedDict
from dataclasses import dataclass, field, replace

from opsbot import log as logs
from opsbot.chat.delivery import Delivery
from opsbot.chat.letter import Letter
from opsbot.chat.mailer import TryAgain
from opsbot.clock import Clock
from opsbot.errors import OpsError
from opsbot.metrics import OUTBOX

log = logs.get(__name__)

SPACING = 1.2  # seconds between progress edits, over all channels: chat.update allows about 50 a minute
URGENT_SPACING = 0.3  # seconds between two edits of one message that change its state
LONGEST_PAUSE = 30.0
HOLD = 2.0  # seconds until a live message is tried again when the store could not be written


@dataclass
class Lane:
    """What waits for one channel. `until`: no call for it before that moment of the monotonic clock."""

    slots: OrderedDict[str, Letter] = field(default_factory=OrderedDict)
    until: float = 0.0
    failures: int = 0
    served: float = 0.0

    def pause(self, now: float, after: float | None) -> float:
        """Wait `after` seconds, or longer after each failure; answers how long."""
        self.failures += 1
        growing = min(LONGEST_PAUSE, 0.25 * 2 ** min(self.failures, 10)) * random.uniform(0.8, 1.2)  # noqa: S311  # jitter
        seconds = growing if after is None else after
        self.until = now + seconds
        return seconds


class Outbox:
    """`put` returns at once; one thread sends, or whoever `answer`s while it has nothing to do."""

    def __init__(self, delivery: Delivery, clock: Clock, spacing: float = SPACING) -> None:
        self._delivery, self._clock, self._spacing = delivery, clock, spacing
        self._lanes: dict[str, Lane] = {}
        self._touched: dict[str, float] = {}  # slot → when its message was last written
        self._held: dict[str, float] = {}  # slot → not before, because our own state could not be written
        self._next_edit = 0.0
        self._sending = self._stopping = False
        self._wake = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="outbox", daemon=True)
        OUTBOX.set_function(self._waiting)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self, within: float = 5.0) -> None:
        """Send what can be sent within that many seconds, then end. Live messages go on after the next start."""
        limit = self._clock.monotonic() + within
        with self._wake:
            self._wake.wait_for(self._idle, within)
            self._stopping = True
            self._wake.notify_all()
        if self._thread.ident is not None:
            self._thread.join(max(0.5, limit - self._clock.monotonic()))

    def put(self, letter: Letter) -> None:
        """Send it when its turn comes."""
        with self._wake:
            self._lay(letter)
            self._wake.notify_all()

    def answer(self, letter: Letter) -> None:
        """The same; sent by the caller if it is due and nothing is on its way: handing it over would cost a person time."""
        with self._wake:
            self._lay(letter)
            lane, first, _ = self._next(self._clock.monotonic())
            started = self._thread.ident is not None and not self._stopping
            if self._sending or not started or lane is None or first is not letter:
                self._wake.notify_all()
                return
            self._sending = True
        self._send(lane, letter)

    def _lay(self, letter: Letter) -> None:
        slots = self._lanes.setdefault(letter.channel, Lane()).slots
        earlier = slots.get(letter.slot) or self._elsewhere(letter.slot)
        if earlier is not None and earlier.urgent:
            letter = replace(letter, urgent=True)
        slots[letter.slot] = letter

    def _elsewhere(self, slot: str) -> Letter | None:
        """Take a letter out of whatever lane it waits in: the same message may be meant for another channel now."""
        found = (lane.slots.pop(slot) for lane in self._lanes.values() if slot in lane.slots)
        return next(found, None)

    def waits(self, slot: str) -> bool:
        """Whether a letter waits for this live message."""
        with self._wake:
            return any(slot in lane.slots for lane in self._lanes.values())

    def hurry(self) -> None:
        """Slack is back: do not sit out pauses that lost connections caused."""
        with self._wake:
            for lane in self._lanes.values():
                lane.until = 0.0
            self._wake.notify_all()

    def _idle(self) -> bool:
        return self._thread.ident is None or all(not lane.slots or lane.failures for lane in self._lanes.values())

    def _work(self) -> None:
        while True:
            with self._wake:
                if self._stopping:
                    return
                lane, letter, wait = self._next(self._clock.monotonic())
                if self._sending or lane is None or letter is None:
                    self._wake.wait(None if self._sending else wait)
                    continue
                self._sending = True
            self._send(lane, letter)

    def _next(self, now: float) -> tuple[Lane | None, Letter | None, float]:
        """The letter that is due, or how long nothing is."""
        wait = 5.0
        for lane in sorted((lane for lane in self._lanes.values() if lane.slots), key=lambda lane: lane.served):
            for letter in lane.slots.values():
                due = max(lane.until, self._due(letter))
                if due <= now:
                    return lane, letter, 0.0
                wait = min(wait, due - now)
        return None, None, max(0.001, wait)

    def _due(self, letter: Letter) -> float:
        touched = self._touched.get(letter.slot)
        if letter.slot in self._held or touched is None:
            return self._held.get(letter.slot, 0.0)
        return touched + URGENT_SPACING if letter.urgent else max(touched + self._spacing, self._next_edit)

    def _send(self, lane: Lane, letter: Letter) -> None:
        try:
            self._delivery.deliver(letter)
        except TryAgain as again:
            self._again(lane, letter, again)
        except OpsError as unwritable:
            self._held[letter.slot] = self._clock.monotonic() + HOLD
            log.warning("outbox.held", slot=letter.slot, why=unwritable)
        except Exception:  # the outbox must outlive any one letter
            log.exception("outbox.dropped", slot=letter.slot, channel=letter.channel)
            self._done(lane, letter)
        else:
            self._done(lane, letter)
        finally:
            with self._wake:
                self._sending = False
                self._wake.notify_all()

    def _again(self, lane: Lane, letter: Letter, why: TryAgain) -> None:
        with self._wake:
            seconds = lane.pause(self._clock.monotonic(), why.after)
            self._wake.notify_all()
        log.warning("outbox.again", channel=letter.channel, why=why, after=round(seconds, 2), failures=lane.failures)

    def _done(self, lane: Lane, letter: Letter) -> None:
        now = self._clock.monotonic()
        with self._wake:
            lane.failures, lane.served = 0, now
            self._held.pop(letter.slot, None)
            if lane.slots.get(letter.slot) is letter:
                del lane.slots[letter.slot]
            if letter.key:
                self._touched[letter.slot] = now
                self._next_edit = max(self._next_edit, now if letter.urgent else now + self._spacing)
            if len(self._touched) > 500:
                self._touched = {slot: at for slot, at in self._touched.items() if at > now - 60}
            self._wake.notify_all()
        try:
            letter.sent()
        except OpsError as unwritable:  # the next sweep finds it still to be told, and that it is shown already
            log.warning("outbox.not_noted", slot=letter.slot, why=unwritable)

    def _waiting(self) -> int:
        return sum(len(lane.slots) for lane in list(self._lanes.values()))
