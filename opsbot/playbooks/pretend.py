"""Pretend steps for rehearsals: the real ones' arguments and outputs, and nothing behind them; and a clock that can jump."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from opsbot.errors import StepFailed
from opsbot.playbooks.checks import changes, keeps, reversible
from opsbot.playbooks.scenes import Scene
from opsbot.runs.step import Context, Fact, Facts, Json, Outputs, Park, Recheck, Step

Cancel = Callable[[str], None]


class Stage:
    """The scene that is played now. Steps look at it; `cancel(run)` is how somebody stops the run."""

    scene: Scene
    cancel: Cancel

    def __init__(self, outputs: Mapping[str, Mapping[str, Json]]) -> None:
        self.outputs = outputs

    def fails(self, step: str) -> None:
        """Raise if the scene lets this step fail."""
        if self.scene.fail == step:
            raise StepFailed("In this scene it fails.", "Nothing is to be done: this is a rehearsal.")

    def fails_to_undo(self, step: str) -> None:
        """Raise if the scene lets the undo of this step fail."""
        if self.scene.fail_undo == step:
            raise StepFailed("In this scene it cannot be undone.", "Nothing is to be done: this is a rehearsal.")


class PretendStep:
    """Remembers nothing and touches nothing. What it answers stands in the rehearsal, else it is made up."""

    def __init__(self, real: Step, stage: Stage) -> None:
        self._real, self._stage = real, stage
        self.With, self.outputs, self.mutates = real.With, real.outputs, real.mutates
        self.keeps = keeps(real)

    def changes(self, given: Mapping[str, Json]) -> bool:
        return changes(self._real, given)

    def reversible(self, given: Mapping[str, Json]) -> bool:
        return reversible(self._real, given)

    def facts(self, ctx: Context, args: Any) -> Facts:
        fact = Fact("rehearsal", "green", f"{ctx.step} is pretended.", bind=ctx.step)
        return Facts((fact,), None if self.mutates else self._answer(ctx))

    def run(self, ctx: Context, args: Any) -> Outputs | Park:
        if self._stage.scene.cancel == ctx.step:
            self._stage.cancel(ctx.run)
        ctx.check()
        self._stage.fails(ctx.step)
        return self._answer(ctx)

    def undo(self, ctx: Context, args: Any, outputs: Outputs | None) -> None:
        self._stage.fails_to_undo(ctx.step)

    def recheck(self, ctx: Context, args: Any) -> tuple[Recheck, Outputs | None]:
        return "not_done", None

    def _answer(self, ctx: Context) -> Outputs:
        made_up = {name: f"a pretended {name}" for name in self.outputs}
        given = {**self._stage.outputs.get(ctx.step, {}), **self._stage.scene.outputs.get(ctx.step, {})}
        return {**made_up, **given}


class JumpingClock:
    """The machine's clock, moved forward at will: an hour without an answer takes no time."""

    def __init__(self) -> None:
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(min(seconds, 0.01))

    def jump_to(self, moment: datetime) -> None:
        """Nothing if it has passed already."""
        self._ahead += max(timedelta(0), moment - self.now() + timedelta(milliseconds=1))
