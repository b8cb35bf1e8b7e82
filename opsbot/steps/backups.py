"""The steps `backup.take`, `backup.check` and `backup.choose`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from opsbot.backups import archive, live, manifest, verify
from opsbot.backups.listing import LATEST, PRE_RESTORE, Backups
from opsbot.backups.manifest import Manifest
from opsbot.backups.storage import Storage
from opsbot.backups.target import DatabaseTarget
from opsbot.clock import Clock
from opsbot.errors import OpsError, StepFailed
from opsbot.runs import step
from opsbot.runs.step import Context, Fact, Facts, Outputs, ReadOnly, Recheck
from opsbot.steps import backup_facts


@dataclass(frozen=True)
class Parts:
    """What backup and restore steps work with. `database(environment, its name in opsbot.yml)`; `bucket()` opens the storage."""

    database: Callable[[str, str], DatabaseTarget]
    bucket: Callable[[], Storage]
    clock: Clock

    def reached(self) -> Storage:
        """The storage, if it is there and answers."""
        storage = self.bucket()
        storage.ready()
        return storage


class TakeBackup:
    """`backup.take`: one backup, stored and confirmed. For reason `pre-restore` an empty database is nothing to save. If its run
    fails or is stopped, the backup is removed; it stays if a later step that cannot be taken back (`undo: impossible`, or
    done by a person) has begun.

    Undone, it leaves no backup of its run in the bucket: what nobody read back, or somebody stopped, is not offered to a
    restore. Only what a restore has replaced is never removed while its replacement is live. `keeps`: the engine does not
    undo it while it is the only copy from before something that stays.
    """

    class With(step.With):
        environment: str
        database: str
        reason: str = "asked"

    outputs: ClassVar[tuple[str, ...]] = ("backup", "bytes", "rows", "seconds")
    mutates: ClassVar[bool] = True
    keeps: ClassVar[str] = "backup"

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def facts(self, ctx: Context, args: With) -> Facts:
        found: list[Fact] = []
        try:
            target = self._parts.database(args.environment, args.database)
            now = live.look(target)
            found.append(backup_facts.size(target.name, now, args.reason))
            newest = Backups(self._parts.reached()).newest(now.identity)
            found.append(backup_facts.before(newest, now, self._parts.clock.now()))
        except OpsError as error:
            found.append(backup_facts.refusal(error))
        return Facts(found)

    def run(self, ctx: Context, args: With) -> Outputs:
        target = self._parts.database(args.environment, args.database)
        if args.reason == PRE_RESTORE and not live.look(target).rows:
            ctx.say(f"{target.name} has no tables: there is nothing to save before the restore.")
            return {"backup": "", "bytes": 0, "rows": 0, "seconds": 0.0}
        self._sweep(ctx, target)
        now = self._parts.clock.now()
        order = archive.Order(manifest.new_id(ctx.run, ctx.step, now), args.reason, ctx.run)
        return _taken(archive.take(target, self._parts.bucket(), order, ctx, self._parts.clock))

    def undo(self, ctx: Context, args: With, outputs: Outputs | None) -> None:
        """Remove what this run's step made, whole or not. If the bucket is away, the error says what may be left there."""
        try:
            self._remove(ctx, args)
        except OpsError as error:
            known = str((outputs or {}).get("backup") or "")
            which = f"The backup {known}" if known else "A backup of this run"
            what = f"{which} may still be in the bucket: {error.what}"
            raise StepFailed(what, error.fix, code="not_removed", again=error.again) from error

    def _remove(self, ctx: Context, args: With) -> None:
        target = self._parts.database(args.environment, args.database)
        storage = self._parts.bucket()
        made = Backups(storage).of_run(live.identity(target), manifest.suffix(ctx.run, ctx.step), ctx.run)
        kept = args.reason == PRE_RESTORE and bool(made) and live.restored_by(target, ctx.run)
        for found in () if kept else made:
            archive.remove(storage, found)
            ctx.say(f"The backup {found.id} was removed from the bucket.")
        if kept:
            ctx.say(f"The restored {target.name} is live, so the backup of what it replaced stays: {made[0].id}.")
        self._sweep(ctx, target)

    def _sweep(self, ctx: Context, target: DatabaseTarget) -> None:
        archive.sweep(self._parts.bucket(), live.identity(target), manifest.suffix(ctx.run, ctx.step))

    def recheck(self, ctx: Context, args: With) -> tuple[Recheck, Outputs | None]:
        """Done if a manifest of this run is in the bucket; a dump without one does not count."""
        target = self._parts.database(args.environment, args.database)
        backups = Backups(self._parts.reached())
        found = backups.of_run(live.identity(target), manifest.suffix(ctx.run, ctx.step), ctx.run)
        return ("done", _taken(found[0])) if found else ("not_done", None)


class CheckBackup(ReadOnly):
    """`backup.check`: sizes, checksums and table of contents of a stored backup. An empty id (nothing was saved) passes."""

    class With(step.With):
        environment: str
        database: str
        backup: str

    outputs: ClassVar[tuple[str, ...]] = ("bytes",)

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def run(self, ctx: Context, args: With) -> Outputs:
        if not args.backup:
            return {"bytes": 0}
        target = self._parts.database(args.environment, args.database)
        storage = self._parts.reached()
        return {"bytes": verify.check(target, storage, live.find(target, storage, args.backup), ctx, ctx.run)}


class ChooseBackup(ReadOnly):
    """`backup.choose`: which backup a word means, how old it is, and what putting it in place would change."""

    class With(step.With):
        environment: str
        database: str
        backup: str = LATEST

    outputs: ClassVar[tuple[str, ...]] = ("backup", "taken_at")

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def facts(self, ctx: Context, args: With) -> Facts:
        try:
            target = self._parts.database(args.environment, args.database)
            now = live.look(target)
            chosen = live.find(target, self._parts.reached(), args.backup)
        except OpsError as error:
            return Facts([backup_facts.refusal(error)])
        return Facts(backup_facts.chosen(chosen, now, self._parts.clock.now()), _chosen(chosen))

    def run(self, ctx: Context, args: With) -> Outputs:
        target = self._parts.database(args.environment, args.database)
        return _chosen(live.find(target, self._parts.reached(), args.backup))


def _taken(found: Manifest) -> Outputs:
    return {"backup": found.id, "bytes": found.data.bytes, "rows": found.total_rows, "seconds": found.seconds}


def _chosen(found: Manifest) -> Outputs:
    return {"backup": found.id, "taken_at": found.taken_at.isoformat()}
