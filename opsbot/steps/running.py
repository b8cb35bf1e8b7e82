"""The step release.running: what another environment runs, by digest, so that exactly that is promoted."""

from __future__ import annotations

from typing import Any, ClassVar

from opsbot.clock import ago
from opsbot.errors import NotFound, OpsError, Refused
from opsbot.runs.step import Context, Fact, Facts, Outputs, ReadOnly, With
from opsbot.runtime.target import Target, Targets
from opsbot.steps.release import OfService
from opsbot.steps.schema import text_of
from opsbot.store.rows import ReleaseRow


class OfOther(OfService):
    """`environment` is looked at, `into` is where its release is to go."""

    into: str


class ReleaseRunning(ReadOnly):
    """release.running: the live release of a service in another environment."""

    With: ClassVar[type[With]] = OfOther
    outputs: ClassVar[tuple[str, ...]] = ("release", "image", "tag", "revision", "migrations")

    def __init__(self, targets: Targets) -> None:
        self._targets = targets

    def facts(self, ctx: Context, args: OfOther) -> Facts:
        source = self._targets.get(args.environment)
        row = _running(source, args)
        when = f", since {ago(row.live_at, source.clock.now()).removesuffix(' ago')}" if row.live_at else ""
        text = f"{args.environment} runs {row.tag} ({row.id}, {row.digest[:19]}){when}."
        found = Fact("image", "green", text, bind=row.digest)
        return Facts((found, *_image(self._targets.get(args.into), row)), _told(source, row))

    def run(self, ctx: Context, args: OfOther) -> Outputs:
        source = self._targets.get(args.environment)
        return _told(source, _running(source, args))


def _running(source: Target, args: OfOther) -> ReleaseRow:
    """Refused: the same place, or not what is recorded (`disagrees`). NotFound: nothing was deployed there."""
    if args.environment == args.into:
        raise Refused(f"{args.into} cannot be promoted to itself.", "Name two environments.", code="same_environment")
    row = source.store.releases.live(args.environment, args.service)
    if row is None:
        raise NotFound(
            f"Nothing of {args.service} was deployed to {args.environment} yet.",
            "Deploy a tag instead.",
            code="nothing_live",
        )
    other = source.difference(args.service)
    if other:
        raise Refused(
            f"{args.environment} should run {row.tag} ({row.id}), but: {other}", "Deploy there first.", code="disagrees"
        )
    return row


def _image(target: Target, row: ReleaseRow) -> list[Fact]:
    """Whether the target can get the image; nothing is said where it can."""
    if target.swarm.images.has(row.image):
        return []
    try:
        there = target.registry_has(row.image)
    except OpsError as error:
        return [Fact("pull", "red", error.sentence(), bind="no_image", again=error.again)]
    return (
        [] if there else [Fact("pull", "red", f"The image of {row.tag} is not in the registry any more.", bind="gone")]
    )


def _told(source: Target, row: ReleaseRow) -> dict[str, Any]:
    return {
        "release": row.number,
        "image": row.image,
        "tag": row.tag,
        "revision": row.revision or "",
        "migrations": text_of(source, row),
    }
