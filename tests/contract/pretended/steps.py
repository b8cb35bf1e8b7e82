"""The catalogue of pretended steps: every name of the real one, on one pretended stack."""

from __future__ import annotations

from collections.abc import Mapping

from known_steps import CLASSES
from pretended import backup, rollout, standing
from pretended.stack import Pretend, Stack

from opsbot.clock import Clock
from opsbot.runs.step import Step
from opsbot.store import Store

KINDS: Mapping[str, type[Pretend]] = {
    "image.resolve": rollout.Resolve,
    "release.running": rollout.Running,
    "release.way_back": rollout.WayBack,
    "release.choose": rollout.Choose,
    "release.block": rollout.Block,
    "rollout.prepare": rollout.Prepare,
    "rollout.ready": rollout.Ready,
    "rollout.migrate": rollout.Migrate,
    "rollout.smoke": rollout.Smoke,
    "rollout.switch": rollout.Switch,
    "rollout.bake": rollout.Bake,
    "backup.take": backup.Take,
    "backup.check": backup.Check,
    "backup.choose": backup.ChooseBackup,
    "restore.load": backup.Load,
    "restore.check": backup.CheckRestored,
    "restore.swap": backup.Swap,
    "stack.compare": standing.Compare,
    "stack.apply": standing.Apply,
    "bot.resolve": standing.ResolveBot,
    "bot.upgrade": standing.Upgrade,
}


def steps_on(stack: Stack, store: Store, clock: Clock) -> dict[str, Step]:
    """Every step of the catalogue by name, acting on the stack."""
    return {name: KINDS.get(name, Pretend)(name, stack, store, clock) for name in CLASSES}  # type: ignore[misc]  # its arguments are per object
