"""`serve`: the loops of a living bot, started in order and stopped in reverse."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from opsbot import log, metrics
from opsbot.backups.storage import Storage
from opsbot.bot import alertmanager, ci
from opsbot.bot.chores import Chores, Key, Posted
from opsbot.bot.ending import Ending
from opsbot.bot.owners import died_here
from opsbot.clock import Clock
from opsbot.commands.desk import Desk
from opsbot.commands.doorstep import Doorstep
from opsbot.commands.reply import Reply
from opsbot.commands.request import Request
from opsbot.config import values
from opsbot.config.settings import Config
from opsbot.errors import OpsError, Unavailable
from opsbot.health.alertmanager import Receiver
from opsbot.health.watch import Watch
from opsbot.runs.engine import Engine
from opsbot.runs.pool import Pool
from opsbot.runs.view import RunView
from opsbot.schedule import Scheduler
from opsbot.store import Store
from opsbot.web import FROM, Routes, Web

if TYPE_CHECKING:
    from opsbot.chat.front import SlackFront

ALIVE_FOR = 15.0  # seconds that others believe this bot to be alive after its last heartbeat
HEARTBEAT = 4.0
STANDBY_LOOK = 1.0
TURNED_AWAY = {401: "not_signed", 400: "shape"}  # what Slack's door answers to whoever is not Slack → reason

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
        mend: Callable[[], None],
        bucket: Callable[[], Storage],
        desk: Desk,
        alerts: Receiver,
    ) -> None:
        self._config, self._clock, self._store, self._owner = config, clock, store, owner
        self._handle, self._engine, self._pool, self._watch, self._card = handle, engine, pool, watch, card
        self._mend, self._desk, self._reported = mend, desk, alerts
        self._doorstep = Doorstep(desk.front.record, clock)
        self._stop, self._standby, self._lost = threading.Event(), False, False
        self._ending = Ending(self._stop)
        self._slack: SlackFront | None = None
        self._chores = Chores(config, clock, store, bucket, self._tell, self._alerts_changed)
        self._scheduler = Scheduler(config, clock, self._fire, self._last, self._leads)
        self._heart = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def until_told(self) -> bool:
        """Serve until SIGTERM or SIGINT, then leave what runs to the next owner. False: our lease was lost meanwhile.

        One bot serves at a time. Another one waits and takes over when the first is gone, so an update of the bot may
        start the new one before the old one stops. Once told, this program ends within `ending.ENDS_WITHIN` seconds.
        """
        self._ending.listen()
        webs = self._webs()
        for web in webs:
            web.start()
        told = self._serve() if self._wait_for_turn() else True
        for web in webs:
            web.stop()
        self._doorstep.tell(everything=True)
        return told

    def _webs(self) -> list[Web]:
        """What listens, by address: our own /health and /metrics; where Slack calls us, which the world may see; where
        Alertmanager does, which is inside."""
        prometheus = self._config.alertmanager
        own, slack, alerts = (
            values.text(where) if where is not None else ""
            for where in (self._config.listen, self._config.slack.http, prometheus.listen if prometheus else None)
        )
        doors = {own: Routes(self.health, ci=self._ci())} if own else {}
        if slack:
            doors[slack] = replace(doors.get(slack, Routes(self.health, metrics=False)), hook=self._called_by_slack)
        if prometheus and (alerts or own):
            at = alerts or own
            doors[at] = replace(
                doors.get(at, Routes(self.health)),
                alerts=alertmanager.door(self._config, self._reported, self._doorstep),
            )
        return [Web(address, replace(routes, turned_away=self._doorstep.refused)) for address, routes in doors.items()]

    def _ci(self) -> ci.Door | None:
        """CI asks at our own address. While another bot serves, it takes the run all the same: they share the record."""
        if self._config.ci is None:
            return None
        token = values.secret(self._config.ci.token).reveal()
        return ci.Door(token, self._config.ci, self._handle, self._look, self._doorstep)

    def _look(self, run: str) -> tuple[str, str]:
        view = self._engine.view(run)
        return view.status, self._card(view).text

    def _called_by_slack(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        """While another bot serves, Slack is asked to try again. Who is not Slack is not heard, and goes into the record."""
        if self._slack is None:
            return 503, {"Retry-After": "5"}, b""
        answer = self._slack.receive(body, headers)
        if answer.status in TURNED_AWAY:
            why = answer.body.decode().strip()
            self._doorstep.refused("slack", TURNED_AWAY[answer.status], why, headers.get(FROM, ""))
        return answer

    def _serve(self) -> bool:
        self._start()
        self._stop.wait()
        _log.info("serve.stopping")
        self._end()
        return not self._lost

    def _wait_for_turn(self) -> bool:
        """True once the `serve` lease is ours; False if told to stop before."""
        while not self._stop.is_set():
            try:
                if self._takes_its_turn():
                    return True
                self._doorstep.tell()
            except OpsError as error:  # whoever stands by outlives a store that is away for a moment
                _log.warning("serve.lease", why=error)
            self._stop.wait(STANDBY_LOOK)
        return False

    def _takes_its_turn(self) -> bool:
        if self._serves():
            return True
        holder = self._store.leases.holder("serve", self._clock.now())
        if holder is not None and died_here(holder):
            self._store.leases.release("serve", holder)
            return self._serves()
        if not self._standby:
            _log.info("serve.standby", serving=holder)
        self._standby = True
        return False

    def _start(self) -> None:
        """Everything begins; no part waits for another."""
        from opsbot.chat.front import SlackFront  # noqa: PLC0415 - slow to import, and the terminal does without it

        self._standby = False
        self._slack = slack = SlackFront(
            self._config, self._store, self._clock, self._handle, self._engine.view, self._card, self._desk
        )
        self._watch.changed = self._reported.changed = self._alerts_changed
        self._pool.news = self._run_moved
        self._heart.start()
        self._chores.begin()
        threading.Thread(target=self._mend, name="mend", daemon=True).start()
        slack.start()
        self._pool.start()
        self._watch.start()
        self._scheduler.start()
        _log.info("serve.started", owner=self._owner)

    def _end(self) -> None:
        """The reverse: runs are let go of, nothing new is taken, what was said is sent, leases are given back."""
        self._pool.leave()
        stops: list[Callable[[], object]] = [self._scheduler.stop, self._watch.stop, self._pool.stop]
        stops += [self._slack.stop] if self._slack else []
        for stop in (*stops, self._heart.join, self._give_back):
            try:
                stop()
            except Exception:  # noqa: BLE001 - what cannot be stopped must not keep the rest from it; it is logged whole
                _log.exception("serve.not_stopped")
        _log.info("serve.stopped")

    def _give_back(self) -> None:
        for name in ("serve", "schedule"):
            self._store.leases.release(name, self._owner)

    def submitted(self) -> None:
        """A run was written: drive it and tell of it now."""
        self._pool.nudge()
        if self._slack:
            self._slack.nudge()

    def _run_moved(self) -> None:
        self._watch.nudge()
        if self._slack:
            self._slack.nudge()

    def called(self, user: str) -> str:
        """The name that people know a member by; the id where only Slack could tell and we are not connected."""
        return self._slack.called(user) if self._slack else user

    def groups(self, user: str) -> Collection[str]:
        """The usergroups of a member. The terminal does not ask Slack: there, roles by usergroup are not had."""
        return self._slack.groups(user) if self._slack else ()

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
        if self._slack is None:
            return True, {"runs": "another bot serves; this one waits" if self._standby else "starting"}
        loops = {
            "runs": self._pool.alive,
            "watch": self._watch.alive,
            "schedule": self._scheduler.alive,
            "heartbeat": self._heart.is_alive(),
        }
        told = {name: "alive" if alive else "dead" for name, alive in loops.items()}
        return all(loops.values()), {**told, "slack": self._slack.healthy()[1]}

    def _serves(self) -> bool:
        return self._store.leases.take("serve", self._owner, ALIVE_FOR, self._clock.now())

    def _beat(self) -> None:
        """Keep the lease. When another bot has it (this one slept too long), stop: two would answer everything twice."""
        while not self._stop.wait(HEARTBEAT):
            try:
                if not self._serves():
                    _log.error("serve.lost", serving=self._store.leases.holder("serve", self._clock.now()))
                    self._lost = True
                    self._ending.begin(1)
                self._doorstep.tell()
            except Exception:  # noqa: BLE001 - without this loop another bot takes over from a living one; it is logged whole
                _log.exception("serve.heartbeat")

    def _leads(self) -> bool:
        try:
            ours = self._store.leases.take("schedule", self._owner, 60.0, self._clock.now())
            if ours:
                self._chores.do()
        except OpsError as error:
            _log.warning("schedule.lease", why=error)
            return False
        return ours

    def _alerts_changed(self) -> None:
        metrics.ALERTS.set(len(self._store.alerts.open_ones()))
        if self._slack:
            self._slack.nudge()

    def _fire(self, request: Request) -> bool:
        """A schedule's request; one that cannot even begin is an alert, as is everything that nobody would notice."""
        reply = self._handle(request)
        if not reply.ok:
            self._chores.schedule_failed(request.actor.id, f"“{request.text}” did not start", reply.text)
        return reply.ok

    def _tell(self, reply: Reply, environment: str | None, key: Key, posted: Posted) -> None:
        if self._slack:
            self._slack.tell(reply, environment, key, posted)

    def _last(self, actor: str) -> datetime:
        """When a schedule's newest run was made, or when the schedule was first known."""
        ran = self._store.runs.newest_by("schedule", actor)
        known = self._store.settings.get(f"known:{actor}")
        if known is None:
            known = self._clock.now().isoformat()
            self._store.settings.put(f"known:{actor}", known)
        return ran.created_at if ran else datetime.fromisoformat(known)
