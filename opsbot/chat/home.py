"""The App Home: published to whoever opens it, and shown anew for a while when something on it changes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor

from opsbot import log as logs
from opsbot.chat import views
from opsbot.chat.desk import Desk
from opsbot.chat.screen import Screen
from opsbot.clock import Clock
from opsbot.commands.request import Actor, Request
from opsbot.errors import OpsError

log = logs.get(__name__)

LATELY = 900.0  # seconds after opening in which a page is kept up to date
PACE = 3.0  # seconds between two looks for changes
VIEWERS = 50  # pages that are kept up to date at the same time


class Home:
    """`actor(user, team)` says who somebody is."""

    def __init__(
        self, screen: Screen, desk: Desk, clock: Clock, actor: Callable[[str, str], Actor], pace: float = PACE
    ) -> None:
        self._screen, self._desk, self._clock, self._actor, self._pace = screen, desk, clock, actor, pace
        self._viewers: dict[str, tuple[float, str]] = {}  # user → when they opened it, their team
        self._shown: Hashable = None
        self._looked = float("-inf")
        self._due: set[str] = set()
        self._guard = threading.Lock()
        self._workers = ThreadPoolExecutor(2, thread_name_prefix="home")

    def stop(self) -> None:
        """Publish nothing more."""
        self._workers.shutdown(wait=True, cancel_futures=True)

    def opened(self, user: str, team: str) -> None:
        """Somebody looks at it: show it as it is. Returns at once."""
        with self._guard:
            self._viewers[user] = (self._clock.monotonic(), team)
            while len(self._viewers) > VIEWERS:
                del self._viewers[min(self._viewers, key=lambda viewer: self._viewers[viewer][0])]
        self._publish_soon(user)

    def sweep(self) -> None:
        """Show it anew to those who opened it lately, if something changed."""
        now = self._clock.monotonic()
        with self._guard:
            self._viewers = {user: seen for user, seen in self._viewers.items() if seen[0] > now - LATELY}
            viewers = list(self._viewers)
        if not viewers or now - self._looked < self._pace:
            return
        self._looked = now
        state = self._desk.state()
        if state != self._shown:
            self._shown = state
            for user in viewers:
                self._publish_soon(user)

    def _publish_soon(self, user: str) -> None:
        with self._guard:
            if user in self._due:
                return
            self._due.add(user)
        self._workers.submit(self._publish, user)

    def _publish(self, user: str) -> None:
        with self._guard:
            self._due.discard(user)
            team = self._viewers.get(user, (0.0, ""))[1]
        try:
            replies = self._desk.home(Request(self._actor(user, team), "slack"))
            if not self._screen.publish(user, views.page(replies)):
                self._shown = None  # the next look shows it again
        except OpsError as error:
            log.warning("home.not_shown", user=user, why=error)
        except Exception:  # a worker has no caller to tell
            log.exception("home.broken", user=user)
