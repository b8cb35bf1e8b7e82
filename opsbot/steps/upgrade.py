"""The steps `bot.resolve` and `bot.upgrade`: the bot moves its own service to another version of itself."""

from __future__ import annotations

from typing import ClassVar

from opsbot.errors import NotFound
from opsbot.runs import step
from opsbot.runs.step import Context, Fact, Facts, Outputs, ReadOnly, Recheck
from opsbot.runtime import own
from opsbot.runtime.images import name_of
from opsbot.runtime.own import Own
from opsbot.runtime.registry import Image
from opsbot.runtime.target import Targets
from opsbot.runtime.theirs import tag_in
from opsbot.store.migrations import ALL

SCHEMA = "opsbot.schema"  # label of the bot's image: the newest change of its record that it understands


class ResolveBot(ReadOnly):
    """`bot.resolve`: which image the tag is, and whether that version understands the bot's own record."""

    class With(step.With):
        tag: str | None = None
        migrate: bool = False

    outputs: ClassVar[tuple[str, ...]] = ("image", "tag", "before")

    def __init__(self, targets: Targets) -> None:
        self._targets = targets

    def facts(self, ctx: Context, args: With) -> Facts:
        mine, wanted = self._resolved(args)
        told = self._told(mine, wanted)
        if name_of(mine.image) == name_of(wanted.image) and wanted.digest in mine.image:
            text = f"{wanted.tag} is what the bot runs already."
            return Facts([Fact("nothing_to_do", "red", text, bind=wanted.digest)], told)
        text = f"{mine.name} runs {tag_in(mine.image)} and moves to {wanted.tag}, {wanted.digest[:19]}."
        change = Fact("change", "green", text, bind=[mine.image, wanted.digest])
        return Facts([change, schema(wanted.labels.get(SCHEMA), ALL[-1].number, migrate=args.migrate)], told)

    def run(self, ctx: Context, args: With) -> Outputs:
        return self._told(*self._resolved(args))

    def _resolved(self, args: With) -> tuple[Own, Image]:
        mine = own_service(self._targets)
        repository = name_of(mine.image)
        registry = self._targets.registries.of(repository)
        tag = args.tag or next(iter(registry.tags(repository)), None)
        if tag is None:
            raise NotFound(f"The registry has no tags of {repository}.", "Push one.", code="unknown_tag")
        return mine, registry.resolve(repository, tag)

    @staticmethod
    def _told(mine: Own, wanted: Image) -> Outputs:
        return {
            "image": f"{name_of(wanted.image)}:{wanted.tag}@{wanted.digest}",
            "tag": wanted.tag,
            "before": mine.image,
        }


class UpgradeBot:
    """`bot.upgrade`: Swarm starts the new version beside the old one, which lets go of its runs when that is healthy."""

    class With(step.With):
        image: str

    outputs: ClassVar[tuple[str, ...]] = ()
    mutates: ClassVar[bool] = True

    def __init__(self, targets: Targets) -> None:
        self._targets = targets

    def facts(self, ctx: Context, args: With) -> Facts:
        return Facts()

    def run(self, ctx: Context, args: With) -> Outputs:
        own.move(own_service(self._targets), args.image, ctx.run, ctx)
        return {}

    def undo(self, ctx: Context, args: With, outputs: Outputs | None) -> None:
        own.move_back(own_service(self._targets), ctx.run, ctx)

    def recheck(self, ctx: Context, args: With) -> tuple[Recheck, Outputs | None]:
        mine = own_service(self._targets)
        done = mine.image == args.image and own.settled(mine.swarm, mine.name, args.image)
        return ("done", {}) if done else ("not_done", None)


def own_service(targets: Targets) -> Own:
    """The bot's service on any engine of opsbot.yml."""
    swarms = {target.swarm.url: target.swarm for target in map(targets.get, targets.names())}
    return own.find(swarms.values())


def schema(label: str | None, ours: int, *, migrate: bool) -> Fact:
    """Whether both versions can read the bot's record, which they share while one takes over from the other. Pure."""
    if label is None or not label.isdecimal():
        return Fact("schema", "amber", "The image does not say which record it understands.", bind=label)
    theirs = int(label)
    if theirs == ours:
        return Fact("schema", "green", f"Both versions understand the record (change {ours}).", bind=theirs)
    if theirs < ours:
        text = (
            f"That version understands the record up to change {theirs}, and it is at {ours}: it would not start."
            " Put back a copy of the record from before the upgrade, and start that version by hand."
        )
        return Fact("schema", "red", text, bind=theirs)
    told = f"It changes the record from {ours} to {theirs}, and the version of now could not read it any more."
    if migrate:
        return Fact("schema", "amber", f"{told} There is no way back but a copy of the record.", bind=theirs)
    way = " Keep a copy of the record, then say it again with --migrate yes."
    return Fact("schema", "red", told + way, bind=theirs)
