"""Steps about the record of releases: which image a tag is, where a rollback leads, which release is blocked."""

from __future__ import annotations

from typing import Any, ClassVar

from opsbot.errors import NotFound, OpsError, Refused, did_you_mean
from opsbot.runs.step import Context, Fact, Facts, Outputs, ReadOnly, Recheck, With
from opsbot.runtime import migrations
from opsbot.runtime import release as rules
from opsbot.runtime.registry import Image
from opsbot.runtime.target import Target, Targets
from opsbot.steps import changes
from opsbot.steps.schema import UNASKED, Schema
from opsbot.store.releases import State
from opsbot.store.rows import ReleaseRow

_LOOK_BACK = 200  # releases; a rollback further back than this is named by number
_NAMED = 3  # releases that a refusal names
_CHOSEN = "release"  # the fact that says which release was chosen


class OfService(With):
    """A service of an environment."""

    environment: str
    service: str


class OfTag(OfService):
    """A tag of a service's image."""

    tag: str


class OfWayBack(OfService):
    """A service that a deploy changes; `migrations`: what its image lists."""

    migrations: str = ""


class OfChoice(OfService):
    """A release to return to: a number, `web-12` or a tag; nothing = the one before. `leaving`: only if that one is live."""

    to: int | str | None = None
    leaving: int | str | None = None


class OfLeft(OfService):
    """The release that was left, if there was one."""

    release: int | None = None


class ImageResolve(ReadOnly):
    """image.resolve: a tag → the digest that is deployed, and what its labels say: commit, migrations."""

    With: ClassVar[type[With]] = OfTag
    outputs: ClassVar[tuple[str, ...]] = ("image", "digest", "tag", "revision", "migrations")

    def __init__(self, targets: Targets) -> None:
        self._targets = targets

    def facts(self, ctx: Context, args: OfTag) -> Facts:
        found = self._targets.get(args.environment).resolve(args.service, args.tag)
        commit = f", commit {found.revision[:12]}" if found.revision else ""
        text = f"{args.tag} is {found.digest[:19]} in the registry{commit}."
        facts = [Fact("image", "green", text, bind=found.digest)]
        changed = self._changes(args, found)
        return Facts([*facts, Fact("changes", "green", changed)] if changed else facts, _outputs(found))

    def run(self, ctx: Context, args: OfTag) -> Outputs:
        return _outputs(self._targets.get(args.environment).resolve(args.service, args.tag))

    def _changes(self, args: OfTag, found: Image) -> str:
        store, places = self._targets.get(args.environment).store, self._targets.names()
        live = store.releases.live(args.environment, args.service)
        if live is None:
            return ""
        own_first = sorted(places, key=lambda place: place != args.environment)
        between = changes.released_between(store, own_first, args.service, live.digest, found.digest)
        return changes.since(live, found, between)


class WayBack(ReadOnly):
    """release.way_back: what a rollback would return to, and whether it could."""

    With: ClassVar[type[With]] = OfWayBack
    outputs: ClassVar[tuple[str, ...]] = ()

    def __init__(self, targets: Targets, schema: Schema = UNASKED) -> None:
        self._targets, self._schema = targets, schema

    def facts(self, ctx: Context, args: OfWayBack) -> Facts:
        target = self._targets.get(args.environment)
        live = target.store.releases.live(args.environment, args.service)
        unsafe = self._schema.way_back(target, live, args.migrations) if live else None
        return Facts((unsafe or _way_back(target, args.service, live),))

    def run(self, ctx: Context, args: OfWayBack) -> Outputs:
        return {}


