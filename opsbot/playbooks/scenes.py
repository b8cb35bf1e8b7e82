"""The schema of a rehearsal, `playbooks/rehearsals/NAME.yml`: the ways a playbook can go, and how each should end."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from opsbot.config import document
from opsbot.config.values import Frozen
from opsbot.errors import ConfigError
from opsbot.playbooks.playbook import Playbook

FOLDER = "rehearsals"


class Scene(Frozen):
    """One way. `fail`, `fail_undo`, `cancel` name the step where it happens; `answer` is what people say when asked.

    `protected`: whether the environment is; where it is not, a plan may need no yes.
    """

    name: str = Field(min_length=5)
    params: dict[str, Any] = {}
    outputs: dict[str, dict[str, Any]] = {}
    protected: bool = True
    decide: Literal["approve", "reject", "nobody", "break-glass", "break-glass-stopped"] = "approve"
    fail: str | None = None
    fail_undo: str | None = None
    cancel: str | None = None
    answer: str = "done"
    ends: Literal["succeeded", "undone", "cancelled", "failed", "rejected", "expired"]
    undone: tuple[str, ...] = ()


class Rehearsal(Frozen):
    """All scenes of a playbook, with the params and the outputs of steps that they share."""

    params: dict[str, Any] = {}
    outputs: dict[str, dict[str, Any]] = {}
    scenes: tuple[Scene, ...] = Field(min_length=1)


def path_of(folder: Path, name: str) -> Path:
    """Where the rehearsal of a playbook stands."""
    return folder / FOLDER / f"{name}.yml"


def load(folder: Path, playbook: Playbook) -> Rehearsal:
    """The rehearsal beside a playbook. ConfigError: there is none, or it names steps or params that do not exist."""
    path = path_of(folder, playbook.name)
    if not path.is_file():
        raise ConfigError(
            f"The playbook {playbook.name}.yml has no rehearsal.",
            f"Write {FOLDER}/{playbook.name}.yml: every way it can go, and how each ends.",
            code="no_rehearsal",
        )
    text = document.load(path)
    rehearsal = text.parse(Rehearsal)
    steps = {step.id for step in playbook.steps}
    for index, scene in enumerate(rehearsal.scenes):
        named = [*(name for name in (scene.fail, scene.fail_undo, scene.cancel) if name), *scene.undone, *scene.outputs]
        strange = next((name for name in named if name not in steps), None)
        if strange:
            raise text.error(
                ("scenes", index), f"there is no step “{strange}” in {playbook.name}.yml.", "Name another."
            )
    return rehearsal


def check_all(folder: Path, playbooks: Iterable[Playbook]) -> None:
    """ConfigError for the first playbook without a rehearsal that can be read. None is played."""
    for playbook in playbooks:
        load(folder, playbook)
