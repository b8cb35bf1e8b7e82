"""Plays rehearsals on the real engine with pretend steps, and says which ways of a playbook no scene goes."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from opsbot.config.settings import Environment
from opsbot.errors import OpsError
from opsbot.playbooks import expressions, planner
from opsbot.playbooks.playbook import Playbook, StepSpec
from opsbot.playbooks.pretend import JumpingClock, PretendStep, Stage
from opsbot.playbooks.scenes import Rehearsal, Scene, load
from opsbot.runs.engine import Engine
from opsbot.runs.lease import Pace
from opsbot.runs.plan import Plan
from opsbot.runs.run import FINAL
from opsbot.runs.step import Step
from opsbot.runs.view import RunView
from opsbot.store import open_store

DOOR = "terminal"
ASKER = {"kind": "person", "id": "rehearsal:asker", "name": "the one who asks"}
TURNS = 50  # more than any playbook waits
AS_THEY_ARE = ("manual", "announce")  # they touch nothing outside
NEVER_FAIL = (*AS_THEY_ARE, "wait")


@dataclass(frozen=True)
class Played:
    """A scene and how it went. `wrong`: a sentence if that is not how it should."""

    scene: Scene
    view: RunView
    plan: Plan
    wrong: str = ""


def rehearse(folder: Path, playbook: Playbook, steps: Mapping[str, Step]) -> list[Played]:
    """Play every scene of the rehearsal beside a playbook. ConfigError if there is none."""
    rehearsal = load(folder, playbook)
    pretended = playbook.model_copy(update={"name": f"rehearsal of {playbook.name}"})
    with tempfile.TemporaryDirectory(prefix="rehearsal") as scratch:
        play = _Play(pretended, rehearsal, steps, Path(scratch))
        try:
            return [play.scene(scene) for scene in rehearsal.scenes]
        finally:
            play.close()


def wrong(folder: Path, playbooks: Iterable[Playbook], steps: Mapping[str, Step]) -> Iterator[str]:
    """Every sentence about what is missing or goes wrong in the rehearsals of these playbooks."""
    for playbook in playbooks:
        try:
            played = rehearse(folder, playbook, steps)
        except OpsError as error:
            yield error.sentence()
            continue
        yield from (f"{playbook.name}, “{one.scene.name}”: {one.wrong}" for one in played if one.wrong)
        yield from (f"{playbook.name}: {gap}" for gap in gaps(playbook, played))


def gaps(playbook: Playbook, played: Sequence[Played]) -> Iterator[str]:
    """The branches, undos and answers that no scene plays."""
    ends = {one.view.status for one in played}
    if "succeeded" not in ends:
        yield "no scene succeeds."
    if "cancelled" not in ends and any(spec.kind not in AS_THEY_ARE for spec in playbook.steps):
        yield "in no scene somebody stops the run."
    if playbook.approve is not None:
        yield from _gaps_of_approval(played, spared=playbook.approve.when_protected)
    for step in playbook.steps:
        states = {view.state for one in played if (view := one.view.step(step.id))}
        can_undo = any(planned.undo for one in played for planned in one.plan.steps if planned.id == step.id)
        yield from _gaps_of_step(step, states, can_undo)


def _gaps_of_approval(played: Sequence[Played], *, spared: bool) -> Iterator[str]:
    """`spared`: where nothing is protected, nobody is asked."""
    answers = {(bool(one.view.glass), one.view.status) for one in played if one.plan.approval}
    if not any(one.view.approved_by and not one.view.glass for one in played):
        yield "in no scene the plan is approved."
    if (False, "rejected") not in answers:
        yield "in no scene the plan is rejected."
    if (False, "expired") not in answers:
        yield "in no scene the plan expires."
    if not any(broken and status != "rejected" for broken, status in answers):
        yield "in no scene the glass is broken and the run begins."
    if (True, "rejected") not in answers:
        yield "in no scene the countdown of a broken glass is stopped."
    if spared and all(one.plan.approval for one in played):
        yield "in no scene it goes without an approval, where nothing is protected."


def _gaps_of_step(step: StepSpec, states: Collection[str], can_undo: bool) -> Iterator[str]:
    if not {"done", "undone"} & set(states):
        yield f"in no scene the step “{step.id}” is done."
    if step.when is not None and "skipped" not in states:
        yield f"in no scene the step “{step.id}” is left out."
    if not can_undo and step.kind not in NEVER_FAIL and "failed" not in states:
        yield f"in no scene the step “{step.id}” fails."
    if can_undo and "undone" not in states:
        yield f"in no scene the step “{step.id}” is undone."
    if can_undo and "undo_failed" not in states:
        yield f"in no scene the undo of “{step.id}” fails."


class _Play:
    """One pretend world: a store of its own, the real engine, a clock that jumps."""

    def __init__(self, playbook: Playbook, rehearsal: Rehearsal, steps: Mapping[str, Step], scratch: Path) -> None:
        self._playbook, self._rehearsal = playbook, rehearsal
        self._stage, self._clock = Stage(rehearsal.outputs), JumpingClock()
        self._steps: dict[str, Step] = {
            name: step if name in AS_THEY_ARE else PretendStep(step, self._stage)  # type: ignore[misc]  # its arguments are per object
            for name, step in steps.items()
        }
        self._store = open_store(f"sqlite:///{scratch / 'rehearsal.db'}")
        self._plan = partial(planner.plan, steps=self._steps)
        self._engine = Engine(
            self._store, self._clock, self._steps, expressions.resolve, "rehearsal",
            replan=lambda plan: self._planned(plan.params), pace=Pace(cancel_poll=0.01, backoff=0.01, follow=0.01),
        )  # fmt: skip
        self._stage.cancel = self._cancel

    def close(self) -> None:
        self._store.close()

    def _cancel(self, run: str) -> None:
        self._engine.cancel(run, ASKER, DOOR)

    def scene(self, scene: Scene) -> Played:
        """Play it to its end."""
        self._stage.scene = scene
        params: dict[str, Any] = {param.name: param.default for param in self._playbook.arguments()}
        plan = self._planned({**params, **self._rehearsal.params, **scene.params})
        run = self._engine.submit(plan, ASKER, DOOR)
        if plan.approval:
            self._decide(run, plan, scene)
        for _ in range(TURNS):
            if self._engine.drive(run) in FINAL:
                break
            self._pass(run, scene)
        view = self._engine.view(run)
        return Played(scene, view, plan, _unlike(scene, view))

    def _planned(self, params: Mapping[str, Any]) -> Plan:
        name = self._playbook.environment_param()
        known = (
            {str(params[name]): Environment(stack="rehearsal", protected=self._stage.scene.protected)} if name else {}
        )
        return self._plan(self._playbook, params, "the one who asks", known)

    def _decide(self, run: str, plan: Plan, scene: Scene) -> None:
        people = range(int((plan.approval or {}).get("people", 1)))
        others = [{"kind": "person", "id": f"rehearsal:{number}", "name": f"person {number + 2}"} for number in people]
        match scene.decide:
            case "approve":
                for other in others:
                    self._engine.approve(run, other, DOOR)
            case "reject":
                self._engine.reject(run, others[0], DOOR, "it is a rehearsal")
            case "break-glass":
                self._clock.jump_to(self._engine.break_glass(run, others[0], "it is a rehearsal", DOOR))
            case "break-glass-stopped":
                self._engine.break_glass(run, others[0], "it is a rehearsal", DOOR)
                self._engine.reject(run, ASKER, DOOR, "it can wait after all")

    def _pass(self, run: str, scene: Scene) -> None:
        """What the run waits for happens: somebody answers, or the time passes."""
        view = self._engine.view(run)
        if view.ask:
            self._engine.answer(run, ASKER, scene.answer, DOOR)
        elif view.until:
            self._clock.jump_to(view.until)


def _unlike(scene: Scene, view: RunView) -> str:
    if view.status != scene.ends:
        return f"It ended {view.status} and not {scene.ends}. {view.outcome or ''}".strip()
    undone = [step.id for step in view.steps if step.state == "undone"]
    missing = [step for step in scene.undone if step not in undone]
    return f"{', '.join(missing)} should have been undone." if missing else ""
