"""Whether we would hear somebody: silence is measured, and our own words must come back where they did before."""

from __future__ import annotations

import threading
from collections import deque

from opsbot.clock import Clock

ECHO = 20.0  # seconds within which Slack brings our own message back
EARLY = 50  # messages that came back before Slack answered that it took them

Message = tuple[str, str]  # channel id, ts


class Ear:
    """Fed with what comes in and what we post. Moments are those of the monotonic clock.

    Slack delivers our own posts back as events where the app listens to messages, which may be so in some channels only (an
    app that asks for `message.im` hears itself in direct messages alone). Where a post came back before, a post after which
    nothing at all comes in means that we are deaf, however well the connection looks.
    """

    def __init__(self, clock: Clock, silence: float, echo: float = ECHO) -> None:
        self._clock, self._silence, self._echo = clock, silence, echo
        self._guard = threading.Lock()
        self._heard = clock.monotonic()
        self._awaited: tuple[str, float] | None = None  # the channel in which an echo must come, since when
        self._echoing: set[str] = set()  # channels in which our own posts came back
        self._early: deque[Message] = deque(maxlen=EARLY)

    def hear(self, *, event: bool = False, own: Message | None = None) -> None:
        """A frame came in; `event`: with an event in it; `own`: the event was this post of ours."""
        with self._guard:
            self._heard = self._clock.monotonic()
            if own:
                self._echoing.add(own[0])
                self._early.append(own)
            if event:
                self._awaited = None

    def spoke(self, message: Message) -> None:
        """We posted a message that others can see."""
        with self._guard:
            comes_back = message[0] in self._echoing and message not in self._early
            if comes_back and self._awaited is None:
                self._awaited = (message[0], self._clock.monotonic())

    def again(self) -> None:
        """A new connection: measure anew. Where an echo was missed, another has to come before one is awaited again."""
        with self._guard:
            if self._awaited:
                self._echoing.discard(self._awaited[0])
            self._heard, self._awaited = self._clock.monotonic(), None

    def silent(self) -> float:
        """Seconds since anything came in."""
        return self._clock.monotonic() - self._heard

    def deaf(self) -> str | None:
        """Why we think that we hear nothing, or None."""
        now = self._clock.monotonic()
        with self._guard:
            if now - self._heard > self._silence:
                return f"nothing came in for {now - self._heard:.0f} s"
            if self._awaited and now - self._awaited[1] > self._echo:
                return f"our own message did not come back within {now - self._awaited[1]:.0f} s"
        return None


def own_message(event: dict[str, object], bot: str) -> Message | None:
    """The message that an event brings back, if it is one that `bot` (a user id) posted."""
    if event.get("user") != bot or "ts" not in event:
        return None
    return str(event.get("channel", "")), str(event["ts"])
