"""The one explicit mapping of step names to steps. To add a step: its class in a family's file, and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from opsbot.clock import Clock
from opsbot.runs.step import Step
from opsbot.runtime.target import Targets
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
    schema,
    sql,
    stack,
    upgrade,
)


@dataclass(frozen=True)
class Collaborators:
    """What steps work with, made by the composition root."""

    clock: Clock
    targets: Targets
    backups: backups.Parts
    edge_url: Callable[[str], str]
    execute: sql.Execute
    start: container.Start
    schema: schema.Schema


def catalog(given: Collaborators) -> Mapping[str, Step]:
    """Every step by the name that playbooks use."""
    return {
        "http": http.Http(given.edge_url),
        "sql": sql.Sql(given.execute),
        "container": container.Container(given.start),
        "wait": generic.Wait(given.clock),
        "manual": generic.Manual(),
        "announce": generic.Announce(),
        "image.resolve": release.ImageResolve(given.targets),
        "release.way_back": release.WayBack(given.targets, given.schema),
        "release.choose": release.ReleaseChoose(given.targets, given.schema),
        "release.block": release.ReleaseBlock(given.targets),
        "release.running": running.ReleaseRunning(given.targets),
        "rollout.prepare": rollout.Prepare(given.targets),
        "rollout.ready": rollout.Ready(given.targets),
        "rollout.migrate": rollout_trial.Migrate(given.targets, given.schema),
        "rollout.smoke": rollout_trial.Smoke(given.targets),
        "rollout.switch": rollout.Switch(given.targets),
        "rollout.bake": rollout_trial.Bake(given.targets),
        "backup.take": backups.TakeBackup(given.backups),
        "backup.check": backups.CheckBackup(given.backups),
        "backup.choose": backups.ChooseBackup(given.backups),
        "restore.load": restore.LoadBackup(given.backups),
        "restore.check": restore.CheckRestored(given.backups),
        "restore.swap": restore.SwapIn(given.backups),
        "stack.compare": stack.Compare(given.targets),
        "stack.apply": stack.Apply(given.targets),
        "bot.resolve": upgrade.ResolveBot(given.targets),
        "bot.upgrade": upgrade.UpgradeBot(given.targets),
    }
