"""The steps `restore.load`, `restore.check` and `restore.swap`: a backup into a new database, checked, put in place."""

from __future__ import annotations

from typing import ClassVar

from opsbot.backups import live, restore
from opsbot.backups.target import DatabaseTarget
from opsbot.clock import Clock
from opsbot.errors import OpsError, StepFailed
from opsbot.postgres import databases
from opsbot.postgres.connect import MAINTENANCE, session
from opsbot.postgres.marks import Mark
from opsbot.postgres.swap import Swap, mend, swap
from opsbot.runs import step
from opsbot.runs.step import Context, Facts, Outputs, ReadOnly, Recheck
from opsbot.steps import backup_facts
from opsbot.steps.backups import Parts


class LoadBackup:
    """`restore.load`: the backup in a database of its own, with the rows that its manifest says."""

    class With(step.With):
        environment: str
        database: str
        backup: str

    outputs: ClassVar[tuple[str, ...]] = ("scratch", "rows", "seconds")
    mutates: ClassVar[bool] = True

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def facts(self, ctx: Context, args: With) -> Facts:
        try:
            target = self._parts.database(args.environment, args.database)
            found = live.find(target, self._parts.reached(), args.backup)
            in_the_way = restore.obstacles(target, found)
        except OpsError as error:
            return Facts([backup_facts.refusal(error)])
        facts = backup_facts.loading(in_the_way, found, _kept(target))
        return Facts([*facts, backup_facts.swapping(target.name)])

    def run(self, ctx: Context, args: With) -> Outputs:
        target = self._parts.database(args.environment, args.database)
        storage = self._parts.reached()
        found = live.find(target, storage, args.backup)
        scratch = scratch_name(target, ctx.run)
        started = self._parts.clock.monotonic()
        rows = restore.load(target, storage, found, scratch, ctx.run, ctx)
        return {"scratch": scratch, "rows": rows, "seconds": round(self._parts.clock.monotonic() - started, 3)}

    def undo(self, ctx: Context, args: With, outputs: Outputs | None) -> None:
        target = self._parts.database(args.environment, args.database)
        restore.discard(target, scratch_name(target, ctx.run), ctx.run)

    def recheck(self, ctx: Context, args: With) -> tuple[Recheck, Outputs | None]:
        """Done if the scratch database carries the mark that is written after the last check."""
        target = self._parts.database(args.environment, args.database)
        scratch = scratch_name(target, ctx.run)
        with session(target.server, MAINTENANCE) as one:
            mark = databases.mark_of(one, scratch)
        if mark and mark.kind == "loaded" and (mark.run, mark.backup) == (ctx.run, args.backup):
            return "done", {"scratch": scratch, "rows": mark.rows, "seconds": 0.0}
        return "not_done", None


class CheckRestored(ReadOnly):
    """`restore.check`: rows, schema revision, constraints, indexes, sequences and extensions against the manifest."""

    class With(step.With):
        environment: str
        database: str
        backup: str
        scratch: str

    outputs: ClassVar[tuple[str, ...]] = ("tables", "rows")

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def run(self, ctx: Context, args: With) -> Outputs:
        target = self._parts.database(args.environment, args.database)
        found = live.find(target, self._parts.reached(), args.backup)
        wrong = restore.verdict(target, found, args.scratch, ctx)
        if wrong:
            raise StepFailed(
                f"The restored database is not what was backed up: {'; '.join(wrong)}.",
                "The live database was not touched.",
                code="restore_differs",
            )
        return {"tables": len(found.rows), "rows": found.total_rows}


class SwapIn:
    """`restore.swap`: the restored database takes the live one's name; the live one is kept under another."""

    class With(step.With):
        environment: str
        database: str
        scratch: str

    outputs: ClassVar[tuple[str, ...]] = ("old", "seconds")
    mutates: ClassVar[bool] = True

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def facts(self, ctx: Context, args: With) -> Facts:
        return Facts()

    def run(self, ctx: Context, args: With) -> Outputs:
        target = self._parts.database(args.environment, args.database)
        old = old_name(target, ctx.run)
        with session(target.server, MAINTENANCE) as one:
            backup = (databases.mark_of(one, args.scratch) or Mark(kind="loaded", run=ctx.run, of=target.name)).backup
            replaced = databases.exists(one, target.name)
        order = _forward(target, ctx.run, args.scratch, old, backup, self._parts.clock)
        seconds = swap(target.server, order)
        return {"old": old if replaced else "", "seconds": round(seconds, 3)}

    def undo(self, ctx: Context, args: With, outputs: Outputs | None) -> None:
        """Swap back, if and only if the live database is the one that this run put there."""
        target = self._parts.database(args.environment, args.database)
        mend(target.server, target.name)
        if not live.restored_by(target, ctx.run):
            return
        if not self._kept(target, ctx.run):
            ctx.say(f"There was no {target.name} before this restore; the restored one stays.")
        else:
            swap(target.server, _back(target, ctx.run, args.scratch, old_name(target, ctx.run)))

    def recheck(self, ctx: Context, args: With) -> tuple[Recheck, Outputs | None]:
        """The live database's own mark says whose it is. A swap that is still alive elsewhere is unknown."""
        target = self._parts.database(args.environment, args.database)
        try:
            mend(target.server, target.name)
        except StepFailed:
            return "unknown", None
        if not live.restored_by(target, ctx.run):
            return "not_done", None
        return "done", {"old": self._kept(target, ctx.run), "seconds": 0.0}

    def _kept(self, target: DatabaseTarget, run: str) -> str:
        with session(target.server, MAINTENANCE) as one:
            old = old_name(target, run)
            return old if databases.exists(one, old) else ""


def scratch_name(target: DatabaseTarget, run: str) -> str:
    """Where a run loads its backup; the same for every try."""
    return databases.derived(target.name, f"_new_{run}")


def old_name(target: DatabaseTarget, run: str) -> str:
    """Under which name the replaced database is kept."""
    return databases.derived(target.name, f"_old_{run}")


def _forward(target: DatabaseTarget, run: str, scratch: str, old: str, backup: str, clock: Clock) -> Swap:
    at = clock.now().isoformat(timespec="seconds")
    return Swap(
        run=run,
        live=target.name,
        incoming=scratch,
        outgoing=old,
        mark_in=Mark(kind="restored", run=run, of=target.name, other=old, backup=backup, at=at),
        mark_out=Mark(kind="old", run=run, of=target.name, other=target.name, at=at),
    )


def _back(target: DatabaseTarget, run: str, scratch: str, old: str) -> Swap:
    return Swap(
        run=run,
        live=target.name,
        incoming=old,
        outgoing=scratch,
        mark_in=None,
        mark_out=Mark(kind="loaded", run=run, of=target.name),
    )


def _kept(target: DatabaseTarget) -> list[str]:
    with session(target.server, MAINTENANCE) as one:
        return [name for name, mark in databases.marked(one, target.name).items() if mark.kind == "old"]
