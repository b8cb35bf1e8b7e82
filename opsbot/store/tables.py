"""The tables as they are after the last migration; a test compares them with what the migrations make."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, MetaData, Table, Text, UniqueConstraint

from opsbot.store.columns import Json, Moment, Said, Shown

metadata = MetaData()

# Keys whose texts identify something: what is compared or looked up later is never blanked.
WHO = frozenset(("kind", "id"))
SHOWN = frozenset(
    (
        "backup", "before", "code", "colour", "digest", "from_release", "image", "kind", "old", "owner", "phase", "release",
        "revision", "run", "scratch", "status", "step", "tag", "until",
    )
)  # fmt: skip
OF_RUNS = SHOWN | {"previous"}  # specs of services, which an undo starts again
_GLASS = frozenset(("by", "until"))
_COMMANDS = frozenset(("backup", "chart", "page", "rollback"))  # that buttons of an alert say

runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("playbook", Text, nullable=False),
    Column("title", Said, nullable=False),
    Column("environment", Text),
    Column("lock", Text),
    Column("status", Text, nullable=False),
    Column("actor", Shown(WHO), nullable=False),
    Column("plan", Json, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("started_at", Moment),
    Column("ended_at", Moment),
    Column("wake_at", Moment),
    Column("parked", Shown(OF_RUNS)),
    Column("outcome", Said),
    Column("cancel_by", Said),
    Column("approved_by", Said),
    Column("channel", Text),
    Column("thread", Text),
    Column("door", Text, nullable=False),
    Column("last_event", Integer, nullable=False),
    Column("last_journal", Integer, nullable=False),
    Column("glass", Shown(_GLASS)),
    Column("by_hand", Shown(OF_RUNS)),
    Column("told", Integer, nullable=False, server_default="0"),  # the last event that its message shows
    Index("runs_by_status", "status"),
    Index("runs_by_number", "number"),
    Index("runs_by_environment", "environment", "number"),
    Index("runs_by_door", "door", "number"),
)
Index(
    "runs_behind",
    runs.c.number,
    sqlite_where=runs.c.last_event > runs.c.told,
    postgresql_where=runs.c.last_event > runs.c.told,
)

journal = Table(
    "journal",
    metadata,
    Column("run", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("step", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("owner", Text, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("outcome", Text),
    Column("outputs", Shown(OF_RUNS)),
    Column("error", Shown(SHOWN)),
)
Index(
    "journal_one_open_row",
    journal.c.run,
    unique=True,
    sqlite_where=journal.c.ended_at.is_(None),
    postgresql_where=journal.c.ended_at.is_(None),
)

events = Table(
    "events",
    metadata,
    Column("run", Text, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("kind", Text, nullable=False),
    Column("body", Shown(SHOWN), nullable=False),
    Column("slot", Text),  # a later event of the run in the same slot takes the place of this one
)

messages = Table(
    "messages",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("ts", Text),
    Column("thread_ts", Text),
    Column("cursor", Integer, nullable=False),
    Column("digest", Text),
)

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("taken_at", Moment, nullable=False),
    Column("expires", Moment, nullable=False),
)

locks = Table(
    "locks",
    metadata,
    Column("target", Text, primary_key=True),
    Column("run", Text, nullable=False),
    Column("who", Said, nullable=False),
    Column("reason", Said, nullable=False),
    Column("since", Moment, nullable=False),
    Column("expires", Moment),
    Index("locks_by_run", "run"),
)

holds = Table(
    "holds",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("target", Text, primary_key=True),
    Column("by", Text, nullable=False),
    Column("who", Said, nullable=False),
    Column("reason", Said, nullable=False),
    Column("since", Moment, nullable=False),
    Column("expires", Moment),
    Column("warned", Moment),
)

approvals = Table(
    "approvals",
    metadata,
    Column("run", Text, primary_key=True),
    Column("by", Text, primary_key=True),
    Column("who", Said, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("reason", Said),
    Column("door", Text, nullable=False),
    Column("at", Moment, nullable=False),
)

debts = Table(
    "debts",
    metadata,
    Column("run", Text, primary_key=True),
    Column("title", Said, nullable=False),
    Column("by", Text, nullable=False),
    Column("who", Said, nullable=False),
    Column("asker", Text, nullable=False),
    Column("reason", Said, nullable=False),
    Column("since", Moment, nullable=False),
    Column("due", Moment, nullable=False),
    Column("signed_by", Said),
    Column("signed_at", Moment),
    Column("note", Said),
)

releases = Table(
    "releases",
    metadata,
    Column("environment", Text, primary_key=True),
    Column("service", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("image", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("tag", Text, nullable=False),
    Column("revision", Text),
    Column("env", Json, nullable=False),
    Column("secrets", Json, nullable=False),
    Column("spec", Json, nullable=False),
    Column("schema", Text),
    Column("run", Text, nullable=False),
    Column("author", Said, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("state", Text, nullable=False),
    Column("note", Said),
    Column("live_at", Moment),
    Column("retired_at", Moment),
    Index("releases_by_run", "run"),
)
Index(
    "releases_one_live",
    releases.c.environment,
    releases.c.service,
    unique=True,
    sqlite_where=releases.c.state == "live",
    postgresql_where=releases.c.state == "live",
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("condition", Text, nullable=False),
    Column("title", Said, nullable=False),
    Column("severity", Text, nullable=False),
    Column("environment", Text),
    Column("channel", Text),
    Column("body", Shown(_COMMANDS), nullable=False),
    Column("state", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("acked_by", Said),
    Column("resolved_at", Moment),
    Column("revision", Integer, nullable=False),
    Column("posted_revision", Integer, nullable=False),
)
Index(
    "alerts_one_open",
    alerts.c.condition,
    unique=True,
    sqlite_where=alerts.c.resolved_at.is_(None),
    postgresql_where=alerts.c.resolved_at.is_(None),
)

seen = Table(
    "seen",
    metadata,
    Column("key", Text, primary_key=True),
    Column("at", Moment, nullable=False),
    Index("seen_by_age", "at"),
)

audit = Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("actor", Json, nullable=False),
    Column("door", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("target", Text),
    Column("outcome", Text, nullable=False),
    Column("body", Shown(SHOWN), nullable=False),
    Column("previous", Text),
    Column("hash", Text),
)

settings = Table(
    "settings",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Shown(SHOWN)),
)

counters = Table(
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Integer, nullable=False),
)

migrations = Table(
    "migrations",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    UniqueConstraint("name", name="migrations_name"),
)
