"""The step contract: what every step offers the engine, and what the engine offers every step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Literal, Protocol

from pydantic import BaseModel, ConfigDict

Json = Any
Outputs = Mapping[str, Json]
Color = Literal["green", "amber", "red"]
Recheck = Literal["done", "not_done", "unknown"]


class With(BaseModel):
    """Base of a step's arguments: frozen, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class Fact:
    """Something that is true now: a colour (red refuses), a sentence, and what the fingerprint binds to beside the colour.

    `bind` holds identities (digest, spec hash, revision), never measured values. `again`: red only because a part does not
    answer now.
    """

    key: str
    color: Color
    text: str
    bind: Json = None
    again: bool = False


@dataclass(frozen=True)
class Facts:
    """What a step knows before it runs. `outputs`: what it can already say (a read-only step, e.g. a resolved digest)."""

    items: Sequence[Fact] = ()
    outputs: Outputs | None = None


@dataclass(frozen=True)
class Park:
    """Returned by `run` instead of outputs: call me again, at `until` or when a person completes me; no thread is held.

    `state` (JSON) comes back as `ctx.parked`. `ask` is the sentence that a person is asked; None = only time is awaited.
    """

    until: datetime | None
    say: str
    state: Mapping[str, Json] = field(default_factory=dict)
    ask: str | None = None


class Context(Protocol):
    """What a step may use of its run. `parked`: the state of an earlier Park of this step, else None."""

    run: str
    step: str
    actor: str
    environment: str | None
    parked: Mapping[str, Json] | None
    answer: str | None

    def progress(self, done: float, total: float, text: str = "") -> None:
        """Tell how far the step is; cheap, may be called often."""

    def say(self, text: str) -> None:
        """A line in the run's thread."""

    @property
    def cancelled(self) -> bool:
        """True once a person or a shutdown asked to stop, or the lease was lost."""

    def check(self) -> None:
        """Raise Cancelled if `cancelled`, StepFailed if the step's time is over."""

    def sleep(self, seconds: float) -> None:
        """Wait, with `check` several times a second."""


class Step(Protocol):
    """One kind of work. `With` types its arguments, `outputs` declares what `run` returns, `mutates` says if it changes the world.

    It may have `keeps` too: the output that names what it makes for those who need the state from before. That is not undone
    in a run that has begun something later which cannot be taken back.
    """

    @property
    def With(self) -> type[With]:  # noqa: N802 - it is a class, named as one
        """The type of the step's arguments."""

    outputs: ClassVar[tuple[str, ...]]
    mutates: ClassVar[bool]

    def facts(self, ctx: Context, args: Any) -> Facts:
        """What is true now; changes nothing. `ctx.run` is empty while planning."""

    def run(self, ctx: Context, args: Any) -> Outputs | Park:
        """Do it. Raises OpsError when it cannot."""

    def undo(self, ctx: Context, args: Any, outputs: Outputs | None) -> None:
        """Reverse it; `outputs` is None when it is not known whether `run` finished. Must be safe to call twice."""

    def recheck(self, ctx: Context, args: Any) -> tuple[Recheck, Outputs | None]:
        """After a crash: did `run` take effect? With the outputs, if it did."""


class ReadOnly:
    """Base of steps that change nothing: nothing to undo, run again after a crash."""

    mutates: ClassVar[bool] = False

    def facts(self, ctx: Context, args: Any) -> Facts:
        return Facts()

    def undo(self, ctx: Context, args: Any, outputs: Outputs | None) -> None:
        return None

    def recheck(self, ctx: Context, args: Any) -> tuple[Recheck, Outputs | None]:
        return "not_done", None