class ReleaseChoose(ReadOnly):
    """release.choose: the release that a rollback returns to."""

    With: ClassVar[type[With]] = OfChoice
    outputs: ClassVar[tuple[str, ...]] = ("release", "image", "tag", "revision", "warm")

    def __init__(self, targets: Targets, schema: Schema = UNASKED) -> None:
        self._targets, self._schema = targets, schema

    def facts(self, ctx: Context, args: OfChoice) -> Facts:
        target = self._targets.get(args.environment)
        live = target.store.releases.live(args.environment, args.service)
        row = _chosen(target, args, live)
        warm = target.rollout(args.service).warm(row)
        since = f", from {live.tag} ({live.id})" if live else ""
        bind = [row.number, row.digest, live.number if live else None]
        chosen = Fact(_CHOSEN, "green", f"Back to {row.tag} ({row.id}){since}.", bind=bind)
        unsafe = self._schema.back(target, row)
        return Facts((*([unsafe] if unsafe else ()), chosen, _readiness(target, row, warm)), _told(row, warm))

    def run(self, ctx: Context, args: OfChoice) -> Outputs:
        """What was shown to the person, or nothing: never what the same words would mean a moment later."""
        target = self._targets.get(args.environment)
        live = target.store.releases.live(args.environment, args.service)
        shown = _shown(target, ctx)
        if shown is None:
            row = _chosen(target, args, live)
        else:
            number, _, left = shown
            if left != (live.number if live else None):
                raise _moved_on(f"{args.service}-{left}" if left else "nothing", live)
            row = _may_serve(target.row(args.service, number), [])
        return _told(row, target.rollout(args.service).warm(row))


class ReleaseBlock:
    """release.block: the release that a rollback left is not deployed again until somebody unblocks it."""

    With: ClassVar[type[With]] = OfLeft
    outputs: ClassVar[tuple[str, ...]] = ()
    mutates: ClassVar[bool] = True

    def __init__(self, targets: Targets) -> None:
        self._targets = targets

    def facts(self, ctx: Context, args: OfLeft) -> Facts:
        return Facts()

    def run(self, ctx: Context, args: OfLeft) -> Outputs:
        if args.release is not None:
            self._mark(args, "bad", f"left by the rollback {ctx.run}")
        return {}

    def undo(self, ctx: Context, args: OfLeft, outputs: Outputs | None) -> None:
        if args.release is not None:
            self._mark(args, "retired", None)

    def recheck(self, ctx: Context, args: OfLeft) -> tuple[Recheck, Outputs | None]:
        if args.release is None:
            return "done", {}
        row = self._targets.get(args.environment).row(args.service, args.release)
        return ("done", {}) if row.state == "bad" else ("not_done", None)

    def _mark(self, args: OfLeft, state: State, note: str | None) -> None:
        target = self._targets.get(args.environment)
        assert args.release is not None  # the callers have looked
        target.mark(target.row(args.service, args.release), state, note)


def _shown(target: Target, ctx: Context) -> list[Any] | None:
    """[chosen number, its digest, live number] of this step's fact in the run's plan; None outside a run."""
    run = target.store.runs.get(ctx.run) if ctx.run else None
    facts = (run.plan.get("facts") or []) if run else []
    return next((fact["bind"] for step, fact in facts if step == ctx.step and fact["key"] == _CHOSEN), None)


def _chosen(target: Target, args: OfChoice, live: ReleaseRow | None) -> ReleaseRow:
    """The release meant; NotFound, or Refused (moved_on, nothing_to_do, blocked, never_served, no_way_back) with why."""
    rows = target.store.releases.list(args.environment, args.service, _LOOK_BACK)
    if args.leaving not in (None, ""):
        wanted = rules.named(rows, str(args.leaving), args.service)
        if wanted is None or live is None or wanted.number != live.number:
            raise _moved_on(f"{wanted.tag} ({wanted.id})" if wanted else f"{args.service} {args.leaving}", live)
    if args.to not in (None, ""):
        return _named(rows, live, args)
    found = rules.previous_good(rows, live.number if live else None)
    if found is None:
        raise Refused(
            f"{args.service} has no earlier release in {args.environment} to go back to.",
            "Deploy a tag instead.",
            code="no_way_back",
        )
    return found


