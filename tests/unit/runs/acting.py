"""Steps whose effects are lines in a file, so that any process can see what really happened and how often."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from opsbot.clock import SystemClock
from opsbot.errors import StepFailed, Unavailable
from opsbot.runs.engine import Engine
from opsbot.runs.lease import Pace
from opsbot.runs.plan import Plan, PlannedStep
from opsbot.runs.run import FINAL
from opsbot.runs.step import Context, Facts, Outputs, Park, Recheck, With
from opsbot.store import Store
from opsbot.store.rows import JournalRow, RunRow

QUICK = Pace(expiry=2.0, heartbeat=0.05, cancel_poll=0.02, progress=0.02, backoff=0.01, follow=0.01, drain=0.05)
ALICE = {"kind": "person", "id": "U1", "name": "alice"}
BOB = {"kind": "person", "id": "U2", "name": "bob"}


class Stage:
    """The world that the steps act on."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, line: str) -> None:
        with self.path.open("a") as file:
            file.write(line + "\n")

    def lines(self) -> list[str]:
        return self.path.read_text().splitlines() if self.path.exists() else []

    def effects(self) -> list[str]:
        return [line for line in self.lines() if line.startswith(("do ", "undo "))]

    def stands(self, name: str) -> bool:
        lines = self.lines()
        return lines.count(f"do {name}") > lines.count(f"undo {name}")

    def wait_for(self, line: str, seconds: float = 10) -> None:
        end = time.monotonic() + seconds
        while line not in self.lines():
            assert time.monotonic() < end, f"{line} never came; seen: {self.lines()}"
            time.sleep(0.005)


