"""Pretended steps that move a service from release to release: image, release, rollout."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pretended.stack import PLACE, Pretend

from opsbot.errors import NotFound, Refused, StepFailed
from opsbot.runs.step import Context, Fact, Facts, Outputs, Park, Recheck
from opsbot.runtime import release as rules
from opsbot.store.rows import ReleaseRow

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
        if args.environment == args.into:
            raise Refused(f"{args.into} cannot be promoted to itself.", code="same_environment")
        row = self.store.releases.live(args.environment, args.service)
        if row is None:
            raise NotFound(f"Nothing runs in {args.environment}.", code="nothing_live")
        found = {"release": row.number, "image": row.image, "tag": row.tag}
        return {**dict.fromkeys(self.outputs, ""), **found}


class WayBack(Pretend):
    def facts(self, ctx: Context, args: Any) -> Facts:
        live = self.live()
        assert live is not None
        return Facts((Fact("way_back", "green", f"A rollback returns to {live.tag}.", bind=live.number),))


class Choose(Pretend):
    def facts(self, ctx: Context, args: Any) -> Facts:
        found, live = self.act(ctx, args), self.live()
        bind = [found["release"], found["tag"], live.number if live else None]
        ready = Fact("ready", "green", f"{found['tag']} is warm.")
        return Facts((Fact("release", "green", f"Back to {found['tag']}.", bind=bind), ready), found)

    def act(self, ctx: Context, args: Any) -> dict[str, Any]:
        row = self._chosen(args, self.live(), self.store.releases.list(*PLACE))
        warm = self.stack.colour_of(row.number) is not None
        return {"release": row.number, "image": row.image, "tag": row.tag, "revision": "", "warm": warm}

    def _chosen(self, args: Any, live: ReleaseRow | None, rows: list[ReleaseRow]) -> ReleaseRow:
        left = rules.named(rows, str(args.leaving), "web") if args.leaving else live
        if left != live:
            raise Refused(f"{args.leaving} is not live any more.", code="moved_on")
        if args.to in (None, ""):
            before = rules.previous_good(rows, live.number if live else None)
            if before is None:
                raise Refused("There is no way back.", code="no_way_back")
            return before
        found = rules.named(rows, str(args.to), "web")
        if found is None:
            raise NotFound(f"There is no release {args.to}.", code="unknown_release")
        if live and found.number == live.number:
            raise Refused(f"{found.tag} is live already.", code="nothing_to_do")
        if found.state == "bad":
            raise Refused(f"{found.tag} is blocked.", code="blocked")
        return found


def gave_way(step: Pretend, release: int) -> None:
    """The record follows where a person sent people back; what they are on is not taken away."""
    live = step.live()
    if live is None or live.number != release:
        return
    if step.stack.serving == release:
        raise StepFailed(f"Release {release} is still what answers.", code="still_live")
    step.mark(int(step.left() or 0), "live")


class Prepare(Pretend):
    def facts(self, ctx: Context, args: Any) -> Facts:
        live, rows = self.live(), self.store.releases.list(*PLACE)
        if any(row.state == "bad" and row.image == args.image for row in rows):
            return Facts((Fact("blocked", "red", f"{args.tag} is blocked.", bind=args.image),))
        bind = [live.number if live else None, args.image]
        if live and live.image == args.image:
            return Facts((Fact("nothing_to_do", "red", f"{args.tag} is live already.", bind=bind),))
        return Facts((Fact("change", "green", "It changes.", bind=bind),))

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
        if row is None:
            return
        gave_way(self, row.number)
        colour = self.stack.colour_of(row.number)
        if colour is not None and colour != self.stack.flag:
            del self.stack.colours[colour]
            self.stack.ledger.append("remove")
        self.mark(row.number, "abandoned")

    def found(self, ctx: Context, args: Any) -> tuple[Recheck, Outputs | None]:
        row = self.store.releases.for_run(ctx.run)
        colour = self.stack.colour_of(row.number) if row else None
        if row is None or colour is None:
            return "not_done", None
        return "done", {"release": row.number, "colour": colour, "address": "10.0.0.1"}


class Migrate(Pretend):
    """After a crash it is run again: what was migrated already is not migrated twice."""

    def facts(self, ctx: Context, args: Any) -> Facts:
        return Facts((Fact("migrations", "green", "Migrations run."),))

    def act(self, ctx: Context, args: Any) -> dict[str, Any]:
        before, after = self.stack.schema, args.image.partition("@")[2]
        if before != after:
            self.stack.schema = after
            self.stack.ledger.append("migrate")
        return {**dict.fromkeys(self.outputs, ""), "from": before, "to": after}


class Smoke(Pretend):
    def act(self, ctx: Context, args: Any) -> dict[str, Any]:
        return {"seconds": 0.1}


class Ready(Pretend):
    """Starts a release that does not run; one that does is left alone, by its undo too."""

    def act(self, ctx: Context, args: Any) -> dict[str, Any]:
        if self.stack.colour_of(args.release) is None:
            self.stack.colours["blue" if self.stack.flag == "green" else "green"] = args.release
            self.stack.ledger.append("start")
            self.stack.started[ctx.run] = args.release
        return {}

    def undo(self, ctx: Context, args: Any, outputs: Outputs | None) -> None:
        gave_way(self, args.release)
        colour = self.stack.colour_of(self.stack.started.get(ctx.run, 0))
        if colour is not None and colour != self.stack.flag:
            del self.stack.colours[colour]
            self.stack.ledger.append("remove")

    def found(self, ctx: Context, args: Any) -> tuple[Recheck, Outputs | None]:
        return ("done", {}) if self.stack.colour_of(args.release) else ("not_done", None)


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
            ctx.progress(1, 2, "people are back")
        self.mark(int(back or 0), "live")

    def found(self, ctx: Context, args: Any) -> tuple[Recheck, Outputs | None]:
        live = self.live()
        if self.stack.serving != args.release or live is None or live.number != args.release:
            return "not_done", None
        return "done", {"from_release": self.left(), "seconds": None}

    def point(self, release: int, word: str = "switch") -> None:
        colour = self.stack.colour_of(release)
        if colour is None:
            raise NotFound(f"Release {release} does not run: people would get errors.", code="not_prepared")
        if self.stack.flag != colour:
            self.stack.flag = colour
            self.stack.ledger.append(word)


class Bake(Pretend):
    def act(self, ctx: Context, args: Any) -> Outputs | Park:
        if ctx.parked is None:
            return Park(self.clock.now() + timedelta(minutes=1), "Watching it.", {"misses": 0})
        return {}


class Block(Pretend):
    """`release` may be nothing: then none was left, and there is none to block."""

    def act(self, ctx: Context, args: Any) -> dict[str, Any]:
        if args.release is not None:
            self.mark(args.release, "bad")
        return {}

    def undo(self, ctx: Context, args: Any, outputs: Outputs | None) -> None:
        if args.release is not None:
            self.mark(args.release, "retired")

    def found(self, ctx: Context, args: Any) -> tuple[Recheck, Outputs | None]:
        row = self.store.releases.get(*PLACE, args.release) if args.release is not None else None
        return ("done", {}) if args.release is None or (row and row.state == "bad") else ("not_done", None)
