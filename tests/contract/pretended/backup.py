"""Pretended steps about databases and their backups in the bucket."""

from __future__ import annotations

from typing import Any

from pretended.stack import Pretend

from opsbot.errors import NotFound, StepFailed
from opsbot.runs.step import Context, Fact, Facts, Outputs, Recheck


class Take(Pretend):
    def facts(self, ctx: Context, args: Any) -> Facts:
        return Facts((Fact("size", "green", "It has rows."), Fact("last backup", "green", "There is one.")))

    def act(self, ctx: Context, args: Any) -> dict[str, Any]:
        id = f"{ctx.run}-{ctx.step}"
        self.stack.unfinished.add(id)
        ctx.progress(1, 2, "half")
        ctx.check()
        self.stack.bucket[id] = self.stack.databases["main"]
        self.stack.unfinished.discard(id)
        self.stack.ledger.append(f"backup {ctx.step}")
        return {"backup": id, "bytes": 1, "rows": 1, "seconds": 0.1}

    def undo(self, ctx: Context, args: Any, outputs: Outputs | None) -> None:
        """First its manifest, then its dump."""
        id = f"{ctx.run}-{ctx.step}"
        if self.stack.bucket.pop(id, None) is not None:
            self.stack.unfinished.add(id)
            self.stack.ledger.append(f"remove {ctx.step}")
            ctx.progress(1, 2, "its dump is left")
        self.stack.unfinished.discard(id)

    def found(self, ctx: Context, args: Any) -> tuple[Recheck, Outputs | None]:
        id = f"{ctx.run}-{ctx.step}"
        if id not in self.stack.bucket:
            return "not_done", None
        return "done", {"backup": id, "bytes": 1, "rows": 1, "seconds": 0.1}


class Check(Pretend):
    def act(self, ctx: Context, args: Any) -> dict[str, Any]:
        chosen(self, args.backup)
        return {"bytes": 1}


class ChooseBackup(Pretend):
    def facts(self, ctx: Context, args: Any) -> Facts:
        try:
            found = self.act(ctx, args)
        except NotFound as error:
            return Facts((Fact("ready", "red", error.sentence(), error.code),))
        backup = Fact("backup", "green", f"Backup {found['backup']}.", bind=found["backup"])
        return Facts((backup, Fact("changes", "amber", "It loses rows.")), found)

    def act(self, ctx: Context, args: Any) -> dict[str, Any]:
        return {"backup": chosen(self, args.backup), "taken_at": "yesterday"}


def chosen(step: Pretend, word: str) -> str:
    """The backup that a word means."""
    if word == "latest":
        return "b0"
    if word not in step.stack.bucket:
        raise NotFound(f"There is no backup {word}.", code="no_backup")
    return word


class Load(Pretend):
    def facts(self, ctx: Context, args: Any) -> Facts:
        return Facts((Fact("server", "green", "There is room."), Fact("swap", "green", "It takes a second.")))

    def act(self, ctx: Context, args: Any) -> dict[str, Any]:
        scratch = f"new_{ctx.run}"
        self.stack.databases[scratch] = "half of it"
        ctx.progress(1, 2, "half")
        ctx.check()
        self.stack.databases[scratch] = self.stack.bucket[args.backup]
        self.stack.marks[scratch] = "loaded"
        self.stack.ledger.append("load")
        return {"scratch": scratch, "rows": 1, "seconds": 0.1}

    def undo(self, ctx: Context, args: Any, outputs: Outputs | None) -> None:
        if self.stack.databases.pop(f"new_{ctx.run}", None) is not None:
            self.stack.marks.pop(f"new_{ctx.run}", None)
            self.stack.ledger.append("drop")

    def found(self, ctx: Context, args: Any) -> tuple[Recheck, Outputs | None]:
        scratch = f"new_{ctx.run}"
        if self.stack.marks.get(scratch) != "loaded":
            return "not_done", None
        return "done", {"scratch": scratch, "rows": 1, "seconds": 0.0}


class CheckRestored(Pretend):
    def act(self, ctx: Context, args: Any) -> dict[str, Any]:
        if self.stack.databases.get(args.scratch) != self.stack.bucket[args.backup]:
            raise StepFailed("It is not what was backed up.", code="restore_differs")
        return {"tables": 1, "rows": 1}


class Swap(Pretend):
    def act(self, ctx: Context, args: Any) -> dict[str, Any]:
        if self.stack.marks.get("main") != ctx.run:
            names = self.stack.databases
            names[f"old_{ctx.run}"], names["main"] = names["main"], names.pop(args.scratch)
            self.stack.marks.pop(args.scratch, None)
            self.stack.marks["main"] = ctx.run
            self.stack.ledger.append("swap")
        return {"old": f"old_{ctx.run}", "seconds": 0.1}

    def undo(self, ctx: Context, args: Any, outputs: Outputs | None) -> None:
        if self.stack.marks.get("main") == ctx.run:
            names = self.stack.databases
            names[args.scratch], names["main"] = names["main"], names.pop(f"old_{ctx.run}")
            self.stack.marks[args.scratch] = "loaded"
            del self.stack.marks["main"]
            self.stack.ledger.append("swap back")

    def found(self, ctx: Context, args: Any) -> tuple[Recheck, Outputs | None]:
        if self.stack.marks.get("main") != ctx.run:
            return "not_done", None
        return "done", {"old": f"old_{ctx.run}", "seconds": 0.0}
