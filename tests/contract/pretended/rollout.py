"""Pretended steps that move a service from release to release: image, release, rollout."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pretended.stack import PLACE, Pretend

from opsbot.errors import NotFound, Refused
from opsbot.runs.step import Context, Fact, Facts, Outputs, Park, Recheck

TAGS = ("v1", "v2", "v3")


class Resolve(Pretend):
    def facts(self, ctx: Context, args: Any) -> Facts:
        return Facts((Fact("image", "green", f"{args.tag} is there.", bind=args.tag),), self.act(ctx, args))

    def act(self, ctx: Context, args: Any) -> dict[str, Any]:
        if args.tag not in TAGS:
            raise NotFound(f"There is no tag {args.tag}.", code="unknown_tag")
        found = {"image": f"web@{args.tag}", "digest": args.tag, "tag": args.tag}
        return {**dict.fromkeys(self.outputs, ""), **found}


class Running(Pretend):
    def facts(self, ctx: Context, args: Any) -> Facts:
        found = self.act(ctx, args)
        return Facts((Fact("image", "green", f"{args.environment} runs {found['tag']}.", bind=found["image"]),), found)

    def act(self, ctx: Context, args: Any) -> dict[str, Any]:
        row = self.store.releases.live(args.environment, args.service)
        if row is None:
            raise NotFound(f"Nothing runs in {args.environment}.", code="nothing_live")
        found = {"release": row.number, "image": row.image, "tag": row.tag}
        return {**dict.fromkeys(self.outputs, ""), **found}


class Choose(Pretend):
    def facts(self, ctx: Context, args: Any) -> Facts:
        found = self.act(ctx, args)
        live = self.live()
        bind = [found["release"], live.number if live else None]
        return Facts((Fact("release", "green", f"Back to {found['tag']}.", bind=bind),), found)

    def act(self, ctx: Context, args: Any) -> dict[str, Any]:
        live = self.live()
        rows = [row for row in self.store.releases.list(*PLACE) if row.state == "retired"]
        if live is None or not rows:
            raise Refused("There is no way back.", code="no_way_back")
        row = rows[0]
        return {"release": row.number, "image": row.image, "tag": row.tag, "revision": "", "warm": True}


class Prepare(Pretend):
    def facts(self, ctx: Context, args: Any) -> Facts:
        live = self.live()
        return Facts((Fact("change", "green", "It changes.", bind=live.number if live else None),))

    def act(self, ctx: Context, args: Any) -> dict[str, Any]:
        row = self.store.releases.for_run(ctx.run) or self.store.releases.add(
            *PLACE, args.image, args.tag, args.tag, None, {}, {}, {}, None, ctx.run, ctx.actor, self.clock.now()
        )
        idle = "blue" if self.stack.flag == "green" else "green"
        if self.stack.colours.get(idle) != row.number:
            self.stack.colours[idle] = row.number
            self.stack.ledger.append("start")
        return {"release": row.number, "colour": idle, "address": "10.0.0.1"}

    def undo(self, ctx: Context, args: Any, outputs: Outputs | None) -> None:
        row = self.store.releases.for_run(ctx.run)
        colour = self.stack.colour_of(row.number) if row else None
        if row is not None and colour is not None and colour != self.stack.flag:
            del self.stack.colours[colour]
            self.stack.ledger.append("remove")
        if row is not None:
            self.mark(row.number, "abandoned")

    def found(self, ctx: Context, args: Any) -> tuple[Recheck, Outputs | None]:
        row = self.store.releases.for_run(ctx.run)
        colour = self.stack.colour_of(row.number) if row else None
        if row is None or colour is None:
            return "not_done", None
        return "done", {"release": row.number, "colour": colour, "address": "10.0.0.1"}


class Migrate(Pretend):
    def act(self, ctx: Context, args: Any) -> dict[str, Any]:
        before, after = self.stack.schema, args.image.partition("@")[2]
        if before != after:
            self.stack.schema = after
            self.stack.ledger.append("migrate")
        return {"from": before, "to": after}

    def found(self, ctx: Context, args: Any) -> tuple[Recheck, Outputs | None]:
        after = args.image.partition("@")[2]
        return ("done", {"from": None, "to": after}) if self.stack.schema == after else ("not_done", None)


class Switch(Pretend):
    def act(self, ctx: Context, args: Any) -> dict[str, Any]:
        live = self.live()
        before = live.number if live is not None and live.number != args.release else self.left() or 0
        self.point(args.release)
        self.mark(args.release, "live")
        return {"from_release": before, "seconds": 0.1}

    def undo(self, ctx: Context, args: Any, outputs: Outputs | None) -> None:
        live = self.live()
        assert live is not None
        back = (outputs or {}).get("from_release") or (self.left() if live.number == args.release else live.number)
        if self.stack.serving == args.release:
            self.point(int(back or 0), "switch back")
        self.mark(int(back or 0), "live")

    def found(self, ctx: Context, args: Any) -> tuple[Recheck, Outputs | None]:
        live = self.live()
        if self.stack.serving != args.release or live is None or live.number != args.release:
            return "not_done", None
        return "done", {"from_release": self.left(), "seconds": 0.0}

    def point(self, release: int, word: str = "switch") -> None:
        colour = self.stack.colour_of(release)
        assert colour is not None, f"nobody runs release {release}: people would get errors"
        if self.stack.flag != colour:
            self.stack.flag = colour
            self.stack.ledger.append(word)


class Bake(Pretend):
    def act(self, ctx: Context, args: Any) -> Outputs | Park:
        if ctx.parked is None:
            return Park(self.clock.now() + timedelta(minutes=1), "Watching it.", {"slices": 1})
        return {}


class Block(Pretend):
    def act(self, ctx: Context, args: Any) -> dict[str, Any]:
        self.mark(args.release, "bad")
        return {}

    def undo(self, ctx: Context, args: Any, outputs: Outputs | None) -> None:
        row = self.store.releases.get(*PLACE, args.release)
        if row is not None and row.state == "bad":
            self.mark(args.release, "retired")

    def found(self, ctx: Context, args: Any) -> tuple[Recheck, Outputs | None]:
        row = self.store.releases.get(*PLACE, args.release)
        return ("done", {}) if row is not None and row.state == "bad" else ("not_done", None)
