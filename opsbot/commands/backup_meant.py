"""Which backup a moment means: the newest that was taken at or before it, in the asker's zone. What is chosen is named by its id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from opsbot.backups.listing import PRE_RESTORE
from opsbot.backups.manifest import Manifest
from opsbot.commands import say
from opsbot.commands.request import ChangeRequest
from opsbot.commands.services import Asked
from opsbot.errors import NotFound, UsageError
from opsbot.playbooks import moments
from opsbot.playbooks.moments import Moment
from opsbot.playbooks.playbook import Playbook

LATER = timedelta(days=1)  # what was taken so soon after the moment is named when nothing was before it
NEAR = 2  # backups that a refusal names on each side of the moment


def settled(asked: Asked, wanted: ChangeRequest) -> ChangeRequest:
    """The same request, each moment of it replaced by the id of the backup that it means.

    NotFound (`no_backup`) names what exists near it; UsageError (`which_backup`) if clocks showed that time twice.
    """
    playbook = asked.services.playbooks[wanted.playbook]
    params = dict(wanted.params)
    for param in playbook.arguments():
        word = params.get(param.name)
        if param.type == "backup" and isinstance(word, str) and moments.is_moment(word):
            params[param.name] = _meant(asked, playbook, params, word)
    return replace(wanted, params=params)


def _meant(asked: Asked, playbook: Playbook, params: dict[str, object], word: str) -> str:
    zone, now = asked.actor.timezone, asked.services.clock.now()
    moment = moments.moment(word, zone, now)
    database = next(param.name for param in playbook.arguments() if param.type == "database")
    environment = str(params[playbook.environment_param() or ""])

    def until(at: datetime) -> list[Manifest]:
        found = asked.services.backups_until(environment, str(params[database]), at)
        return sorted((one for one in found if one.reason != PRE_RESTORE), key=lambda one: one.taken_at, reverse=True)

    usable = until(max(moment.at))
    where = f"{params[database]} in {environment}"

    def named(one: Manifest) -> str:
        return f"`{one.id}` ({say.clock_time(one.taken_at, zone, now)})"

    picks = [at_or_before(usable, at, moment) for at in moment.at]
    chosen = {one.id: one for one in picks if one is not None}
    if len(chosen) == 1 and None not in picks:
        return next(iter(chosen))
    near = list(chosen.values()) if chosen else around([*until(max(moment.at) + LATER), *usable], moment)
    names = " or ".join(named(one) for one in near)
    if chosen:
        raise UsageError(
            f"The clocks showed “{word}” twice.", f"Say the id of the backup: {names}.", code="which_backup"
        )
    what = f"No backup of {where} was taken {_when(moment, zone, now)}."
    cure = f"Near it: {names}. Say its id instead." if near else f"There is none at all; `backup {where}` makes one."
    raise NotFound(what, cure, code="no_backup")


def at_or_before(newest_first: Sequence[Manifest], at: datetime, moment: Moment) -> Manifest | None:
    """The newest one taken up to then; where a whole day was said, on that day."""
    found = next((one for one in newest_first if one.taken_at <= at), None)
    return None if found is None or (moment.whole_day and found.taken_at < moment.begins) else found


def around(some: Sequence[Manifest], moment: Moment) -> list[Manifest]:
    """Those nearest to the moment on both sides, oldest first."""
    known = sorted({one.id: one for one in some}.values(), key=lambda one: one.taken_at)
    later = [one for one in known if one.taken_at > moment.at[0]]
    return [*[one for one in known if one not in later][-NEAR:], *later[:NEAR]]


def _when(moment: Moment, zone: str, now: datetime) -> str:
    if moment.whole_day:
        return f"on {say.day(moment.begins, zone, now)}"
    return f"at or before {say.clock_time(moment.at[0], zone, now)}"
