"""Looks at what must not be lost: databases, the bucket with its backups, and the bot's own record and disk."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

from opsbot.backups import foreign
from opsbot.backups.s3 import S3
from opsbot.bot.reach import Reach
from opsbot.clock import Clock, ago
from opsbot.commands import say
from opsbot.commands.record import MISSING
from opsbot.config import values
from opsbot.config.settings import Config
from opsbot.errors import OpsError
from opsbot.install.finding import Check, Finding, bad, ok, warn
from opsbot.runtime.target import Targets
from opsbot.store import Store

LATE = timedelta(hours=26)  # a daily backup and two hours
REMEMBERED = timedelta(days=30)  # so long rows that the audit lost are told
FULL_WARN, FULL_BAD = 0.85, 0.95  # of a disk
_LOGIN = "SELECT current_setting('server_version') AS version, rolsuper FROM pg_roles WHERE rolname = current_user"


def checks(config: Config, targets: Targets, reach: Reach, store: Store, clock: Clock) -> dict[str, Check]:
    """By name."""
    found: dict[str, Check] = {}
    for environment in config.environments:
        for name in config.databases:
            found[f"database {name} in {environment}"] = partial(database, targets, reach, environment, name)
            if config.storage is not None:
                found[f"backups of {name} in {environment}"] = partial(backups, config, reach, clock, environment, name)
    found["bucket"] = partial(bucket, config, reach)
    return {**found, "record": lambda: list(record(store, clock))}


def database(targets: Targets, reach: Reach, environment: str, name: str) -> Finding:
    """Whether it answers to the superuser that backups and restores need. One that lives elsewhere is no failure."""
    target = targets.get(environment)
    service = target.full_name(reach.settings(name).service)
    if target.swarm.service(service) is None:
        elsewhere = [one for one in targets.names() if one != environment and _runs(targets, one, reach, name)]
        if not elsewhere:
            return bad(f"There is no service {service}.", "Deploy it, or correct `service` in opsbot.yml.")
        told = f"There is no service {service}; {name} runs in {', '.join(elsewhere)}."
        return warn(told, "Nothing to do if that is meant; else deploy it here too.")
    row = reach.execute(environment, name, _LOGIN, {}, read_only=True)[0]
    version = str(row["version"]).split()[0]
    if not row["rolsuper"]:
        user = reach.settings(name).user
        return bad(f"PostgreSQL {version} answers, but {user} is no superuser.", "Name one in opsbot.yml.")
    return ok(f"PostgreSQL {version} answers to a superuser.")


def _runs(targets: Targets, environment: str, reach: Reach, name: str) -> bool:
    target = targets.get(environment)
    try:
        return target.swarm.service(target.full_name(reach.settings(name).service)) is not None
    except OpsError:
        return False  # an engine that does not answer has a finding of its own


def backups(config: Config, reach: Reach, clock: Clock, environment: str, name: str) -> Finding:
    """How old the newest one is."""
    found = reach.backups(environment, name)
    if not found:
        return warn("There is no backup yet.", f"Say `opsbot backup {name} on {environment}`.")
    when = ago(found[0].taken_at, clock.now())
    if clock.now() - found[0].taken_at > _within(config, environment, name):
        return bad(f"The newest backup was taken {when}.", "See `opsbot alerts` and `opsbot runs` for why.")
    return ok(f"The newest backup was taken {when}.")


def _within(config: Config, environment: str, name: str) -> timedelta:
    ages = (probe.backup_age for probe in config.probes.values() if probe.backup_age)
    return next((age.under for age in ages if (age.environment, age.database) == (environment, name)), LATE)


def bucket(config: Config, reach: Reach) -> list[Finding]:
    """Whether it can be read and written, keeps what is deleted, and holds what others wrote."""
    if config.storage is None:
        return [warn("No bucket is configured, so there are no backups.", "Add `storage` to opsbot.yml.")]
    storage = reach.bucket()
    storage.ready()
    key = f"doctor/{uuid.uuid4().hex}"
    storage.put_new(key, b"opsbot doctor was here and removes this at once")
    storage.delete(key)
    found = [ok(f"The bucket {values.text(config.storage.bucket)} can be read and written.")]
    if isinstance(storage, S3) and not _versioned(storage):
        cure = "Switch its versioning on, so that nobody who has the key can destroy what is in it."
        found.append(warn("The bucket does not keep what is deleted.", cure))
    theirs = foreign.sentence(foreign.dumps(storage))
    cure = "They stay as they are; docs/operator.md tells how to load one by hand."
    return [*found, warn(theirs, cure)] if theirs else found


def _versioned(storage: S3) -> bool:
    try:
        return storage.versioned()
    except OpsError:
        return False


def record(store: Store, clock: Clock) -> Iterator[Finding]:
    """Whether the bot's own record is whole, by the database's own check and by the audit's chain, and lacks nothing."""
    store.ping()
    damage = store.damage()
    if damage:
        yield bad(f"The file of the record is damaged: {damage}.", "Put a copy of it back; keep this one.")
    verdict = store.audit.verify()
    if not verdict.ok:
        yield bad(f"The audit was changed: {verdict.why}", "Hold it against the heads in the bucket: `audit verify`.")
    for row in store.audit.list(1, clock.now() - REMEMBERED, what=MISSING):
        lost = say.number(int(row.body.get("rows", 0)), "row")
        cure = "The bot's log has each; free some space if the disk was full."
        yield warn(f"{lost} of the audit could not be written, until {ago(row.at, clock.now())}.", cure)
    if not damage and verdict.ok:
        yield ok(f"The bot's own record is whole; its audit has {verdict.rows} rows.")


def disk(folder: Path, what: str) -> Finding:
    """How full the disk of a folder is."""
    room = shutil.disk_usage(folder)
    used, free = 1 - room.free / room.total, f"{room.free / 1e9:.1f} GB"
    cure = "Make room: docker system df tells what the engine holds."
    if used >= FULL_BAD:
        return bad(f"The disk of {what} is {used:.0%} full: {free} are free.", cure)
    if used >= FULL_WARN:
        return warn(f"The disk of {what} is {used:.0%} full: {free} are free.", cure)
    return ok(f"The disk of {what} has {free} free.")


def disks(config: Config, targets: Targets) -> list[Finding]:
    """Of the record, and of the engine where its folder can be seen from here."""
    path = values.text(config.store).partition("sqlite:///")[2]
    folders = {Path(path).absolute().parent: "the bot's record"} if path else {}
    for name, environment in config.environments.items():
        if values.text(environment.engine).startswith("unix://"):
            root = _root(targets, name)
            folders |= {root: "the engine"} if root and root.is_dir() else {}
    return [disk(folder, what) for folder, what in folders.items() if folder.is_dir()]


def _root(targets: Targets, environment: str) -> Path | None:
    try:
        told = targets.get(environment).swarm.info().get("DockerRootDir")
    except OpsError:
        return None  # the engine's own check tells it
    return Path(str(told)) if told else None
