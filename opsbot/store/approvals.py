"""What people said to plans. Rows are written by store.runs.change, in the transaction of what follows from them."""

from __future__ import annotations

from sqlalchemy import Connection, select

from opsbot.store.database import Database
from opsbot.store.rows import ApprovalRow, records
from opsbot.store.tables import approvals


class Approvals:
    """store.approvals"""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, run: str) -> list[ApprovalRow]:
        """What was said to a run's plan, oldest first."""
        with self._database.read() as connection:
            return said_to(connection, run)


def said_to(connection: Connection, run: str) -> list[ApprovalRow]:
    """The same within a transaction."""
    wanted = select(approvals).where(approvals.c.run == run).order_by(approvals.c.at, approvals.c.by)
    return records(ApprovalRow, connection.execute(wanted))
