"""The sentences of backup and restore plans: what is there, how old, what would be lost. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from opsbot.backups.archive import empty
from opsbot.backups.compare import drift
from opsbot.backups.listing import PRE_RESTORE
from opsbot.backups.live import Live
from opsbot.backups.manifest import Manifest
from opsbot.clock import ago
from opsbot.errors import OpsError
from opsbot.runs.step import Fact

SHRUNK = 0.5  # fewer than half the rows of the backup before: somebody should look before good ones are pushed out


def refusal(error: OpsError) -> Fact:
    """A part that does not answer, or a backup that is not there."""
    return Fact("ready", "red", error.sentence(), error.code, again=error.again)


def size(name: str, now: Live, reason: str) -> Fact:
    """How much there is to back up; nothing is red, unless it is only to be safe before a restore."""
    if now.rows:
        rows = sum(now.rows.values())
        return Fact("size", "green", f"{name} has {len(now.rows)} tables with {rows} rows, {megabytes(now.bytes)}.")
    if reason == PRE_RESTORE:
        return Fact("size", "amber", f"{name} has no tables, so nothing is saved before the restore.")
    return Fact("size", "red", empty(name).sentence(), "empty")


def before(last: Manifest | None, now: Live, moment: datetime) -> Fact:
    """When the last backup was, and whether the database has shrunk since."""
    if last is None:
        return Fact("last backup", "green", "There is no backup of it yet.")
    since, rows = ago(last.taken_at, moment), sum((now.rows or {}).values())
    if now.rows and rows < last.total_rows * SHRUNK:
        words = f"It has {rows} rows, but its last backup, {since}, had {last.total_rows}. Look why."
        return Fact("last backup", "amber", words)
    return Fact("last backup", "green", f"The last backup was taken {since}.")


def chosen(backup: Manifest, now: Live, moment: datetime) -> list[Fact]:
    """Which backup, and what restoring it changes. The loss is always amber: a restore replaces, whatever the counts say."""
    which = (
        f"Backup {backup.id} was taken {ago(backup.taken_at, moment)} ({backup.reason}):"
        f" {backup.total_rows} rows, {megabytes(backup.data.bytes)} stored."
    )
    facts = [Fact("backup", "green", which, backup.id)]
    if backup.source.identity != now.identity:
        facts.append(Fact("origin", "amber", "It was taken of another Postgres cluster.", backup.source.cluster))
    if now.rows is None:
        facts.append(Fact("changes", "amber", f"There is no database {now.identity.name} now; it will be made."))
    else:
        facts.append(Fact("changes", "amber", drift(backup.rows, now.rows).sentence()))
    if now.rows and now.revision != backup.shape.revision:
        facts.append(_schema(now.revision, backup.shape.revision))
    return facts


def _schema(now: tuple[str, ...], then: tuple[str, ...]) -> Fact:
    words = f"The schema goes from {', '.join(now) or 'none'} back to {', '.join(then) or 'none'}."
    return Fact("schema", "amber", words, [list(now), list(then)])


def loading(obstacles: Sequence[str], backup: Manifest, kept: Sequence[str]) -> list[Fact]:
    """Whether the backup can be loaded, and what earlier restores left."""
    facts = [Fact("server", "red", text, "cannot_restore") for text in obstacles]
    if not obstacles:
        words = f"It is loaded beside the live database first, and needs about {megabytes(backup.data.plain_bytes)}."
        facts.append(Fact("server", "green", words))
    if kept:
        facts.append(Fact("kept", "amber", f"Earlier restores left {', '.join(kept)}; drop what is not needed."))
    return facts


def swapping(name: str) -> Fact:
    """What the application notices."""
    words = f"{name} refuses connections for less than a second; the database of now is kept under another name."
    return Fact("swap", "green", words)


def megabytes(count: int) -> str:
    """Such as `3.1 MB`."""
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count / 1e3:.1f} kB"