def _moved_on(left: str, live: ReleaseRow | None) -> Refused:
    now = f"{live.tag} ({live.id}) is" if live else "nothing is"
    return Refused(f"{left} is not live any more: {now}.", "Nothing was changed; ask anew.", code="moved_on")


def _named(rows: list[ReleaseRow], live: ReleaseRow | None, args: OfChoice) -> ReleaseRow:
    word = str(args.to)
    found = rules.named(rows, word, args.service)
    if found is None:
        known = [row.tag for row in rows] + [row.id for row in rows]
        raise NotFound(
            f"There is no release {word} of {args.service}.", did_you_mean(word, known), code="unknown_release"
        )
    if live and found.number == live.number:
        raise Refused(f"{found.tag} ({found.id}) is live already.", code="nothing_to_do")
    return _may_serve(found, rows)


def _may_serve(row: ReleaseRow, others: list[ReleaseRow]) -> ReleaseRow:
    """The row, if people were sent to it before and nobody blocked it since: a rollback is not a way around a deploy."""
    choices = [one.id for one in others if rules.served_well(one) and one.state == "retired"][:_NAMED]
    instead = f"Choose {' or '.join(choices)}." if choices else ""
    if row.state == "bad":
        why = f"{row.tag} ({row.id}) is blocked: {row.note or 'marked bad'}."
        way = f"{instead} Or say `unblock {row.id} on {row.environment}` first."
        raise Refused(why, way.strip(), code="blocked")
    if not rules.served_well(row):
        what = f"Nobody was ever sent to {row.tag} ({row.id})."
        raise Refused(what, f"{instead} To put it live, deploy {row.tag}.".strip(), code="never_served")
    return row


def _outputs(found: Image) -> Outputs:
    listed = found.labels.get(migrations.LABEL, "")
    return {
        "image": found.image,
        "digest": found.digest,
        "tag": found.tag,
        "revision": found.revision,
        "migrations": listed if migrations.parse(listed) else "",
    }


def _told(row: ReleaseRow, warm: bool) -> dict[str, Any]:
    return {
        "release": row.number,
        "image": row.image,
        "tag": row.tag,
        "revision": row.revision or "",
        "warm": warm,
    }


def _readiness(target: Target, row: ReleaseRow, warm: bool) -> Fact:
    if warm:
        return Fact("ready", "green", f"{row.tag} is warm: about a second.")
    if target.swarm.images.has(row.image):
        return Fact("ready", "green", f"{row.tag} must be started first; its image is here, so no registry is needed.")
    try:
        there = target.registry_has(row.image)
    except OpsError as error:
        text = f"The image of {row.tag} is not here, and: {error.what}"
        return Fact("ready", "red", text, bind="no_image", again=error.again)
    if there:
        return Fact("ready", "amber", f"The image of {row.tag} must be pulled first.", bind="pull")
    return Fact("ready", "red", f"The image of {row.tag} is neither here nor in the registry.", bind="no_image")


def _way_back(target: Target, service: str, live: ReleaseRow | None) -> Fact:
    if live is None:
        return Fact("way_back", "amber", "This is the first release: there is nothing to go back to yet.", bind="first")
    if not target.swarm.images.has(live.image):
        text = f"A rollback returns to {live.tag} ({live.id}), whose image is not on this engine any more."
        return Fact("way_back", "amber", text, bind=live.number)
    blue_green = target.service(service).strategy == "blue-green"
    if blue_green and not target.rollout(service).warm(live):
        text = f"A rollback returns to {live.tag} ({live.id}), which does not run well now: it would be started first."
        return Fact("way_back", "amber", text, bind=live.number)
    how = "in about a second: it stays warm" if blue_green else "by updating in place; its image is here"
    return Fact("way_back", "green", f"A rollback returns to {live.tag} ({live.id}) {how}.", bind=live.number)
