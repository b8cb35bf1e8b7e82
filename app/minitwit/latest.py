"""The last `latest` number that a simulator sent: the newest to arrive wins, not the highest."""

from __future__ import annotations

import re

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from minitwit.models import Latest

NONE_YET = -1
NOT_WAITING = text("SET LOCAL synchronous_commit = off")
LARGEST = 2**63 - 1


def parse(sent: str | None) -> int | None:
    """The number sent, or None when it is missing, unparsable or does not fit the column."""
    if not re.fullmatch(r"[+-]?\d{1,19}", (sent or "").strip(), re.ASCII):
        return None
    number = int(sent or "")
    return number if -LARGEST <= number <= LARGEST else None


def store(session: Session, number: int) -> None:
    """Overwrite the number and commit, so that it stays even if the call then fails.

    Every call of a simulator does this to the same row, one after the other, so nobody waits for the disk meanwhile.
    A database that crashes may forget the numbers of its last second; it forgets no message.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(NOT_WAITING)
    if not session.execute(update(Latest).values(value=number)).rowcount:  # type: ignore[attr-defined] # DML results have it
        session.add(Latest(only_row=1, value=number))
    session.commit()


def read(session: Session) -> int:
    """The number, -1 before the first."""
    value = session.scalar(select(Latest.value))
    return NONE_YET if value is None else value
