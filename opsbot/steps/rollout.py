"""Steps that move a service to a release and back: prepare, switch, ready."""

from __future__ import annotations

import time
from typing import ClassVar

from opsbot.runs.step import Context, Facts, Outputs, Recheck, With
from opsbot.runtime import spec as specs
from opsbot.runtime.rolling import Rolling
from opsbot.runtime.target import Target, Targets
from opsbot.steps.release import OfService
from opsbot.steps.rollout_facts import before_deploy
from opsbot.store.rows import ReleaseRow


class OfImage(OfService):
    """A resolved image of a service; `image` is `repo@sha256:…`."""

    image: str
    tag: str
    revision: str = ""


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
        row = _recorded(target, ctx, args) or _record(target, ctx, args)
        prepared = target.rollout(args.service).prepare(row, ctx.run, ctx)
        return {"release": row.number, "colour": prepared.colour, "address": prepared.address}

    def undo(self, ctx: Context, args: OfImage, outputs: Outputs | None) -> None:
        target = self._targets.get(args.environment)
        row = _recorded(target, ctx, args)
        if row is None or row.state == "live":
            return  # nothing was made, or people are on it: taking it away would be worse
        live = target.store.releases.live(args.environment, args.service)
        target.rollout(args.service).discard(ctx.run, only_one=live is None)
        if row.state != "bad":
            target.mark(row, "abandoned", f"undone by {ctx.run}")

    def recheck(self, ctx: Context, args: OfImage) -> tuple[Recheck, Outputs | None]:
        target = self._targets.get(args.environment)
        row = _recorded(target, ctx, args)
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
        self._targets.get(args.environment).rollout(args.service).discard(ctx.run, only_one=False)

    def recheck(self, ctx: Context, args: OfRelease) -> tuple[Recheck, Outputs | None]:
        target = self._targets.get(args.environment)
        row = target.row(args.service, args.release)
        rollout = target.rollout(args.service)
        return ("done", {}) if rollout.warm(row.number) or rollout.ready(row, ctx.run) else ("not_done", None)


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
        before = _left(target, row)
        started = time.monotonic()
        target.rollout(args.service).switch(row, ctx.run, ctx)
        seconds = round(time.monotonic() - started, 3)
        target.mark(row, "live")
        return {"from_release": before.number if before else None, "seconds": seconds}

    def undo(self, ctx: Context, args: OfRelease, outputs: Outputs | None) -> None:
        target = self._targets.get(args.environment)
        row = target.row(args.service, args.release)
        back = _left(target, row)
        if back is None:
            target.mark(row, "abandoned", f"undone by {ctx.run}; there was none before it")
            return
        rollout = target.rollout(args.service)
        if not rollout.serving(back.number):
            rollout.prepare(back, ctx.run, ctx)
            rollout.switch(back, ctx.run, ctx)
        if back.state != "live":
            target.mark(back, "live", f"again, by the undo of {ctx.run}")

    def recheck(self, ctx: Context, args: OfRelease) -> tuple[Recheck, Outputs | None]:
        target = self._targets.get(args.environment)
        row = target.row(args.service, args.release)
        if not target.rollout(args.service).serving(row.number) or row.state != "live":
            return "not_done", None
        before = _left(target, row)
        return "done", {"from_release": before.number if before else None, "seconds": None}


def _recorded(target: Target, ctx: Context, args: OfService) -> ReleaseRow | None:
    row = target.store.releases.for_run(ctx.run)
    ours = row is not None and (row.environment, row.service) == (args.environment, args.service)
    return row if ours else None


def _record(target: Target, ctx: Context, args: OfImage) -> ReleaseRow:
    _adopt(target, ctx, args.service)
    service = target.service(args.service)
    return target.store.releases.add(
        environment=args.environment,
        service=args.service,
        image=args.image,
        digest=args.image.partition("@")[2],
        tag=args.tag,
        revision=args.revision,
        env=specs.environment(service, target.stack),
        secrets=service.secrets,
        spec=target.neutral_spec(args.service, args.image),
        schema=None,
        run=ctx.run,
        author=ctx.actor,
        now=target.clock.now(),
    )


def _adopt(target: Target, ctx: Context, service: str) -> None:
    """A service that runs already and was not made by us becomes a release: else there were no way back to it."""
    rollout = target.rollout(service)
    found = rollout.found() if isinstance(rollout, Rolling) else None
    if found is None or target.store.releases.live(target.name, service):
        return
    image = str(found["TaskTemplate"]["ContainerSpec"]["Image"])
    named, _, digest = image.partition("@")
    tag = named.rpartition(":")[2] if ":" in named.rpartition("/")[2] else "found"
    row = target.store.releases.add(
        environment=target.name, service=service, image=image, digest=digest, tag=tag, revision=None, env={}, secrets={},
        spec=specs.adopted(found), schema=None, run=f"{ctx.run}/adopted", author=ctx.actor, now=target.clock.now(),
    )  # fmt: skip
    target.mark(row, "live", "found running")


def _left(target: Target, row: ReleaseRow) -> ReleaseRow | None:
    """The release that `row` takes over from, or took over from: the live one, or the last one that was."""
    live = target.store.releases.live(row.environment, row.service)
    if live and live.number != row.number:
        return live
    rows = target.store.releases.list(row.environment, row.service, 200)
    retired = [one for one in rows if one.state in ("retired", "bad") and one.retired_at and one.live_at]
    return max(retired, key=lambda one: one.retired_at or one.created_at, default=None)
