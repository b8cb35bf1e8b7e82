"""Changes that ran without their approval, until a different person signs each."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, Select, select

from opsbot.store.database import Database
from opsbot.store.rows import DebtRow, record, records
from opsbot.store.tables import debts


class Debts:
    """store.debts. Rows are written by store.runs.change, in the transaction of what they follow from."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, run: str) -> DebtRow | None:
        """The debt of a run, signed or not."""
        with self._database.read() as connection:
            return of_run(connection, run)

    def open_ones(self) -> list[DebtRow]:
        """The debts that nobody signed, oldest first."""
        return self._all(select(debts).where(debts.c.signed_at.is_(None)))

    def overdue(self, now: datetime) -> list[DebtRow]:
        """The unsigned debts whose time is over, oldest first."""
        return self._all(select(debts).where(debts.c.signed_at.is_(None), debts.c.due <= now))

    def _all(self, wanted: Select[tuple[object, ...]]) -> list[DebtRow]:
        with self._database.read() as connection:
            return records(DebtRow, connection.execute(wanted.order_by(debts.c.since)))


def of_run(connection: Connection, run: str) -> DebtRow | None:
    """A run's debt within a transaction."""
    row = connection.execute(select(debts).where(debts.c.run == run)).one_or_none()
    return record(DebtRow, row) if row else None
