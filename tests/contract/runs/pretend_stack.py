"""A pretended stack that outlives the bot: colours, a flag, a schema, databases, a bucket, and a ledger of every effect.

Its steps carry the names, arguments and outputs of the real ones, so the real playbooks run on them; what they promise the
engine (undo twice, recheck that looks) is what the contract tests of the real ones hold them to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from known_steps import CLASSES

from opsbot.clock import Clock
from opsbot.errors import NotFound, Refused, StepFailed
from opsbot.runs.step import Context, Fact, Facts, Outputs, Park, Recheck, Step
from opsbot.store import Store
from opsbot.store.rows import ReleaseRow

PLACE = ("staging", "web")
TAGS = ("v1", "v2", "v3")


@dataclass
class Stack:
    """What Docker, the edge, Postgres and the bucket remember. `colours`: colour → the release it runs."""

    colours: dict[str, int] = field(default_factory=lambda: {"blue": 1, "green": 2})
    flag: str = "green"
    schema: str = "v2"
    databases: dict[str, str] = field(default_factory=lambda: {"main": "rows of today"})
    marks: dict[str, str] = field(default_factory=dict)
    bucket: dict[str, str] = field(default_factory=lambda: {"b0": "rows of yesterday"})
    unfinished: set[str] = field(default_factory=set)
    ledger: list[str] = field(default_factory=list)
    failing: frozenset[str] = frozenset()

    @property
    def serving(self) -> int:
        """The release that people see."""
        return self.colours[self.flag]

    def colour_of(self, release: int) -> str | None:
        return next((colour for colour, number in self.colours.items() if number == release), None)

    def effects(self) -> Counter[str]:
        return Counter(self.ledger)


class Pretend:
    """Base of the pretended steps: what they act on, and whether this one fails after its effect."""

    mutates = False

    def __init__(self, name: str, stack: Stack, store: Store, clock: Clock) -> None:
        self.name, self.stack, self.store, self.clock = name, stack, store, clock
        self.With, self.outputs = CLASSES[name].With, CLASSES[name].outputs
        self.mutates = CLASSES[name].mutates

    def facts(self, ctx: Context, args: Any) -> Facts:
        return Facts()

    def run(self, ctx: Context, args: Any) -> Outputs | Park:
        found = self.act(ctx, args)
        if self.name in self.stack.failing:
            raise StepFailed(f"{self.name} did not work.")
        return found

    def act(self, ctx: Context, args: Any) -> Outputs | Park:
        return dict.fromkeys(self.outputs)

    def undo(self, ctx: Context, args: Any, outputs: Outputs | None) -> None:
        return None

    def recheck(self, ctx: Context, args: Any) -> tuple[Recheck, Outputs | None]:
        """A step that fails is found unfinished, so that it fails again for the next owner."""
        return ("not_done", None) if self.name in self.stack.failing else self.found(ctx, args)

    def found(self, ctx: Context, args: Any) -> tuple[Recheck, Outputs | None]:
        return "not_done", None

    def live(self) -> ReleaseRow | None:
        return self.store.releases.live(*PLACE)

    def mark(self, number: int, state: Any) -> None:
        row = self.store.releases.get(*PLACE, number)
        if row is not None and row.state != state:
            self.store.releases.mark(*PLACE, number, state, None, self.clock.now())

    def left(self) -> int | None:
        """The release that served before the live one."""
        rows = [
            row for row in self.store.releases.list(*PLACE) if row.retired_at and row.live_at and row.state != "live"
        ]
        return max(rows, key=lambda row: row.retired_at or row.created_at).number if rows else None


class Resolve(Pretend):
    def facts(self, ctx: Context, args: Any) -> Facts:
        return Facts((Fact("image", "green", f"{args.tag} is there.", bind=args.tag),), self.act(ctx, args))

    def act(self, ctx: Context, args: Any) -> dict[str, Any]:
        if args.tag not in TAGS:
            raise NotFound(f"There is no tag {args.tag}.", code="unknown_tag")
        return {"image": f"web@{args.tag}", "digest": args.tag, "tag": args.tag, "revision": ""}


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


class Take(Pretend):
    def act(self, ctx: Context, args: Any) -> dict[str, Any]:
        id = f"{ctx.run}-{ctx.step}"
        self.stack.unfinished.add(id)
        ctx.progress(1, 2, "half")
        self.stack.bucket[id] = self.stack.databases["main"]
        self.stack.unfinished.discard(id)
        self.stack.ledger.append(f"backup {ctx.step}")
        return {"backup": id, "bytes": 1, "rows": 1, "seconds": 0.1}

    def undo(self, ctx: Context, args: Any, outputs: Outputs | None) -> None:
        self.stack.unfinished.discard(f"{ctx.run}-{ctx.step}")

    def found(self, ctx: Context, args: Any) -> tuple[Recheck, Outputs | None]:
        id = f"{ctx.run}-{ctx.step}"
        if id not in self.stack.bucket:
            return "not_done", None
        return "done", {"backup": id, "bytes": 1, "rows": 1, "seconds": 0.1}


class Check(Pretend):
    def act(self, ctx: Context, args: Any) -> dict[str, Any]:
        if args.backup not in self.stack.bucket:
            raise StepFailed(f"There is no backup {args.backup}.")
        return {"bytes": 1}


class ChooseBackup(Pretend):
    def facts(self, ctx: Context, args: Any) -> Facts:
        return Facts((Fact("backup", "amber", "Backup b0.", bind="b0"),), self.act(ctx, args))

    def act(self, ctx: Context, args: Any) -> dict[str, Any]:
        return {"backup": "b0", "taken_at": "yesterday"}


class Load(Pretend):
    def act(self, ctx: Context, args: Any) -> dict[str, Any]:
        scratch = f"new_{ctx.run}"
        self.stack.databases[scratch] = "half of it"
        ctx.progress(1, 2, "half")
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
            raise StepFailed("It is not what was backed up.")
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


KINDS: Mapping[str, type[Pretend]] = {
    "image.resolve": Resolve,
    "release.choose": Choose,
    "release.block": Block,
    "rollout.prepare": Prepare,
    "rollout.migrate": Migrate,
    "rollout.switch": Switch,
    "rollout.bake": Bake,
    "backup.take": Take,
    "backup.check": Check,
    "backup.choose": ChooseBackup,
    "restore.load": Load,
    "restore.check": CheckRestored,
    "restore.swap": Swap,
}


def steps_on(stack: Stack, store: Store, clock: Clock) -> dict[str, Step]:
    """Every step of the catalogue by name, acting on the stack."""
    return {name: KINDS.get(name, Pretend)(name, stack, store, clock) for name in CLASSES}  # type: ignore[misc]  # its arguments are per object
