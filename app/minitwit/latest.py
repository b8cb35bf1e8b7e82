"""The last `latest` number that a simulator sent: the newest to arrive wins, not the highest."""

from __future__ import annotations

import re

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from minitwit.models import Latest

NONE_YET = -1
LARGEST = 2**63 - 1


def parse(text: str | None) -> int | None:
    """The number sent, or None when it is missing, unparsable or does not fit the column."""
    if not re.fullmatch(r"[+-]?\d{1,19}", (text or "").strip(), re.ASCII):
        return None
    number = int(text or "")
    return number if -LARGEST <= number <= LARGEST else None


def store(session: Session, number: int) -> None:
    """Overwrite the number and commit, so that it stays even if the call then fails."""
    if not session.execute(update(Latest).values(value=number)).rowcount:  # type: ignore[attr-defined] # DML results have it
        session.add(Latest(only_row=1, value=number))
    session.commit()


def read(session: Session) -> int:
    """The number, -1 before the first."""
    value = session.scalar(select(Latest.value))
    return NONE_YET if value is None else value
