"""Steps that move a service to a release and back: prepare, switch, ready."""

from __future__ import annotations

import time
from typing import ClassVar

from opsbot.runs.step import Context, Facts, Outputs, Recheck, With
from opsbot.runtime import jobs
from opsbot.runtime.target import Targets
from opsbot.steps import rollout_record as record
from opsbot.steps import rollout_tries as tries
from opsbot.steps.release import OfService
from opsbot.steps.rollout_facts import before_deploy


class OfImage(OfService):
    """A resolved image of a service; `image` is `repo@sha256:…`, `migrations` what its label lists."""

    image: str
    tag: str
    revision: str = ""
    migrations: str = ""


class OfRelease(OfService):
    """A recorded release, by its number."""

    release: int


class Prepare:
    """rollout.prepare: records the release and gets it running where nobody is sent yet."""

    With: ClassVar[type[With]] = OfImage
    outputs: ClassVar[tuple[str, ...]] = ("release", "colour", "address")
    mutates: ClassVar[bool] = True

    def __init__(self, targets: Targets) -> None:
        self._targets = targets

    def facts(self, ctx: Context, args: OfImage) -> Facts:
        target = self._targets.get(args.environment)
        return Facts(before_deploy(target, args.service, args.image, args.tag))

    def run(self, ctx: Context, args: OfImage) -> Outputs:
        target = self._targets.get(args.environment)
        row = record.of_run(target, args.service, ctx.run) or record.add(
            target, ctx, args.service, args.image, args.tag, args.revision, args.migrations
        )
        prepared = target.rollout(args.service).prepare(row, ctx.run, ctx)
        return {"release": row.number, "colour": prepared.colour, "address": prepared.address}

    def undo(self, ctx: Context, args: OfImage, outputs: Outputs | None) -> None:
        target = self._targets.get(args.environment)
        row = record.of_run(target, args.service, ctx.run)
        if row is None:
            return
        record.gave_way(target, row, ctx.run)
        if row.state != "bad":  # first of all: what fails below is then blocked, whoever goes on from there
            target.mark(row, *tries.after_undo(row, ctx.run, target.store.events.after(ctx.run, 0)))
        jobs.end_all(target.swarm, target.stack, ctx.run)
        live = target.store.releases.live(args.environment, args.service)
        target.rollout(args.service).discard(ctx.run, even_live=live is None)

    def recheck(self, ctx: Context, args: OfImage) -> tuple[Recheck, Outputs | None]:
        target = self._targets.get(args.environment)
        row = record.of_run(target, args.service, ctx.run)
        prepared = target.rollout(args.service).ready(row, ctx.run) if row else None
        if row is None or prepared is None:
            return "not_done", None
        return "done", {"release": row.number, "colour": prepared.colour, "address": prepared.address}


class Ready:
    """rollout.ready: makes sure that a recorded release runs, so that `switch` can go back to it."""

    With: ClassVar[type[With]] = OfRelease
    outputs: ClassVar[tuple[str, ...]] = ()
    mutates: ClassVar[bool] = True

    def __init__(self, targets: Targets) -> None:
        self._targets = targets

    def facts(self, ctx: Context, args: OfRelease) -> Facts:
        return Facts()

    def run(self, ctx: Context, args: OfRelease) -> Outputs:
        target = self._targets.get(args.environment)
        target.rollout(args.service).prepare(target.row(args.service, args.release), ctx.run, ctx)
        return {}

    def undo(self, ctx: Context, args: OfRelease, outputs: Outputs | None) -> None:
        target = self._targets.get(args.environment)
        record.gave_way(target, target.row(args.service, args.release), ctx.run)
        target.rollout(args.service).discard(ctx.run, even_live=False)

    def recheck(self, ctx: Context, args: OfRelease) -> tuple[Recheck, Outputs | None]:
        target = self._targets.get(args.environment)
        row = target.row(args.service, args.release)
        rollout = target.rollout(args.service)
        return ("done", {}) if rollout.warm(row) or rollout.ready(row, ctx.run) else ("not_done", None)


class Switch:
    """rollout.switch: the single commit point. Sends people to a prepared release and sees that they get there."""

    With: ClassVar[type[With]] = OfRelease
    outputs: ClassVar[tuple[str, ...]] = ("from_release", "seconds")
    mutates: ClassVar[bool] = True

    def __init__(self, targets: Targets) -> None:
        self._targets = targets

    def facts(self, ctx: Context, args: OfRelease) -> Facts:
        return Facts()

    def run(self, ctx: Context, args: OfRelease) -> Outputs:
        target = self._targets.get(args.environment)
        row = target.row(args.service, args.release)
        before = record.left(target, row)
        started = time.monotonic()
        target.rollout(args.service).switch(row, ctx.run, ctx)
        seconds = round(time.monotonic() - started, 3)
        target.mark(row, "live")
        return {"from_release": before.number if before else None, "seconds": seconds}

    def undo(self, ctx: Context, args: OfRelease, outputs: Outputs | None) -> None:
        target = self._targets.get(args.environment)
        row = target.row(args.service, args.release)
        back = record.left(target, row)
        if back is None:
            target.mark(row, "abandoned", f"undone by {ctx.run}; there was none before it")
            return
        rollout = target.rollout(args.service)
        if not rollout.serving(back):
            rollout.prepare(back, ctx.run, ctx)
            rollout.switch(back, ctx.run, ctx)
        if back.state != "live":
            target.mark(back, "live", f"again, by the undo of {ctx.run}")

    def recheck(self, ctx: Context, args: OfRelease) -> tuple[Recheck, Outputs | None]:
        target = self._targets.get(args.environment)
        row = target.row(args.service, args.release)
        if not target.rollout(args.service).serving(row) or row.state != "live":
            return "not_done", None
        before = record.left(target, row)
        return "done", {"from_release": before.number if before else None, "seconds": None}
