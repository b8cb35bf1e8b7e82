"""The project's steps by name, without their collaborators: what the loader looks at stands on the classes."""

from __future__ import annotations

from typing import Any

from opsbot.runs.step import Step
from opsbot.steps import (
    backups,
    container,
    generic,
    http,
    release,
    restore,
    rollout,
    rollout_trial,
    running,
    sql,
    stack,
    upgrade,
)

CLASSES: dict[str, type[Any]] = {
    "image.resolve": release.ImageResolve,
    "release.way_back": release.WayBack,
    "release.choose": release.ReleaseChoose,
    "release.block": release.ReleaseBlock,
    "release.running": running.ReleaseRunning,
    "rollout.prepare": rollout.Prepare,
    "rollout.ready": rollout.Ready,
    "rollout.switch": rollout.Switch,
    "rollout.migrate": rollout_trial.Migrate,
    "rollout.smoke": rollout_trial.Smoke,
    "rollout.bake": rollout_trial.Bake,
    "backup.take": backups.TakeBackup,
    "backup.check": backups.CheckBackup,
    "backup.choose": backups.ChooseBackup,
    "restore.load": restore.LoadBackup,
    "restore.check": restore.CheckRestored,
    "restore.swap": restore.SwapIn,
    "bot.resolve": upgrade.ResolveBot,
    "bot.upgrade": upgrade.UpgradeBot,
    "stack.compare": stack.Compare,
    "stack.apply": stack.Apply,
    "http": http.Http,
    "sql": sql.Sql,
    "container": container.Container,
    "wait": generic.Wait,
    "manual": generic.Manual,
    "announce": generic.Announce,
}


def bare() -> dict[str, Step]:
    """Each step as an object that knows its class and nothing else."""
    return {name: object.__new__(kind) for name, kind in CLASSES.items()}
