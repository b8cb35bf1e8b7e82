"""Steps that any runbook needs: wait for a time, ask a person to do something, say something."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from pydantic import Field

from opsbot.clock import Clock
from opsbot.config.values import Duration
from opsbot.runs import step
from opsbot.runs.step import Context, Outputs, Park, ReadOnly


class Wait(ReadOnly):
    """`wait: {for: 30s, say: …}`: time passes; no thread is held, a restart does not begin it anew."""

    class With(step.With):
        time: Duration = Field(alias="for", gt=timedelta(0), le=timedelta(days=7))
        say: str = "Waiting"

    outputs: ClassVar[tuple[str, ...]] = ("seconds",)

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def run(self, ctx: Context, args: With) -> Outputs | Park:
        parked = ctx.parked
        now = self._clock.now()
        until = datetime.fromisoformat(parked["until"]) if parked else now + args.time
        if now < until:
            return Park(until, f"{args.say} for {_length(args.time)}.", {"until": until.isoformat()})
        return {"seconds": args.time.total_seconds()}


def _length(time: timedelta) -> str:
    """`90 s`, `5 min`, `2 h`: every reader's clock shows another time, and a length is the same for all."""
    seconds = round(time.total_seconds())
    for unit, name in ((3600, "h"), (60, "min")):
        if seconds >= unit and seconds % unit == 0:
            return f"{seconds // unit} {name}"
    return f"{seconds} s"


class Manual(ReadOnly):
    """`manual: …`: a person does it and says so; the run waits as long as it takes."""

    class With(step.With):
        ask: str = Field(min_length=3)

    outputs: ClassVar[tuple[str, ...]] = ("answer",)

    def run(self, ctx: Context, args: With) -> Outputs | Park:
        if ctx.answer is None:
            return Park(None, args.ask, ask=args.ask)
        return {"answer": ctx.answer}


class Announce(ReadOnly):
    """`announce: {text: …}`: a line in the run's thread."""

    class With(step.With):
        text: str = Field(min_length=1)

    outputs: ClassVar[tuple[str, ...]] = ()

    def run(self, ctx: Context, args: With) -> Outputs | Park:
        ctx.say(args.text)
        return {}
