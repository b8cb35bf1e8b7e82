"""The append-only record of who did what. Each row holds the hash of the one before it, so a change in the past shows."""

from __future__ import annotations

import builtins
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Integer, Text, func, select, type_coerce

from opsbot.log import cleaned, redactor
from opsbot.store.database import Database
from opsbot.store.rows import AuditRow, Entry, record
from opsbot.store.tables import SHOWN, WHO, audit, counters

_PAGE = 2_000  # rows read at once
_TEXT = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))


class Stored(NamedTuple):
    """A row of the table as its bytes are."""

    number: int
    at: str
    actor: str
    door: str
    what: str
    target: str | None
    outcome: str
    body: str
    previous: str | None
    hash: str | None


@dataclass(frozen=True)
class Head:
    """The last row of a day (UTC): who keeps it elsewhere can prove that nothing before it was changed."""

    day: date
    number: int
    hash: str


@dataclass(frozen=True)
class Kept:
    """Heads as they were kept elsewhere. `heads`: row number → hash; `odd`: a sentence about each thing there that is none."""

    heads: Mapping[int, str] = field(default_factory=dict)
    odd: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """Whether the chain is whole. `broken`: number of the first row that does not fit, `why`: a sentence; `head`: the last hash."""

    ok: bool
    rows: int
    head: str
    broken: int | None = None
    why: str = ""


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
            return append(self._database, connection, Entry(actor, door, what, target, outcome, body), now)

    def list(
        self, limit: int = 20, since: datetime | None = None, who: str | None = None, what: str | None = None
    ) -> builtins.list[AuditRow]:
        """The newest rows, newest first. `who`: an actor's id or name; `what`: a command, a run, or a target.

        A target is found by each part of its name: production/web, production, or web.
        """
        wanted = select(audit).order_by(audit.c.number.desc())
        if since is not None:
            wanted = wanted.where(audit.c.at >= since)
        found: builtins.list[AuditRow] = []
        with self._database.read() as connection:
            for row in connection.execution_options(yield_per=_PAGE).execute(wanted):
                entry = record(AuditRow, row)
                if _by(entry, who) and _about(entry, what):
                    found.append(entry)
                if len(found) == limit:
                    break
        return found

    def head(self, day: date) -> Head | None:
        """The last row at the end of a day; None if nothing was recorded until then."""
        end = datetime.combine(day, time(), UTC) + timedelta(days=1)
        wanted = select(audit.c.number, audit.c.hash).where(audit.c.at < end, audit.c.hash.is_not(None))
        with self._database.read() as connection:
            row = connection.execute(wanted.order_by(audit.c.number.desc()).limit(1)).one_or_none()
        return Head(day, row.number, row.hash) if row else None

    def verify(self, heads: Mapping[int, str] | None = None) -> Verdict:
        """Walk the whole chain. `heads`: number → hash as they were kept elsewhere."""
        with self._database.read() as connection:
            counted = connection.execute(select(counters.c.value).where(counters.c.name == "audit")).scalar() or 0
            newest = connection.execute(select(func.max(audit.c.number))).scalar() or 0
            return _walk(_pages(connection, newest), newest, int(counted), heads or {})


def append(database: Database, connection: Connection, entry: Entry, now: datetime) -> int:
    """Append within a transaction. The counter's row makes writers wait for one another, so the chain has one end."""
    number = database.next(connection, "audit")
    previous = connection.execute(select(audit.c.hash).where(audit.c.number == number - 1)).scalar() or ""
    actor, body = _plain(cleaned(dict(entry.actor), WHO)), _plain(cleaned(dict(entry.body), SHOWN))
    target = None if entry.target is None else redactor.clean_names(entry.target)
    values = {
        "number": number, "at": now, "actor": actor, "door": entry.door, "what": entry.what,
        "target": target, "outcome": entry.outcome, "body": body, "previous": previous,
    }  # fmt: skip
    connection.execute(audit.insert().values(**values, hash=hash_of(values)))
    return number


def hash_of(values: Mapping[str, Any]) -> str:
    """The hash of a row's values, by name and without the hash; the hash before it is among them."""
    text = _TEXT.encode({**values, "at": values["at"].astimezone(UTC).isoformat(timespec="microseconds")})
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _stored_hash(row: Stored) -> str | None:
    """The same of a row as it is stored; None if that cannot be read."""
    try:
        values = {**row._asdict(), "actor": json.loads(row.actor), "body": json.loads(row.body)}
    except ValueError:
        return None
    del values["hash"]
    return hashlib.sha256(_TEXT.encode(values).encode("utf-8", "surrogatepass")).hexdigest()


def _plain(value: Mapping[str, Any]) -> Any:
    """As it will be read back: what is hashed must be what is kept."""
    return json.loads(json.dumps(dict(value), default=str))


def _pages(connection: Connection, newest: int) -> Iterator[Stored]:
    """The rows as they are stored: making records of them would take most of the time."""
    columns = [type_coerce(column, Integer if column.name == "number" else Text) for column in audit.c]
    for first in range(1, newest + 1, _PAGE):
        page = select(*columns).where(audit.c.number >= first, audit.c.number < first + _PAGE)
        for row in connection.execute(page.order_by(audit.c.number)):
            yield Stored._make(row)


def _walk(rows: Iterator[Stored], newest: int, counted: int, heads: Mapping[int, str]) -> Verdict:
    previous, expected, chained = "", 1, False
    for row in rows:
        why = _wrong(row, expected, previous, chained) or _unlike(row, heads)
        if why:
            return Verdict(False, newest, previous, min(row.number, expected), why)
        chained = chained or row.hash is not None
        previous, expected = row.hash or "", expected + 1
    if counted > newest or any(number > newest for number in heads):
        return Verdict(False, newest, previous, newest + 1, f"Rows after {newest} are missing.")
    return Verdict(True, newest, previous)


def _wrong(row: Stored, expected: int, previous: str, chained: bool) -> str:
    if row.number != expected:
        return f"Row {expected} is missing."
    if row.hash is None:
        return f"Row {row.number} is not chained." if chained else ""  # written before the audit had a chain
    if row.previous != previous:
        return f"Row {row.number} does not follow row {row.number - 1}."
    return "" if _stored_hash(row) == row.hash else f"Row {row.number} was changed."


def _unlike(row: Stored, heads: Mapping[int, str]) -> str:
    kept = heads.get(row.number)
    return "" if kept in (None, row.hash) else f"Row {row.number} is not the one that was kept elsewhere."


def _by(row: AuditRow, who: str | None) -> bool:
    return who is None or who.lower() in {str(row.actor.get(key) or "").lower() for key in ("id", "name")}


def _about(row: AuditRow, what: str | None) -> bool:
    return what is None or what in (row.what, row.body.get("run")) or _touches(row.target or "", what.lower())


def _touches(target: str, what: str) -> bool:
    """Whether one of a row's targets (“production/schema, production/web”) is meant, or has a part of that name."""
    return any(what == one or what in one.split("/") for one in target.lower().split(", "))
