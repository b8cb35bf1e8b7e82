"""What a living bot does once in a while: judges scheduled runs, warns, reminds of debts, hands out the audit's head."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, date, timedelta
from typing import Any

from opsbot import log
from opsbot.backups.storage import Storage
from opsbot.clock import Clock
from opsbot.commands.daily import daily
from opsbot.commands.reply import Reply
from opsbot.config.settings import Config
from opsbot.errors import OpsError
from opsbot.store import Store
from opsbot.store.audit import Head

WARN_BEFORE = 600.0  # seconds before a lock or freeze ends
HEADS = "audit"  # the folder of the bucket in which the heads of past days lie
TOLD = "audit.head.told"

_log = log.get(__name__)


class Chores:
    """Called by the bot that leads. `tell(reply, environment)` says something once in the environment's channel."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        store: Store,
        bucket: Callable[[], Storage],
        tell: Callable[[Reply, str | None], None],
        changed: Callable[[], None],
    ) -> None:
        self._config, self._clock, self._store, self._bucket = config, clock, store, bucket
        self._tell, self._changed = tell, changed
        self._judged: dict[str, str] = {}

    def begin(self) -> None:
        """The alert of a schedule that opsbot.yml does not name any more is over."""
        known = {f"schedule:{name}" for name in self._config.schedules}
        for alert in self._store.alerts.open_ones():
            if alert.condition.startswith("schedule:") and alert.condition not in known:
                self._store.alerts.resolve(alert.condition, self._clock.now())

    def do(self) -> None:
        """All of them; one that cannot be done now is tried at the next call."""
        for chore in (self._judge_schedules, self._warn, self._remind, self._hand_out_head):
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
            self._tell(Reply(text, "warn"), environment if environment in self._config.environments else None)

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

    def _hand_out_head(self) -> None:
        """Yesterday's last row, where the store's owner cannot change it: in the channel and in the bucket."""
        day = self._clock.now().astimezone(UTC).date() - timedelta(days=1)
        if self._store.settings.get(TOLD) == day.isoformat():
            return
        head = self._store.audit.head(day)
        if head is not None:
            if self._config.storage is not None:
                keep(self._bucket(), head)
            self._tell(daily(self._store, head, self._config.team.timezone), None)
        self._store.settings.put(TOLD, day.isoformat())


def keep(bucket: Storage, head: Head) -> None:
    """Write a day's head into the bucket; what lies there already is never replaced."""
    name = f"{HEADS}/{head.day.isoformat()}-{head.hash[:12]}.json"
    if bucket.size(name) is None:
        bucket.put_new(name, json.dumps({**asdict(head), "day": head.day.isoformat()}).encode())


def heads(bucket: Storage) -> dict[int, str]:
    """Row number → hash of every head in the bucket, to hold the chain against."""
    found = (json.loads(bucket.get(name)) for name in bucket.keys(f"{HEADS}/"))
    return {int(one["number"]): str(one["hash"]) for one in found if date.fromisoformat(one["day"])}
