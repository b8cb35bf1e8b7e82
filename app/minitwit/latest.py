"""The last `latest` number that a simulator sent: the newest to arrive wins, not the highest."""

from __future__ import annotations

import re

from sqlalchemy import BigInteger, bindparam, select, text, update
from sqlalchemy.orm import Session

from minitwit.models import Latest, table

NONE_YET = -1
LARGEST = 2**63 - 1

_READ = select(Latest.value)
_STORE = update(table(Latest)).values(value=bindparam("number", type_=BigInteger))
# Sent as one, the two are one transaction, and one question to the database.
_STORE_WITHOUT_WAITING = text(
    "SET LOCAL synchronous_commit = off; UPDATE latest SET value = :number"
).execution_options(preserve_rowcount=True)


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
    is_postgres = session.get_bind().dialect.name == "postgresql"
    stored = session.execute(_STORE_WITHOUT_WAITING if is_postgres else _STORE, {"number": number})
    if not stored.rowcount:  # type: ignore[attr-defined] # DML results have it
        session.add(Latest(only_row=1, value=number))
    session.commit()


def read(session: Session) -> int:
    """The number, -1 before the first."""
    value = session.scalar(_READ)
    return NONE_YET if value is None else value
