"""Pure rules of releases: names, colours, which release a rollback returns to, what a task says of its release."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

Colour = str
COLOURS: tuple[Colour, Colour] = ("blue", "green")

RELEASE = "opsbot.release"
RUN = "opsbot.run"
SERVICE = "opsbot.service"
STACK = "opsbot.stack"
COLOUR = "opsbot.colour"
BOT = "opsbot.bot"  # the bot's own service
ADOPTED = "opsbot.adopted"  # made by somebody else: its releases keep what opsbot.yml does not say
REPLICAS = "opsbot.replicas"  # the configured count at the time, so that a later scale is told from a new setting

_NEVER_AGAIN = ("bad", "abandoned", "prepared")
_EVER = datetime.min.replace(tzinfo=UTC)
_MEMORY = {"": 1, "b": 1, "k": 2**10, "m": 2**20, "g": 2**30}


class Recorded(Protocol):
    """What is read here of a recorded release; `store.releases` rows fit."""

    @property
    def number(self) -> int: ...
    @property
    def tag(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def image(self) -> str: ...
    @property
    def live_at(self) -> datetime | None: ...
    @property
    def retired_at(self) -> datetime | None: ...


Row = TypeVar("Row", bound=Recorded)


def other(colour: Colour) -> Colour:
    """The other of the two colours."""
    return COLOURS[1 - COLOURS.index(colour)]


def idle(live: Colour | None) -> Colour:
    """The colour that a new release is prepared in; the first one ever is blue."""
    return COLOURS[0] if live is None else other(live)


def full_name(stack: str, service: str, colour: Colour | None = None) -> str:
    """The Swarm service's name: `minitwit_web-blue`, or `minitwit_web` where there are no colours."""
    return f"{stack}_{alias(service, colour)}"


def alias(service: str, colour: Colour | None = None) -> str:
    """The name on the stack's network: `web-blue`, or `web`."""
    return f"{service}-{colour}" if colour else service


def memory_bytes(text: str) -> int:
    """`256m` → bytes; ValueError if it is not such a text."""
    match = re.fullmatch(r"(\d+)([bkmg]?)b?", text.strip().lower())
    if not match:
        raise ValueError(f"“{text}” is not an amount of memory such as 256m")
    return int(match[1]) * _MEMORY[match[2]]


def previous_good(rows: Iterable[Row], live: int | None) -> Row | None:
    """What a plain rollback returns to: of the older releases that served and are not blocked, the one that served last.

    Not simply the next lower number: after a rollback from 3 to 1 and a deploy of 4, 4 goes back to 1.
    """
    served = [row for row in rows if (live is None or row.number < live) and served_well(row)]
    return max(served, key=lambda row: (row.retired_at or _EVER, row.number), default=None)


def served_well(row: Recorded) -> bool:
    """People were sent to it, and nobody blocked it: a rollback may lead there."""
    return row.live_at is not None and row.state not in _NEVER_AGAIN


def named(newest_first: Sequence[Row], word: str, service: str) -> Row | None:
    """The release of `service` that a person means by `12`, `web-12` or a tag (the newest of that tag that once served)."""
    number = word.removeprefix(f"{service}-")
    by_number = [row for row in newest_first if number.isdecimal() and row.number == int(number)]
    by_tag = [row for row in newest_first if row.tag == word]
    return next(iter([*filter(served_well, by_tag), *by_tag, *by_number]), None)


def is_release(spec: Mapping[str, Any], row: Recorded) -> bool:
    """Whether a raw service spec is this release: its number alone could be another record's."""
    return labels_of(spec).get(RELEASE) == str(row.number) and image_of(spec) == row.image


def image_of(spec: Mapping[str, Any]) -> str:
    """The image of a raw service spec."""
    return str(spec["TaskTemplate"]["ContainerSpec"]["Image"])


def told_in(spec: Mapping[str, Any]) -> dict[str, str]:
    """The environment of a raw service spec."""
    lines = spec["TaskTemplate"]["ContainerSpec"].get("Env") or []
    return dict(line.partition("=")[::2] for line in lines)


def tells(told: Mapping[str, Any] | None, row: Recorded) -> bool:
    """Whether what a service says of itself ({"release", "tag", …}) is this release."""
    return told is not None and str(told.get("release")) == str(row.number) and told.get("tag", row.tag) == row.tag


def highest(specs: Iterable[Mapping[str, Any]]) -> int:
    """The highest release number on raw service specs; 0 if there is none."""
    labels = (labels_of(spec).get(RELEASE, "") for spec in specs)
    return max((int(label) for label in labels if label.isdecimal()), default=0)


def labels_of(spec: Mapping[str, Any]) -> Mapping[str, str]:
    """The labels of a raw service spec."""
    return spec.get("Labels") or {}


def task_release(task: Mapping[str, Any]) -> str | None:
    """The release label that a raw task carries, or None if it is none of ours."""
    container = task.get("Spec", {}).get("ContainerSpec", {})
    label: str | None = (container.get("Labels") or {}).get(RELEASE)
    return label


@dataclass(frozen=True)
class Observed:
    """The tasks of a service, counted against one release. `ready` are running and, with a healthcheck, healthy."""

    ready: int
    others: int
    failed: tuple[Mapping[str, Any], ...]
    waiting: str

    def settled(self, replicas: int) -> bool:
        """True when the wanted tasks answer and no task of another release does. A service scaled to zero never is."""
        return self.ready >= replicas > 0 and self.others == 0


def observe(tasks: Iterable[Mapping[str, Any]], release: str, before: frozenset[str] = frozenset()) -> Observed:
    """Count raw tasks. `before` holds ids of tasks that already existed: their old failures are not ours."""
    ready, others, failed, waiting = 0, 0, [], ""
    for task in tasks:
        state, mine = task["Status"]["State"], task_release(task) == release
        if state == "running" and task.get("DesiredState") == "running":
            ready, others = ready + mine, others + (not mine)
        elif mine and state in ("failed", "rejected", "orphaned") and task["ID"] not in before:
            failed.append(task)
        elif mine and task.get("DesiredState") in ("running", "ready"):
            waiting = task["Status"].get("Err") or task["Status"].get("Message") or state
    return Observed(ready, others, tuple(failed), waiting)
