"""`serve`: the loops of a living bot, started in order and stopped in reverse."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

from opsbot import log, metrics
from opsbot.chat.front import SlackFront
from opsbot.clock import Clock
from opsbot.commands.reply import Reply
from opsbot.commands.request import Request
from opsbot.config import values
from opsbot.config.settings import Config
from opsbot.errors import OpsError, Unavailable
from opsbot.health.watch import Watch
from opsbot.runs.engine import Engine
from opsbot.runs.pool import Pool
from opsbot.runs.view import RunView
from opsbot.schedule import Scheduler
from opsbot.store import Store
from opsbot.web import Web

ALIVE_FOR = 15.0  # seconds that others believe this bot to be alive after its last heartbeat
HEARTBEAT = 4.0

_log = log.get(__name__)


class Serving:
    """The living part of a bot. Until `start`, it only answers that it is not connected."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        store: Store,
        owner: str,
        handle: Callable[[Request], Reply],
        engine: Engine,
        pool: Pool,
        watch: Watch,
        card: Callable[[RunView], Reply],
        close: Callable[[], None],
    ) -> None:
        self._config, self._clock, self._store, self._owner = config, clock, store, owner
        self._handle, self._engine, self._pool, self._watch, self._card = handle, engine, pool, watch, card
        self._close = close
        self._stop = threading.Event()
        self._slack: SlackFront | None = None
        self._web: Web | None = None
        self._scheduler: Scheduler | None = None
        self._heart = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def until_told(self) -> None:
        """Serve until SIGTERM or SIGINT, then end what can be ended and leave the rest to the next owner."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        self.start()
        self._stop.wait()
        _log.info("serve.stopping")
        self.stop()

    def start(self) -> None:
        """Everything begins; no part waits for another."""
        self._scheduler = Scheduler(self._config, self._clock, self._fire, self._last, self._leads)
        slack = SlackFront(self._config, self._store, self._clock, self._handle, self._engine.view, self._card)
        if self._config.listen is not None:
            self._web = Web(values.text(self._config.listen), self.health)
            self._web.start()
        self._slack = slack
        self._watch.changed = self._alerts_changed
        self._pool.news = slack.nudge
        self._heart.start()
        slack.start()
        self._pool.start()
        self._watch.start()
        self._scheduler.start()
        _log.info("serve.started", owner=self._owner)

    def stop(self) -> None:
        """The reverse: nothing new is taken, what was said is sent, leases are given back."""
        self._stop.set()
        if self._scheduler:
            self._scheduler.stop()
        self._watch.stop()
        self._pool.stop()
        if self._slack:
            self._slack.stop()
        if self._web:
            self._web.stop()
        self._heart.join()
        for name in ("serve", "schedule"):
            self._store.leases.release(name, self._owner)
        self._close()
        _log.info("serve.stopped")

    def submitted(self) -> None:
        """A run was written: drive it and tell of it now."""
        self._pool.nudge()
        if self._slack:
            self._slack.nudge()

    def slack_says(self) -> str:
        """A sentence about the connection; Unavailable if there is none."""
        if self._slack is None:
            return "This is the terminal; whoever serves is connected."
        well, sentence = self._slack.healthy()
        if not well:
            raise Unavailable(sentence)
        return sentence

    def health(self) -> tuple[bool, dict[str, str]]:
        """For /health: the bot's own loops. Slack being away is told, but is no reason to restart the bot."""
        parts = {"runs": "alive" if self._pool.alive else "dead", "slack": "not started"}
        if self._slack:
            parts["slack"] = self._slack.healthy()[1]
        return self._pool.alive, parts

    def _beat(self) -> None:
        while True:
            try:
                self._store.leases.take("serve", self._owner, ALIVE_FOR, self._clock.now())
            except OpsError as error:
                _log.warning("serve.heartbeat", why=error)
            if self._stop.wait(HEARTBEAT):
                return

    def _leads(self) -> bool:
        try:
            return self._store.leases.take("schedule", self._owner, 60.0, self._clock.now())
        except OpsError as error:
            _log.warning("schedule.lease", why=error)
            return False

    def _alerts_changed(self) -> None:
        metrics.ALERTS.set(len(self._store.alerts.open_ones()))
        if self._slack:
            self._slack.nudge()

    def _fire(self, request: Request) -> bool:
        """A schedule's request; one that cannot even begin is an alert, as is everything that nobody would notice."""
        reply = self._handle(request)
        condition, now = request.actor.id, self._clock.now()
        if reply.ok:
            self._store.alerts.resolve(condition, now)
        else:
            body: dict[str, Any] = {"why": reply.text}
            self._store.alerts.open(condition, f"“{request.text}” did not start", "critical", None, None, body, now)
        self._alerts_changed()
        return reply.ok

    def _last(self, actor: str) -> datetime:
        """When a schedule's newest run was made, or when the schedule was first known."""
        ran = self._store.runs.newest_by("schedule", actor)
        known = self._store.settings.get(f"known:{actor}")
        if known is None:
            known = self._clock.now().isoformat()
            self._store.settings.put(f"known:{actor}", known)
        return ran or datetime.fromisoformat(known)