class Mark:
    """Writes “do NAME”; its arguments say how it misbehaves."""

    class With(With):
        name: str
        fails: bool = False
        bug: bool = False
        refuses: bool = False  # fails before it changes anything, and says so
        flaky: int = 0
        before: float = 0  # seconds of work before the effect
        after: float = 0  # seconds of work after it
        deaf: bool = False  # never looks whether it should stop
        undo_fails: bool = False
        undo_flaky: int = 0
        undo_slow: float = 0  # seconds of work after it is reversed
        found: str | None = None
        silent: int = 0  # how often nobody answers when it rechecks
        size: int = 1  # how often the output repeats the name

    outputs: ClassVar[tuple[str, ...]] = ("value",)
    mutates: ClassVar[bool] = True

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def facts(self, ctx: Context, args: With) -> Facts:
        return Facts()

    def run(self, ctx: Context, args: Any) -> Outputs:
        self.stage.write(f"try {args.name} {os.getpid()}")
        if len([line for line in self.stage.lines() if line.startswith(f"try {args.name} ")]) <= args.flaky:
            raise Unavailable("The registry does not answer.")
        self._work(ctx, args, args.before)
        if args.bug:
            raise KeyError("surprise")
        if args.refuses:
            refused = StepFailed("It cannot begin.", "Mend it.")
            refused.untouched = True
            raise refused
        self.stage.write(f"do {args.name}")
        if args.fails:
            raise StepFailed("It is broken.", "Mend it.")
        self._work(ctx, args, args.after)
        return {"value": args.name.upper() * args.size}

    def _work(self, ctx: Context, args: Any, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if args.deaf:
                time.sleep(0.005)
            else:
                ctx.progress(seconds - (end - time.monotonic()), seconds, "working")
                ctx.sleep(0.005)

    def undo(self, ctx: Context, args: Any, outputs: Outputs | None) -> None:
        self.stage.write(f"reverse {args.name} {dict(outputs) if outputs else outputs}")
        if args.undo_fails:
            raise StepFailed("It cannot be reversed.")
        if len([line for line in self.stage.lines() if line.startswith(f"reverse {args.name} ")]) <= args.undo_flaky:
            raise Unavailable("The engine does not answer.")
        if self.stage.stands(args.name):
            self.stage.write(f"undo {args.name}")
            time.sleep(args.undo_slow)

    def recheck(self, ctx: Context, args: Any) -> tuple[Recheck, Outputs | None]:
        self.stage.write(f"recheck {args.name}")
        if self.stage.lines().count(f"recheck {args.name}") <= args.silent:
            raise Unavailable("The engine does not answer.")
        if args.found is not None:
            return args.found, None
        return ("done", {"value": args.name.upper()}) if self.stage.stands(args.name) else ("not_done", None)


class Sleep:
    """Parks: for a moment `times` times, or until a person answers."""

    class With(With):
        ask: str | None = None
        times: int = 1

    outputs: ClassVar[tuple[str, ...]] = ("answer", "slices")
    mutates: ClassVar[bool] = False

    def facts(self, ctx: Context, args: With) -> Facts:
        return Facts()

    def run(self, ctx: Context, args: Any) -> Outputs | Park:
        slices = int((ctx.parked or {}).get("slices", 0))
        if args.ask is not None and ctx.answer is None:
            return Park(None, "A person is asked.", {"slices": slices}, args.ask)
        if args.ask is None and slices < args.times:
            return Park(datetime.now(UTC) + timedelta(milliseconds=20), "It bakes.", {"slices": slices + 1})
        return {"answer": ctx.answer, "slices": slices}

    def undo(self, ctx: Context, args: Any, outputs: Outputs | None) -> None:
        return None

    def recheck(self, ctx: Context, args: Any) -> tuple[Recheck, Outputs | None]:
        return "not_done", None


def mark(name: str, *, undo: bool = True, **more: Any) -> PlannedStep:
    """A step that writes its own name; arguments of the plan's step are passed on, the others are Mark's."""
    own = {
        key: more.pop(key) for key in ("when", "check", "on_resume", "timeout", "retries", "why_no_undo") if key in more
    }
    return PlannedStep(name, f"Mark {name}", "mark", {"name": name, **more}, undo=undo, **own)


def sleep(name: str, **more: Any) -> PlannedStep:
    return PlannedStep(name, f"Wait {name}", "sleep", more, undo=False, on_resume="rerun")


def plan(*steps: PlannedStep, **more: Any) -> Plan:
    values = {"playbook": "deploy", "title": "Deploy web v2 to staging", "params": {"tag": "v2"}}
    values |= {"environment": "staging", "lock": "staging/web"} | more
    return Plan(steps=steps, **values)


def should_stand(run: RunRow, rows: Sequence[JournalRow]) -> dict[str, bool]:
    """Of each of its marks whether it must be there; those that people spoke for, and a run at work, are left out."""
    spoken_for = {row.step for row in rows if row.owner.endswith("by hand") or (row.outputs or {}).get("unknown")}
    done = {row.step for row in rows if (row.phase, row.outcome) == ("do", "done")}
    names = {step["id"] for step in run.plan["steps"] if step["do"] == "mark"} - spoken_for
    if run.status in ("failed", "running", "undoing"):
        return {}
    stay = {"succeeded": names, "waiting": done}.get(run.status, set())
    return {name: name in stay for name in names}


def resolve(value: Any, scope: Mapping[str, Any]) -> Any:
    """A tiny stand-in for playbook expressions: `$steps.a.value` reads the scope."""
    if isinstance(value, Mapping):
        return {key: resolve(item, scope) for key, item in value.items()}
    if isinstance(value, str) and value.startswith("$"):
        found: Any = scope
        for part in value[1:].split("."):
            if part not in found:
                raise StepFailed(f"{value} has no value.")
            found = found[part]
        return found
    return value


def engine(store: Store, stage: Stage, owner: str = "test", **more: Any) -> Engine:
    steps: dict[str, Any] = {"mark": Mark(stage), "sleep": Sleep()}
    return Engine(store, SystemClock(), steps, resolve, owner, **{"pace": QUICK, **more})


def drive_on(engine: Engine, run: str, seconds: float = 10) -> str:
    """Drive a run again and again until it ends or waits for a person."""
    end = time.monotonic() + seconds
    while (status := engine.drive(run)) == "waiting" and time.monotonic() < end:
        if engine.view(run).ask is not None:
            break
        time.sleep(0.01)
    return status


def drive_when_due(engine: Engine, run: str, seconds: float = 10) -> str:
    """Drive a run whenever it is due, as `serve` does, until it ends or waits for a person."""
    end = time.monotonic() + seconds
    while (view := engine.view(run)).status not in FINAL and view.ask is None and time.monotonic() < end:
        if run in engine.due():
            engine.drive(run)
        time.sleep(0.005)
    return engine.view(run).status


def submit(bot: Engine, made: Plan) -> str:
    """Alice asks for it in a channel; the run's id."""
    return bot.submit(made, ALICE, "slack", "C1")


def kinds(store: Store, run: str) -> list[str]:
    """What was told of the run, in order; progress is left out."""
    return [event.kind for event in store.events.after(run, 0) if event.kind != "progress"]
