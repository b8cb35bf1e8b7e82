"""Pretended steps about what stands: the parts that stack files make, and the bot itself."""

from __future__ import annotations

from typing import Any

from pretended.stack import Pretend

from opsbot.runs.plan import NOTHING
from opsbot.runs.step import Context, Fact, Facts, Outputs, Recheck


class Compare(Pretend):
    def facts(self, ctx: Context, args: Any) -> Facts:
        told, bind = self.told(), sorted(self.stack.files.items())
        if not told["count"]:
            return Facts((Fact(NOTHING, "green", "There is nothing to do.", bind=bind),), told)
        return Facts((Fact("difference-0", "green", f"{told['services']} differ.", bind=bind),), told)

    def act(self, ctx: Context, args: Any) -> dict[str, Any]:
        return self.told()

    def told(self) -> dict[str, Any]:
        names = [name for name, wanted in self.stack.files.items() if self.stack.parts.get(name) != wanted]
        previous = {name: {"runs": self.stack.parts[name]} if name in self.stack.parts else None for name in names}
        return {"previous": previous, "services": ", ".join(names) or "nothing", "count": len(names)}


class Apply(Pretend):
    def act(self, ctx: Context, args: Any) -> dict[str, Any]:
        changed = []
        for number, (name, wanted) in enumerate(self.stack.files.items()):
            if self.stack.parts.get(name) != wanted:
                self.stack.parts[name] = wanted
                self.stack.ledger.append(f"apply {name}")
                changed.append(name)
                ctx.progress(number, len(self.stack.files), name)
        return {"changed": changed}

    def undo(self, ctx: Context, args: Any, outputs: Outputs | None) -> None:
        for name, spec in reversed(args.previous.items()):
            if spec is None and self.stack.parts.pop(name, None) is not None:
                self.stack.ledger.append(f"remove {name}")
            elif spec is not None and self.stack.parts[name] != spec["runs"]:
                self.stack.parts[name] = spec["runs"]
                self.stack.ledger.append(f"put back {name}")
            ctx.progress(1, 2, name)


class ResolveBot(Pretend):
    def facts(self, ctx: Context, args: Any) -> Facts:
        found = self.act(ctx, args)
        change = Fact("change", "green", f"The bot moves to {found['tag']}.", bind=[found["before"], found["image"]])
        return Facts((change,), found)

    def act(self, ctx: Context, args: Any) -> dict[str, Any]:
        before = self.stack.bot_before.get(ctx.run) or self.stack.bot
        return {"image": f"bot@{args.tag}", "tag": args.tag, "before": before}


class Upgrade(Pretend):
    def act(self, ctx: Context, args: Any) -> dict[str, Any]:
        if self.stack.bot != args.image:
            self.stack.bot_before[ctx.run], self.stack.bot = self.stack.bot, args.image
            self.stack.ledger.append("move")
        return {}

    def undo(self, ctx: Context, args: Any, outputs: Outputs | None) -> None:
        before = self.stack.bot_before.get(ctx.run)
        if before is not None and self.stack.bot != before:
            self.stack.bot = before
            self.stack.ledger.append("move back")

    def found(self, ctx: Context, args: Any) -> tuple[Recheck, Outputs | None]:
        return ("done", {}) if self.stack.bot == args.image else ("not_done", None)
