"""The append-only record of releases and the state of each. One is live per environment and service."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, func, literal, select

from opsbot.errors import NotFound
from opsbot.store import audit
from opsbot.store.columns import Moment
from opsbot.store.database import Database
from opsbot.store.rows import Entry, ReleaseRow, record, records
from opsbot.store.tables import releases

State = Literal["prepared", "live", "retired", "abandoned", "bad"]


class Releases:
    """store.releases"""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        environment: str,
        service: str,
        image: str,
        digest: str,
        tag: str,
        revision: str | None,
        env: Mapping[str, Any],
        secrets: Mapping[str, Any],
        spec: Mapping[str, Any],
        schema: str | None,
        run: str,
        author: str,
        now: datetime,
        above: int = 0,
    ) -> ReleaseRow:
        """Record a new release in state prepared, with the next number of its environment and service, over `above`."""
        values: dict[str, Any] = {
            "environment": environment, "service": service, "image": image, "digest": digest, "tag": tag,
            "revision": revision, "env": dict(env), "secrets": dict(secrets), "spec": dict(spec), "schema": schema,
            "run": run, "author": author, "created_at": now, "state": "prepared",
        }  # fmt: skip
        with self._database.write() as connection:
            values["number"] = self._database.next(connection, f"release:{environment}/{service}", above)
            row = connection.execute(releases.insert().values(**values).returning(*releases.c)).one()
        return record(ReleaseRow, row)

    def get(self, environment: str, service: str, number: int) -> ReleaseRow | None:
        """The release with that number, or None."""
        return self._one(_of(environment, service), releases.c.number == number)

    def for_run(self, run: str) -> ReleaseRow | None:
        """The newest release that a run recorded, or None."""
        return self._one(releases.c.run == run)

    def live(self, environment: str, service: str) -> ReleaseRow | None:
        """The release that takes the traffic, or None."""
        return self._one(_of(environment, service), releases.c.state == "live")

    def list(self, environment: str, service: str, limit: int = 20) -> builtins.list[ReleaseRow]:
        """The newest releases, newest first."""
        wanted = select(releases).where(_of(environment, service)).order_by(releases.c.number.desc()).limit(limit)
        with self._database.read() as connection:
            return records(ReleaseRow, connection.execute(wanted))

    def mark(
        self,
        environment: str,
        service: str,
        number: int,
        state: State,
        note: str | None,
        now: datetime,
        entry: Entry | None = None,
    ) -> ReleaseRow:
        """Set the state and note, with a row of the audit. `live` retires the earlier live one in the same transaction.

        NotFound if there is none.

        `retired_at` stays the moment at which it ceased to be live: blocking and unblocking change nothing about that.
        """
        ours = _of(environment, service)
        values: dict[str, Any] = {"state": state, "note": note}
        with self._database.write() as connection:
            if state == "live":
                values |= {"live_at": now, "retired_at": None}
                earlier = releases.update().where(ours, releases.c.state == "live", releases.c.number != number)
                connection.execute(earlier.values(state="retired", retired_at=now))
            elif state != "prepared":
                values["retired_at"] = func.coalesce(releases.c.retired_at, literal(now, Moment()))
            marked = releases.update().where(ours, releases.c.number == number).values(**values)
            row = connection.execute(marked.returning(*releases.c)).one_or_none()
            if row is None:
                raise NotFound(f"There is no release {service}-{number} in {environment}.")
            if entry is not None:
                audit.append(self._database, connection, entry, now)
        return record(ReleaseRow, row)

    def _one(self, *conditions: ColumnElement[bool]) -> ReleaseRow | None:
        wanted = select(releases).where(*conditions).order_by(releases.c.created_at.desc(), releases.c.number.desc())
        with self._database.read() as connection:
            row = connection.execute(wanted.limit(1)).one_or_none()
        return record(ReleaseRow, row) if row else None


def _of(environment: str, service: str) -> ColumnElement[bool]:
    return (releases.c.environment == environment) & (releases.c.service == service)
