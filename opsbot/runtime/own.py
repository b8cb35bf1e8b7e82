"""The bot's own Swarm service: which it is, and how it is moved to another image while the bot runs in it.

Swarm starts the new one beside the old one and stops the old one when the new one is healthy; whoever then serves goes on
with every run, also with the one that did this.
"""

from __future__ import annotations

import copy
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from opsbot.errors import NotFound, OpsError, StepFailed
from opsbot.runtime import release as rules
from opsbot.runtime import verdict
from opsbot.runtime.progress import Progress
from opsbot.runtime.swarm import Swarm

FROM = "opsbot.upgraded-from"  # label: the image that a run moved the service from
_EVERY = 0.5  # s between looks
_PUT_BACK = ("rollback_started", "rollback_paused", "rollback_completed", "paused")


@dataclass(frozen=True)
class Own:
    """The bot's service on its engine, as it is now."""

    swarm: Swarm
    spec: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Its Swarm name."""
        return str(self.spec["Name"])

    @property
    def image(self) -> str:
        """The image that it should run."""
        return rules.image_of(self.spec)


def find(swarms: Iterable[Swarm]) -> Own:
    """The service that this program runs in, else the only one on these engines. NotFound says what to do without one."""
    every = [Own(swarm, one["Spec"]) for swarm in swarms for one in swarm.labelled({rules.BOT: "true"})]
    ours = [own for own in every if _runs_us(own)] or every
    if len(ours) == 1:
        return ours[0]
    if ours:
        names = ", ".join(own.name for own in ours)
        raise NotFound(f"There are several bots here: {names}.", "Say it to the one that is meant.", code="which_bot")
    raise NotFound(
        "The bot does not run as a Swarm service on these engines.",
        "Install the new version where it runs and start it anew; `opsbot init` writes a stack file for a service.",
        code="no_service",
    )


def move(own: Own, image: str, run: str, watch: Progress) -> None:
    """Put the service on an image and return when only that runs. Safe to repeat, by another program too.

    StepFailed (code `put_back`) if Swarm took the earlier one again.
    """
    if own.image != image:
        own.swarm.images.pull(image, watch)
        own.swarm.images.keep(image)
        watch.check()
        own.swarm.put(_moved(own.spec, image, run))
    while not settled(own.swarm, own.name, image):
        found = own.swarm.service(own.name)
        state = ((found or {}).get("UpdateStatus") or {}).get("State", "")
        if found is None or rules.image_of(found["Spec"]) != image or state in _PUT_BACK:
            raise StepFailed(
                f"The new version did not become healthy, so the one before serves on. {_why(own, image)}".strip(),
                "Look at its log; nothing else was changed.", code="put_back",
            )  # fmt: skip
        watch.progress(0, 1, "the new version starts; the old one serves until it is healthy")
        watch.sleep(_EVERY)


def move_back(own: Own, run: str, watch: Progress) -> None:
    """The reverse of what `move` of this run did; nothing happens if it did nothing, or was put back already."""
    labels = rules.labels_of(own.spec)
    before = labels.get(FROM)
    if labels.get(rules.RUN) != run or before is None:
        return
    if own.image != before:
        own.swarm.put(_image(own.spec, before))
    while not settled(own.swarm, own.name, before):
        watch.progress(0, 1, "the version before starts again")
        watch.sleep(_EVERY)


def settled(swarm: Swarm, name: str, image: str) -> bool:
    """Whether the service runs, nothing but this image of it, and Swarm has watched that for as long as it was told to."""
    found = swarm.service(name) or {}
    if (found.get("UpdateStatus") or {}).get("State") in ("updating", "rollback_started"):
        return False
    running = [rules.image_of({"TaskTemplate": task["Spec"]}) for task in swarm.running_tasks(name)]
    return bool(running) and set(running) == {image}


def _runs_us(own: Own) -> bool:
    here = socket.gethostname()
    ids = [
        task["Status"].get("ContainerStatus", {}).get("ContainerID", "") for task in own.swarm.running_tasks(own.name)
    ]
    return any(ident.startswith(here) for ident in ids)


def _image(spec: Mapping[str, Any], image: str) -> dict[str, Any]:
    changed = copy.deepcopy(dict(spec))
    changed["TaskTemplate"]["ContainerSpec"]["Image"] = image
    return changed


def _moved(spec: Mapping[str, Any], image: str, run: str) -> dict[str, Any]:
    changed = _image(spec, image)
    changed["Labels"] = {**rules.labels_of(spec), rules.RUN: run, FROM: rules.image_of(spec)}
    return changed


def _why(own: Own, image: str) -> str:
    """What the newest task of that image said of itself, if it can still be asked."""
    tasks = [task for task in own.swarm.tasks(own.name) if rules.image_of({"TaskTemplate": task["Spec"]}) == image]
    try:
        return verdict.read(own.swarm, tasks[-1]).cause if tasks else ""
    except OpsError:
        return ""
