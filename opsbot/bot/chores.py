"""What a living bot does once in a while: judges scheduled runs, warns, reminds of debts, hands out the audit's head."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, timedelta
from functools import partial
from typing import Any

from opsbot import log
from opsbot.backups.storage import Storage
from opsbot.bot.heads import keep
from opsbot.clock import Clock
from opsbot.commands.daily import daily
from opsbot.commands.reply import Reply
from opsbot.config.settings import Config
from opsbot.errors import OpsError
from opsbot.store import Store
from opsbot.store.audit import Head
from opsbot.store.rows import HoldRow

WARN_BEFORE = 600.0  # seconds before a lock or freeze ends
DAYS = 7  # past days whose head is handed out after an absence, at most
TOLD = "audit.head.told"  # the newest day whose head was posted

Key = tuple[str, str]
Posted = Callable[[], None]
Tell = Callable[[Reply, str | None, Key, Posted], None]

_log = log.get(__name__)


class Chores:
    """Called by the bot that leads.

    `tell(reply, environment, key, posted)` says something once in the environment's channel, whatever happens to us
    meanwhile, and calls `posted` when it stands there. What this program has handed over is not handed over again.
    """

    def __init__(
        self,
        config: Config,
        clock: Clock,
        store: Store,
        bucket: Callable[[], Storage],
        tell: Tell,
        changed: Callable[[], None],
    ) -> None:
        self._config, self._clock, self._store, self._bucket = config, clock, store, bucket
        self._tell, self._changed = tell, changed
        self._judged: dict[str, str] = {}
        self._handed: set[Key] = set()
        self._kept: set[date] = set()  # days whose heads lie in the bucket

    def begin(self) -> None:
        """The alert of a schedule that opsbot.yml does not name any more is over."""
        known = {f"schedule:{name}" for name in self._config.schedules}
        for alert in self._store.alerts.open_ones():
            if alert.condition.startswith("schedule:") and alert.condition not in known:
                self._store.alerts.resolve(alert.condition, self._clock.now())

    def do(self) -> None:
        """All of them; one that cannot be done now is tried at the next call."""
        for chore in (self._judge_schedules, self._warn, self._remind, self._tell_of_days, self._keep_heads):
            try:
                chore()
            except OpsError as error:
                _log.warning("chore.not_done", chore=chore.__name__.strip("_"), why=error)

    def schedule_failed(self, actor: str, title: str, why: str, environment: str | None = None) -> None:
        """A schedule that tells nobody is a backup that never ran: it is an alert until the next one works."""
        self._alert(actor, title, environment, {"why": why, "page": "schedule.md"})

    def _alert(self, condition: str, title: str, environment: str | None, body: dict[str, Any]) -> None:
        self._store.alerts.open(condition, title, "critical", environment, None, body, self._clock.now())
        self._changed()

    def _judge_schedules(self) -> None:
        for name, schedule in self._config.schedules.items():
            actor = f"schedule:{name}"
            run = self._store.runs.newest_by("schedule", actor)
            if run is None or run.ended_at is None or self._judged.get(actor) == run.id:
                continue
            if run.status == "succeeded":
                self._store.alerts.resolve(actor, self._clock.now())
                self._changed()
            else:
                why = f"{run.outcome or run.status} `runs {run.id}` shows every step."
                self.schedule_failed(actor, f"“{schedule.do}” did not work", why, run.environment)
            self._judged[actor] = run.id

    def _warn(self) -> None:
        zone = self._config.team.zone
        for hold in self._store.holds.ending(self._clock.now(), WARN_BEFORE):
            ends = f"{hold.expires.astimezone(zone):%H:%M %Z}" if hold.expires else "soon"
            environment = hold.target.partition("/")[0]
            text = f"The {hold.kind} of {hold.target} by {hold.who} ends at {ends}: {hold.reason}."
            where = environment if environment in self._config.environments else None
            key = ("hold", f"{hold.kind} {hold.target} {hold.expires.isoformat() if hold.expires else ''}")
            self._say(Reply(text, "warn"), where, key, partial(self._warned, hold))

    def _warned(self, hold: HoldRow) -> None:
        self._store.holds.warned(hold, self._clock.now())

    def _remind(self) -> None:
        overdue = {f"debt:{debt.run}": debt for debt in self._store.debts.overdue(self._clock.now())}
        known = {alert.condition for alert in self._store.alerts.open_ones() if alert.condition.startswith("debt:")}
        for condition in overdue.keys() - known:  # one that is open was told: it is not told again at every look
            debt = overdue[condition]
            why = f"{debt.who} broke the glass: {debt.reason}. Somebody else says `sign {debt.run}`."
            self._alert(
                condition,
                f"“{debt.title}” ran without a second person and nobody signed it",
                None,
                {"why": why, "page": "debt.md"},
            )
        for condition in known - overdue.keys():
            self._store.alerts.resolve(condition, self._clock.now())
            self._changed()

    def _tell_of_days(self) -> None:
        """The last row of each past day stands in the channel, where the store's owner cannot change it.

        A day without any row, in which nobody served, is not told of; yesterday always is.
        """
        today = self._clock.now().astimezone(UTC).date()
        for day in days(self._store.settings.get(TOLD), today):
            key, head = ("day", day.isoformat()), self._store.audit.head(day)
            if key in self._handed or head is None or (day < today - timedelta(days=1) and self._silent(day, head)):
                continue
            told = daily(self._store, head, self._config.team.timezone)
            self._say(told, None, key, partial(self._store.settings.put, TOLD, day.isoformat()))

    def _keep_heads(self) -> None:
        """The same rows in the bucket, whether the channel can be reached or not."""
        if self._config.storage is None:
            return
        today = self._clock.now().astimezone(UTC).date()
        for day in {today - timedelta(days=ago) for ago in range(DAYS, 0, -1)} - self._kept:
            head = self._store.audit.head(day)
            if head is not None and not self._silent(day, head):
                keep(self._bucket(), head)
            self._kept.add(day)

    def _silent(self, day: date, head: Head) -> bool:
        """Whether nothing was recorded on a day."""
        before = self._store.audit.head(day - timedelta(days=1))
        return before is not None and before.number == head.number

    def _say(self, reply: Reply, environment: str | None, key: Key, posted: Posted) -> None:
        if key not in self._handed:
            self._handed.add(key)
            self._tell(reply, environment, key, posted)


def days(told: str | None, today: date) -> list[date]:
    """The past days whose heads were not posted yet, oldest first; where none ever was, only yesterday."""
    last = date.fromisoformat(told) if told else today - timedelta(days=2)
    past = (today - timedelta(days=ago) for ago in range(DAYS, 0, -1))
    return [day for day in past if day > last]
