"""Alerts: one open row per condition, whoever reported it; every change to be shown raises its revision."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select

from opsbot.store.database import Database
from opsbot.store.rows import AlertRow, record, records
from opsbot.store.tables import alerts


class Alerts:
    """store.alerts"""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(
        self,
        condition: str,
        title: str,
        severity: str,
        environment: str | None,
        channel: str | None,
        body: Mapping[str, Any],
        now: datetime,
    ) -> tuple[AlertRow, bool]:
        """Open an alert, or count a repeat of the open one (title, severity and body follow). True = it is new."""
        told = {"title": title, "severity": severity, "body": dict(body), "changed_at": now}
        counted = {**told, "count": alerts.c.count + 1, "revision": alerts.c.revision + 1}
        is_open = alerts.c.resolved_at.is_(None)
        repeat = alerts.update().where(alerts.c.condition == condition, is_open).values(**counted)
        with self._database.write() as connection:
            row = connection.execute(repeat.returning(*alerts.c)).one_or_none()
            if row is not None:
                return record(AlertRow, row), False
            number = self._database.next(connection, "alerts")
            fresh = self._database.insert(alerts).values(
                id=number, condition=condition, environment=environment, channel=channel, state="firing",
                count=1, opened_at=now, revision=1, posted_revision=0, **told,
            )  # fmt: skip
            # On Postgres another process may have opened it between the two statements.
            opened = fresh.on_conflict_do_update(index_elements=["condition"], index_where=is_open, set_=counted)
            alert = record(AlertRow, connection.execute(opened.returning(*alerts.c)).one())
        return alert, alert.id == number

    def resolve(self, condition: str, now: datetime) -> AlertRow | None:
        """The open alert of a condition is over; None if there was none."""
        return self._change(alerts.c.condition == condition, now, state="resolved", resolved_at=now)

    def ack(self, id: int, who: str, now: datetime) -> AlertRow | None:
        """A person looks after it; None if it is not open."""
        return self._change(alerts.c.id == int(id), now, state="acknowledged", acked_by=who)

    def get(self, id: int) -> AlertRow | None:
        """The alert, or None."""
        found = self._all(select(alerts).where(alerts.c.id == int(id)))
        return found[0] if found else None

    def open_ones(self) -> builtins.list[AlertRow]:
        """Firing and acknowledged alerts, oldest first."""
        return self._all(select(alerts).where(alerts.c.resolved_at.is_(None)).order_by(alerts.c.id))

    def list(self, limit: int = 20) -> builtins.list[AlertRow]:
        """The newest alerts, newest first."""
        return self._all(select(alerts).order_by(alerts.c.id.desc()).limit(limit))

    def changed_since_posted(self) -> builtins.list[AlertRow]:
        """Alerts whose message does not show their newest revision, oldest first."""
        return self._all(select(alerts).where(alerts.c.revision > alerts.c.posted_revision).order_by(alerts.c.id))

    def posted(self, id: int, revision: int) -> None:
        """The alert's message shows `revision` now."""
        shown = alerts.update().where(alerts.c.id == int(id), alerts.c.posted_revision < revision)
        with self._database.write() as connection:
            connection.execute(shown.values(posted_revision=revision))

    def _change(self, which: ColumnElement[bool], now: datetime, **columns: Any) -> AlertRow | None:
        change = alerts.update().where(which, alerts.c.resolved_at.is_(None))
        change = change.values(changed_at=now, revision=alerts.c.revision + 1, **columns)
        with self._database.write() as connection:
            row = connection.execute(change.returning(*alerts.c)).one_or_none()
        return record(AlertRow, row) if row else None

    def _all(self, wanted: Any) -> builtins.list[AlertRow]:
        with self._database.read() as connection:
            return records(AlertRow, connection.execute(wanted))
