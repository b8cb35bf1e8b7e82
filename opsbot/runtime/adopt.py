"""Takes a service that somebody else made under management, and lets it go again. Nothing of the service itself is touched.

What runs is written into our record, as it is: image with digest, environment, mounts, ports. A deploy then changes the
image and what opsbot.yml says; a rollback returns to what was found.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from opsbot.errors import NotFound, Refused
from opsbot.runtime import release as rules
from opsbot.runtime import spec as specs
from opsbot.runtime import theirs
from opsbot.runtime.images import name_of
from opsbot.runtime.rollout import Live
from opsbot.runtime.swarm import Swarm
from opsbot.runtime.target import Target
from opsbot.store.rows import ReleaseRow

_WRITING = timedelta(minutes=1)  # a row or two; the lock of a program that died doing it ends
_ALL = 1000  # releases of a service that are let go


@dataclass(frozen=True)
class Adopted:
    """What was recorded, and sentences about what a person should know of it."""

    row: ReleaseRow
    warnings: tuple[str, ...] = ()


def adopt(target: Target, name: str, who: str) -> Adopted:
    """Record what runs as the live release of a service. `who` did it.

    NotFound (not_there); Refused: managed, blue_green, not_replicated, other_image, locked.
    """
    with _alone(target, name, who):
        found = _adoptable(target, name)
        row = recorded(target, name, found, f"adopt/{uuid.uuid4().hex[:8]}", who, keep=True)
        target.mark(row, "live", f"adopted by {who}")
        target.store.settings.put(target.left_key(name), None)
        return Adopted(target.row(name, row.number), tuple(_warnings(found, row)))


def unadopt(target: Target, name: str, who: str) -> ReleaseRow:
    """Forget that a service is ours: it runs on, no release of it can be returned to, and none is deployed any more.

    NotFound (code `not_managed`) if nothing of it is recorded as live; Refused: locked.
    """
    with _alone(target, name, who):
        live = target.store.releases.live(target.name, name)
        if live is None:
            raise NotFound(f"{name} in {target.name} is not managed.", "`releases` shows what is.", code="not_managed")
        target.store.settings.put(target.left_key(name), who)
        for row in target.store.releases.list(target.name, name, _ALL):
            if row.state in ("live", "retired", "prepared"):
                target.mark(row, "abandoned", f"let go by {who}")
        return live


def stranger(target: Target, name: str) -> str | None:
    """Why a deploy must not touch a service: somebody else made it, or it was let go. None if it may."""
    if target.service(name).strategy != "rolling" or target.store.releases.live(target.name, name) is not None:
        return None
    observed = target.observed(name)
    if observed is None or (observed.release is not None and not target.left_alone(name)):
        return None
    return (
        f"{observed.swarm_name} runs and was not made by the bot: its ports, volumes and settings would be lost."
        f" Say `opsbot adopt {name} --env {target.name}` in the terminal first; it restarts nothing."
    )


def recorded(target: Target, name: str, found: Live, run: str, author: str, *, keep: bool) -> ReleaseRow:
    """The release that a running service is: the recorded one if it says which, else a new row, under its own number
    unless that was given to another. `keep`: later releases keep what opsbot.yml does not say."""
    known = target.store.releases.get(target.name, name, found.release) if found.release else None
    if known is not None and found.runs(known):
        return known
    image = as_it_runs(target.swarm, found)
    told = rules.told_in(found.spec) if found.release else {}
    neutral = theirs.taken_over(found.spec, target.stack, name, image) if keep else specs.adopted(found.spec)
    return target.store.releases.add(
        environment=target.name, service=name, image=image, digest=image.partition("@")[2],
        tag=told.get("RELEASE_TAG") or theirs.tag_in(image), revision=told.get("RELEASE_REVISION"), env={}, secrets={},
        spec=neutral, schema=None, run=run, author=author, now=target.clock.now(), above=(found.release or 1) - 1,
    )  # fmt: skip


def as_it_runs(swarm: Swarm, found: Live) -> str:
    """The image of a service, with the digest that its tasks really run where the service names only a tag."""
    if "@" in found.image:
        return found.image
    for task in swarm.running_tasks(found.swarm_name):
        container = swarm.container((task["Status"].get("ContainerStatus") or {}).get("ContainerID", ""))
        known = swarm.images.digests(container["Image"]) if container else []
        digest = next((one.partition("@")[2] for one in known if name_of(one) == name_of(found.image)), None)
        if digest:
            return f"{found.image}@{digest}"
    return found.image


def _adoptable(target: Target, name: str) -> Live:
    if target.service(name).strategy != "rolling":
        raise Refused(
            f"{name} is blue-green in opsbot.yml: its colours are made by deploys, there is nothing to adopt.",
            "Say `strategy: rolling`, adopt it, and change the strategy later.", code="blue_green",
        )  # fmt: skip
    live = target.store.releases.live(target.name, name)
    if live is not None:
        raise Refused(f"{name} in {target.name} is managed already: {live.tag} ({live.id}) is live.", code="managed")
    found = target.observed(name)
    if found is None:
        raise NotFound(
            f"There is no service {target.full_name(name)} on the engine.",
            "Correct `stack` or the name of the service in opsbot.yml, or deploy it: then it is managed at once.",
            code="not_there",
        )
    if not theirs.replicated(found.spec):
        raise Refused(
            f"{found.swarm_name} runs once on each node, or to its end; only replicated services are managed.",
            "Leave it as it is.", code="not_replicated",
        )  # fmt: skip
    _same_image(target, name, found)
    return found


def _same_image(target: Target, name: str, found: Live) -> None:
    configured = target.repository(name)
    if name_of(found.image) != configured:
        raise Refused(
            f"{found.swarm_name} runs {name_of(found.image)}, but opsbot.yml says that the image of {name} is {configured}.",
            "Correct services in opsbot.yml: a deploy takes its tags from there.", code="other_image",
        )  # fmt: skip


def _warnings(found: Live, row: ReleaseRow) -> Iterator[str]:
    if not row.digest:
        yield f"Nobody knows the digest of {row.image}: going back to it works only while this engine keeps the image."
    if not found.well:
        yield f"{found.running} of {found.wanted} replicas run."
    if theirs.gap(row.spec):
        yield (
            "It has one replica, which stops before the next one starts, so a deploy is noticed for some seconds."
            f" This changes that and restarts nothing: docker service update --update-order start-first {found.swarm_name}"
        )


@contextmanager
def _alone(target: Target, name: str, who: str) -> Iterator[None]:
    """While nobody deploys it."""
    now, what, me = target.clock.now(), f"{target.name}/{name}", f"adopt:{uuid.uuid4().hex}"
    target.service(name)
    held = target.store.locks.take(what, me, who, "its management changes", now + _WRITING, now)
    if held is not None:
        raise Refused(f"{what} is locked by {held.who}: {held.reason}.", "Wait for it to end.", code="locked")
    try:
        yield
    finally:
        target.store.locks.release(me)
