"""The append-only record of who did what; there is no way to change or remove a row."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select

from opsbot.store.database import Database
from opsbot.store.rows import AuditRow, records
from opsbot.store.tables import audit


class Audit:
    """store.audit"""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        now: datetime,
        actor: Mapping[str, Any],
        door: str,
        what: str,
        target: str | None,
        outcome: str,
        body: Mapping[str, Any],
    ) -> int:
        """Append one row; returns its number, which has no gaps."""
        with self._database.write() as connection:
            number = self._database.next(connection, "audit")
            values = {"at": now, "actor": dict(actor), "door": door, "what": what, "target": target}
            connection.execute(audit.insert().values(number=number, outcome=outcome, body=dict(body), **values))
        return number

    def list(self, limit: int = 20) -> builtins.list[AuditRow]:
        """The newest rows, newest first."""
        with self._database.read() as connection:
            rows = connection.execute(select(audit).order_by(audit.c.number.desc()).limit(limit))
            return records(AuditRow, rows)
