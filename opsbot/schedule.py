"""The schedule: cron times become requests whose actor is the schedule; what was missed is made up for once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger

from opsbot import log
from opsbot.clock import Clock
from opsbot.commands.request import Actor, Request
from opsbot.config.settings import Config, Schedule
from opsbot.errors import ConfigError

_log = log.get(__name__)
LOOK_EVERY = 20.0  # seconds; well inside the lease that makes one bot of several fire
TRY_AGAIN = timedelta(minutes=5)  # after a refusal (lock held, bucket away): not at every look


def trigger(schedule: Schedule, zone: ZoneInfo) -> CronTrigger:
    """The schedule's times; ConfigError if they are not five cron fields."""
    return _cron(schedule.cron, zone)


def _cron(text: str, zone: ZoneInfo) -> CronTrigger:
    try:
        return CronTrigger.from_crontab(text, timezone=zone)
    except ValueError as error:
        raise ConfigError(f"“{text}” is not a cron time: {error}.", "Write five fields: 0 */3 * * *") from error


def missed(schedule: Schedule, zone: ZoneInfo, last: datetime, now: datetime) -> datetime | None:
    """The latest time at which the schedule should have fired since `last` and within `catch_up`, or None."""
    return _latest(trigger(schedule, zone), max(last, now - schedule.catch_up), now)


def frozen(config: Config, environment: str | None, now: datetime) -> str | None:
    """The sentence of a configured freeze window that is open now for this environment, or None. No names = all of them."""
    for name, freeze in config.freezes.items():
        if freeze.environments and environment not in freeze.environments:
            continue
        zone = ZoneInfo(freeze.timezone) if freeze.timezone else config.team.zone
        began = _latest(_cron(freeze.cron, zone), now - freeze.length, now)
        ends = began.astimezone(UTC) + freeze.length if began else None  # hours that pass, not those of the clock
        if ends is not None and now < ends:
            ends = ends.astimezone(zone)
            return f"{name}: {freeze.reason}, until {ends:%A %H:%M %Z}."
    return None


def _latest(times: CronTrigger, since: datetime, now: datetime) -> datetime | None:
    """The latest of the trigger's times after `since` and up to `now`."""
    latest = None
    moment = times.get_next_fire_time(None, since + timedelta(microseconds=1))
    while moment is not None and moment <= now:
        latest = moment
        moment = times.get_next_fire_time(None, moment + timedelta(microseconds=1))
    return latest


def request(name: str, schedule: Schedule) -> Request:
    """What the schedule asks, in its own name."""
    return Request(Actor("schedule", f"schedule:{name}", f"schedule {name}"), "schedule", text=schedule.do)


class Scheduler:
    """Fires the configured schedules while this bot holds the `schedule` lease.

    `fire(request)` starts the work and answers whether it could; `last(actor id)` is when that schedule's newest
    run was made, or when the schedule was first known; `lead()` takes or renews the lease and says if it is ours.
    """

    def __init__(
        self,
        config: Config,
        clock: Clock,
        fire: Callable[[Request], bool],
        last: Callable[[str], datetime],
        lead: Callable[[], bool],
    ) -> None:
        self._schedules: Mapping[str, Schedule] = config.schedules
        self._zone, self._clock, self._fire, self._last, self._lead = config.team.zone, clock, fire, last, lead
        self._times = {name: trigger(schedule, self._zone) for name, schedule in self._schedules.items()}
        self._scheduler = BackgroundScheduler(timezone=self._zone)
        self._looking = threading.Lock()
        self._not_before: dict[str, datetime] = {}

    def start(self) -> None:
        """Begin; the first look makes up for what was missed while the bot was away."""
        self._scheduler.add_job(self.look, "interval", seconds=LOOK_EVERY, coalesce=True, max_instances=1)
        for name, times in self._times.items():
            self._scheduler.add_job(self.look, times, id=name, coalesce=True, misfire_grace_time=None)
        self._scheduler.add_job(self.look)
        self._scheduler.start()

    def stop(self) -> None:
        """Return when nothing fires any more."""
        if self._scheduler.running:
            self._scheduler.remove_all_jobs()  # its thread looks once more after the shutdown, and would find nobody to work
            self._scheduler.shutdown(wait=True)

    def look(self) -> None:
        """Fire every schedule that is due and was not run; the journal is what is believed."""
        if not self._looking.acquire(blocking=False):  # two looks at once would both find the same time due
            return
        try:
            if self._lead():
                self._fire_what_is_due()
        finally:
            self._looking.release()

    def _fire_what_is_due(self) -> None:
        for name, schedule in self._schedules.items():
            now = self._clock.now()
            due = missed(schedule, self._zone, self._last(f"schedule:{name}"), now)
            if due is not None and now >= self._not_before.get(name, now):
                _log.info("schedule.fire", schedule=name, due=due.isoformat())
                if not self._fire(request(name, schedule)):
                    self._not_before[name] = now + TRY_AGAIN

    @property
    def alive(self) -> bool:
        """Whether somebody keeps the times."""
        return bool(self._scheduler.running)
