"""One row of each table as a frozen record. Moments are aware UTC; dicts are plain JSON values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Row

Record = TypeVar("Record")


@dataclass(frozen=True)
class RunRow:
    """A run. `parked`: {"step", "say", "until", "ask", "state", "answer", "by"} while it waits. `outcome` is a sentence.

    `lock` names its targets, for people. `glass`: {"by", "who", "reason", "until"} if the glass was broken.
    `by_hand`: {"step", "by", "evidence", "outputs"} of the step that a person last completed.
    """

    id: str
    number: int
    playbook: str
    title: str
    environment: str | None
    lock: str | None
    status: str
    actor: dict[str, Any]
    plan: dict[str, Any]
    fingerprint: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    wake_at: datetime | None
    parked: dict[str, Any] | None
    outcome: str | None
    cancel_by: str | None
    approved_by: str | None
    channel: str | None
    thread: str | None
    door: str
    last_event: int
    glass: dict[str, Any] | None = None
    by_hand: dict[str, Any] | None = None


@dataclass(frozen=True)
class JournalRow:
    """The intention (`ended_at` None) or the result of one attempt. `phase`: do | undo."""

    run: str
    number: int
    step: str
    phase: str
    attempt: int
    owner: str
    started_at: datetime
    ended_at: datetime | None
    outcome: str | None
    outputs: dict[str, Any] | None
    error: dict[str, Any] | None


@dataclass(frozen=True)
class EventRow:
    """Something that happened to a run; `seq` counts from 1, and what was replaced (older progress) leaves a gap."""

    run: str
    seq: int
    at: datetime
    kind: str
    body: dict[str, Any]


@dataclass(frozen=True)
class Behind:
    """A run with events that its chat message does not show yet."""

    run: str
    channel: str | None
    thread: str | None
    environment: str | None
    last_event: int
    cursor: int


@dataclass(frozen=True)
class MessageRow:
    """One live message: `kind` run | alert, `key` the run's or alert's id, `cursor` the last event that it shows."""

    kind: str
    key: str
    channel: str
    ts: str | None
    thread_ts: str | None
    cursor: int
    digest: str | None


@dataclass(frozen=True)
class LockRow:
    """A run that holds a target, for whom and why; `expires` None = until it is released, which its end does."""

    target: str
    run: str
    who: str
    reason: str
    since: datetime
    expires: datetime | None


@dataclass(frozen=True)
class HoldRow:
    """A person's word that a target rests. `kind`: lock (the owner `by` may go on) | freeze; `target`: all, env or env/service."""

    kind: str
    target: str
    by: str
    who: str
    reason: str
    since: datetime
    expires: datetime | None


@dataclass(frozen=True)
class ApprovalRow:
    """One person's word on one plan. `verdict`: yes | no; `fingerprint` is what they said it to."""

    run: str
    by: str
    who: str
    verdict: str
    fingerprint: str
    reason: str | None
    door: str
    at: datetime


@dataclass(frozen=True)
class DebtRow:
    """A change that ran without its approval, because `by` broke the glass for `asker`'s plan; somebody else signs it by `due`."""

    run: str
    title: str
    by: str
    who: str
    asker: str
    reason: str
    since: datetime
    due: datetime
    signed_by: str | None = None
    signed_at: datetime | None = None
    note: str | None = None


@dataclass(frozen=True)
class Around:
    """What stands around a run in one transaction: locks and holds that count, what was said to its plan, what was done."""

    locks: tuple[LockRow, ...] = ()
    holds: tuple[HoldRow, ...] = ()
    approvals: tuple[ApprovalRow, ...] = ()
    debt: DebtRow | None = None
    journal: tuple[JournalRow, ...] = ()


@dataclass(frozen=True)
class ReleaseRow:
    """One immutable version of a service in an environment. `state`: prepared | live | retired | abandoned | bad."""

    environment: str
    service: str
    number: int
    image: str
    digest: str
    tag: str
    revision: str | None
    env: dict[str, Any]
    secrets: dict[str, Any]
    spec: dict[str, Any]
    schema: str | None
    run: str
    author: str
    created_at: datetime
    state: str
    note: str | None
    live_at: datetime | None
    retired_at: datetime | None

    @property
    def id(self) -> str:
        """How people call it: `web-12`."""
        return f"{self.service}-{self.number}"


@dataclass(frozen=True)
class AlertRow:
    """One condition's life. `state`: firing | acknowledged | resolved; `revision` grows with every change to be shown."""

    id: int
    condition: str
    title: str
    severity: str
    environment: str | None
    channel: str | None
    body: dict[str, Any]
    state: str
    count: int
    opened_at: datetime
    changed_at: datetime
    acked_by: str | None
    resolved_at: datetime | None
    revision: int
    posted_revision: int


@dataclass(frozen=True)
class AuditRow:
    """Who did what through which door, and how it ended; never changed afterwards. `hash` covers the row and `previous`."""

    number: int
    at: datetime
    actor: dict[str, Any]
    door: str
    what: str
    target: str | None
    outcome: str
    body: dict[str, Any]
    previous: str | None = None
    hash: str | None = None


@dataclass(frozen=True)
class Entry:
    """A row for the audit, written in the transaction of what it tells."""

    actor: Mapping[str, Any]
    door: str
    what: str
    target: str | None
    outcome: str
    body: Mapping[str, Any]


def record(kind: type[Record], row: Row[*tuple[Any, ...]]) -> Record:
    """A database row as `kind`, by column name; columns that `kind` does not know are left out."""
    values = row._mapping
    return kind(**{field.name: values[field.name] for field in fields(kind)})  # type: ignore[arg-type]  # every kind is a dataclass


def records(kind: type[Record], rows: Iterable[Row[*tuple[Any, ...]]]) -> list[Record]:
    """`record` for each row."""
    return [record(kind, row) for row in rows]
