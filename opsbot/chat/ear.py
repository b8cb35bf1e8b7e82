"""Whether we would hear somebody: silence is measured, and our own words must come back."""

from __future__ import annotations

import threading

from opsbot.clock import Clock

ECHO = 20.0  # seconds within which Slack brings our own message back


class Ear:
    """Fed with what comes in and what we post. Moments are those of the monotonic clock.

    Slack delivers our own posts back as events where the app listens to messages. Once that was seen, a post after which
    nothing at all comes in means that we are deaf, however well the connection looks.
    """

    def __init__(self, clock: Clock, silence: float, echo: float = ECHO) -> None:
        self._clock, self._silence, self._echo = clock, silence, echo
        self._guard = threading.Lock()
        self._heard = clock.monotonic()
        self._posted: float | None = None
        self._echoes = False

    def hear(self, *, event: bool = False, own: bool = False) -> None:
        """A frame came in; `event`: with an event in it; `own`: the event was our own post."""
        with self._guard:
            self._heard = self._clock.monotonic()
            self._echoes = self._echoes or own
            if event:
                self._posted = None

    def spoke(self) -> None:
        """We posted a message that others can see."""
        with self._guard:
            if self._posted is None:
                self._posted = self._clock.monotonic()

    def again(self) -> None:
        """A new connection: measure anew."""
        with self._guard:
            self._heard, self._posted = self._clock.monotonic(), None

    def silent(self) -> float:
        """Seconds since anything came in."""
        return self._clock.monotonic() - self._heard

    def deaf(self) -> str | None:
        """Why we think that we hear nothing, or None."""
        now = self._clock.monotonic()
        with self._guard:
            if now - self._heard > self._silence:
                return f"nothing came in for {now - self._heard:.0f} s"
            if self._echoes and self._posted is not None and now - self._posted > self._echo:
                return f"our own message did not come back within {now - self._posted:.0f} s"
        return None
