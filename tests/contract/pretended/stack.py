"""A pretended stack that outlives the bot: colours, a flag, a schema, databases, a bucket, and a ledger of every effect.

Its steps carry the names, arguments and outputs of the real ones, so the real playbooks run on them; what they promise the
engine (undo twice, recheck that looks) is what the contract tests of the real ones hold them to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from known_steps import CLASSES

from opsbot.clock import Clock
from opsbot.errors import StepFailed
from opsbot.runs.step import Context, Facts, Outputs, Park, Recheck
from opsbot.steps.varies import Varies
from opsbot.store import Store
from opsbot.store.rows import ReleaseRow

PLACE = ("staging", "web")


@dataclass
class Stack:
    """What Docker, the edge, Postgres and the bucket remember. `colours`: colour → the release it runs, `started`: run → what it
    started to go back to.

    `parts`: service → what it runs, as `files` want it; `bot`: the bot's own image, `bot_before`: run → what it moved from.
    """

    colours: dict[str, int] = field(default_factory=lambda: {"blue": 1, "green": 2})
    flag: str = "green"
    started: dict[str, int] = field(default_factory=dict)
    schema: str = "v2"
    databases: dict[str, str] = field(default_factory=lambda: {"main": "rows of today"})
    marks: dict[str, str] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=lambda: {"db": "12", "edge": "old"})
    files: dict[str, str] = field(default_factory=lambda: {"db": "12", "edge": "new", "metrics": "new"})
    bot: str = "bot@v1"
    bot_before: dict[str, str] = field(default_factory=dict)
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

    def changes(self, given: Mapping[str, Any]) -> bool:
        """As the real step's arguments decide it."""
        return bool(CLASSES[self.name].changes(self, given)) if issubclass(CLASSES[self.name], Varies) else self.mutates

    def reversible(self, given: Mapping[str, Any]) -> bool:
        return not issubclass(CLASSES[self.name], Varies) or given.get("undo") is not None or not self.changes(given)

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
