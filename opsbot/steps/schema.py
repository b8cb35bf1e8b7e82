"""What stands between releases and the database: asks it where it is, and judges plans by the migrations that images list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from opsbot.clock import ago
from opsbot.errors import OpsError, Unavailable
from opsbot.runs.step import Fact
from opsbot.runtime import migrations
from opsbot.runtime.migrations import Listed, Standing
from opsbot.runtime.target import Target
from opsbot.steps import schema_facts as say
from opsbot.store.rows import ReleaseRow

_LOOK_BACK = 200  # releases whose lists are known


@dataclass(frozen=True)
class Kept:
    """A backup: when it was taken, and the schema revisions in it."""

    id: str
    taken_at: datetime
    revisions: tuple[str, ...]


def _nobody(environment: str) -> Sequence[str]:
    raise Unavailable(f"Nobody asks the databases of {environment}.")


def _nothing(environment: str) -> Sequence[Kept]:
    return ()


@dataclass(frozen=True)
class Schema:
    """`heads(environment)`: the revisions that its databases say, within about two seconds, else an OpsError.

    `kept(environment)`: its backups, newest first; an OpsError if nobody can list them.
    """

    heads: Callable[[str], Sequence[str]] = _nobody
    kept: Callable[[str], Sequence[Kept]] = _nothing

    def brings(self, target: Target, service: str, told: str, let: bool, how: str = "") -> list[Fact]:
        """What a plan brings whose image lists `told`; red (`one_way`) unless a person lets it through, with `how`."""
        wanted = migrations.parse(told)
        if wanted is None:
            return []
        at = self._standing(target, service, wanted)
        new = migrations.brought(wanted, at)
        only, strange = migrations.one_way(new or ()), migrations.in_the_way(wanted, at.applied or ())
        facts = [say.brings(new, at)]
        facts += [say.one_way(only, let, how)] if only else []
        return facts + ([say.older(strange, at, let)] if strange else [])

    def way_back(self, target: Target, live: ReleaseRow, told: str) -> Fact | None:
        """Amber if the live release does not fit the database any more once the migrations of `told` have run."""
        own, wanted = known(target, live), migrations.parse(told) or ()
        at = self._standing(target, live.service, own, wanted)
        new = migrations.brought(wanted, at) or ()
        had = migrations.together(at.applied or (), new) if own is not None else new  # it runs on what is there now
        against = migrations.in_the_way(own or (), had)
        ran = bool(migrations.in_the_way(own, at.applied or ())) if own is not None else False
        return say.way_back(live, own, against, ran) if against else None

    def back(self, target: Target, row: ReleaseRow) -> Fact | None:
        """What keeps a recorded release from serving again: red (`one_way`) if the database says so, else amber."""
        own = known(target, row)
        at = self._standing(target, row.service, own)
        against = migrations.in_the_way(own or (), at.applied or ())
        if not against:
            return None
        helps = self._backup(target, row.service, own) if own is not None and not at.doubt else ""
        return say.back(row, own, against, at, helps)

    def _standing(self, target: Target, service: str, *more: Listed | None) -> Standing:
        live = target.store.releases.live(target.name, service)
        recorded = known(target, live) if live else ()
        try:
            heads = self.heads(target.name)
        except OpsError:
            return migrations.standing(None, (), recorded)
        return migrations.standing(heads, _lists(target, service, recorded, *more), recorded)

    def _backup(self, target: Target, service: str, own: Listed) -> str:
        """The newest backup on which a release with this list works, as words; empty if the bucket tells of none."""
        lists = _lists(target, service, own)
        try:
            kept = self.kept(target.name)
        except OpsError:
            return ""
        for backup in kept:
            then = migrations.standing(backup.revisions, lists, None).applied
            if then is not None and not migrations.in_the_way(own, then):
                return f"{backup.id} (taken {ago(backup.taken_at, target.clock.now())})"
        return ""


UNASKED = Schema()


def text_of(target: Target, row: ReleaseRow) -> str:
    """The list of a release as its image tells it: recorded, else read from the image if that is here; else empty."""
    if row.schema is not None:
        return row.schema
    try:
        return target.swarm.images.labels(row.image).get(migrations.LABEL, "")
    except OpsError:
        return ""


def known(target: Target, row: ReleaseRow) -> Listed | None:
    """The migrations that a release knows; None if nobody knows which."""
    return migrations.parse(text_of(target, row))


def stays(target: Target, service: str, told: str) -> str:
    """What the live release does not know of the migrations that `told` lists and that have run, as `schema_facts.stays`."""
    live = target.store.releases.live(target.name, service)
    return say.stays(migrations.parse(told), known(target, live), live) if live else ""


def _lists(target: Target, service: str, *more: Listed | None) -> list[Listed]:
    rows = target.store.releases.list(target.name, service, _LOOK_BACK)
    recorded = [migrations.parse(text) for text in dict.fromkeys(row.schema for row in rows)]
    return [listed for listed in (*more, *recorded) if listed]
