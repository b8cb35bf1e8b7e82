"""The durable record of attempts: the intention before, the result after. Written by the holder of the run's lease."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from opsbot.store import events as event_rows
from opsbot.store.database import Database
from opsbot.store.leases import held
from opsbot.store.rows import JournalRow, records
from opsbot.store.tables import journal, runs


class DoneByHand(Exception):
    """A person completed this very step before its result could be written: `told` is their word, and it stands."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        super().__init__(told.get("by"))
        self.told = told


class Journal:
    """store.journal. A unique index lets a run have one open row at most: nothing begins before the last thing is known."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def before(
        self,
        run: str,
        step: str,
        phase: str,
        attempt: int,
        owner: str,
        now: datetime,
        *,
        event: event_rows.Event | None = None,
    ) -> bool:
        """Write the intention, if `owner` holds the unexpired lease `run:ID`; False = it does not, nothing is written."""
        with self._database.write() as connection:
            if not held(connection, f"run:{run}", owner, now):
                return False
            number = _next(connection, run)
            values = {"step": step, "phase": phase, "attempt": attempt, "owner": owner, "started_at": now}
            connection.execute(journal.insert().values(run=run, number=number, **values))
            if event is not None:
                event_rows.append(connection, run, event, now)
        return True

    def after(
        self,
        run: str,
        step: str,
        phase: str,
        attempt: int,
        outcome: str,
        outputs: Mapping[str, Any] | None,
        error: Mapping[str, Any] | None,
        owner: str,
        now: datetime,
        *,
        events: Sequence[event_rows.Event] = (),
        by: str | None = None,
    ) -> bool:
        """Write the result on the open row, if nobody else took the lease meanwhile; False = somebody did, nothing is written.

        `by`: the person who completed the step by hand. DoneByHand, and nothing is written, if somebody did and the
        result does not say so.
        """
        with self._database.write() as connection:
            if not held(connection, f"run:{run}", owner, None):
                return False
            told = connection.execute(select(runs.c.by_hand).where(runs.c.id == run).with_for_update()).scalar()
            if by is None and told and (told.get("step"), told.get("phase")) == (step, phase):
                raise DoneByHand(told)
            ours = (journal.c.run == run) & (journal.c.step == step) & (journal.c.phase == phase)
            open_row = journal.update().where(ours, journal.c.attempt == attempt, journal.c.ended_at.is_(None))
            values = {
                "ended_at": now,
                "outcome": outcome,
                "outputs": None if outputs is None else dict(outputs),
                "error": None if error is None else dict(error),
            } | ({"owner": f"{by}, by hand"} if by else {})
            if connection.execute(open_row.values(**values)).rowcount != 1:
                return False
            for event in events:
                event_rows.append(connection, run, event, now)
        return True

    def rows(self, run: str) -> list[JournalRow]:
        """The run's journal, oldest first."""
        with self._database.read() as connection:
            return of_run(connection, run)


def of_run(connection: Connection, run: str) -> list[JournalRow]:
    """The same within a transaction."""
    wanted = select(journal).where(journal.c.run == run).order_by(journal.c.number)
    return records(JournalRow, connection.execute(wanted))


def append(connection: Connection, row: JournalRow) -> None:
    """Write what a person did by hand, within a transaction; the row's number is given here."""
    values = asdict(row) | {"number": _next(connection, row.run)}
    connection.execute(journal.insert().values(**values))


def _next(connection: Connection, run: str) -> int:
    grown = runs.update().where(runs.c.id == run).values(last_journal=runs.c.last_journal + 1)
    return int(connection.execute(grown.returning(runs.c.last_journal)).scalar_one())
