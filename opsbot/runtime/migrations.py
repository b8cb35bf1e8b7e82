"""Which migrations an image has, which of them a database has had, and which of those keep an older release away. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

LABEL = "opsbot.migrations"  # of an image: `0001:expand 0002:expand 0007:contract`, oldest first
ADDS = "expand"  # the one kind after which older releases work as before

_LONGEST = 65_536  # characters of a label that are looked at; a list of two thousand migrations has fewer
_WORD = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.+-]{0,63}):([a-z][a-z_-]{0,31})")

Doubt = Literal["", "not_asked", "no_revision", "unknown_revision"]


@dataclass(frozen=True)
class Migration:
    """One change of the schema: its revision, and its kind. Every kind but `expand` is one-way."""

    revision: str
    kind: str

    @property
    def one_way(self) -> bool:
        """Whether releases that do not know it may fail after it."""
        return self.kind != ADDS

    def __str__(self) -> str:
        return f"{self.revision}:{self.kind}"


Listed = tuple[Migration, ...]


@dataclass(frozen=True)
class Standing:
    """The migrations that a database has had, oldest first; None where nobody knows. `heads`: the revisions that it says.

    `doubt` is empty if the database said so, else why it is only what the live release's own list tells: it was
    not asked, it says no revision, or one that no list knows.
    """

    applied: Listed | None
    doubt: Doubt = ""
    heads: tuple[str, ...] = ()


def parse(text: str | None) -> Listed | None:
    """The list that a label tells; None if there is none, or what stands there is no such list."""
    if not text or len(text) > _LONGEST:
        return None
    found = [_WORD.fullmatch(word) for word in text.split()]
    listed = tuple(Migration(match[1], match[2]) for match in found if match)
    whole = len(listed) == len(found) == len({each.revision for each in listed})
    return listed if listed and whole else None


def standing(heads: Sequence[str] | None, known: Iterable[Listed], recorded: Listed | None) -> Standing:
    """Where a database stands that says `heads` (none = it has no revision, None = nobody could ask it).

    `known` are the lists of all images that are known. `recorded` is the live release's own: empty where nothing
    is live, None if the live one has no list.
    """
    if heads is None:
        return Standing(recorded, "not_asked")
    if not heads:
        return Standing(recorded, "no_revision" if recorded != () else "")
    had = sorted((_until(heads, listed) for listed in known), key=len, reverse=True)
    if not any(had):
        return Standing(recorded, "unknown_revision", tuple(heads))
    return Standing(together(*had), "", tuple(heads))


def together(*lists: Listed) -> Listed:
    """All migrations of several lists, in the order of the first; what one of them calls one-way is."""
    merged: dict[str, Migration] = {}
    for each in (one for listed in lists for one in listed):
        if each.revision not in merged or not merged[each.revision].one_way:
            merged[each.revision] = each
    return tuple(merged.values())


def brought(wanted: Listed, at: Standing) -> Listed | None:
    """What an image would add to a database; None where nobody knows."""
    if at.applied is None:
        return None
    had = {each.revision for each in at.applied}
    return tuple(each for each in wanted if each.revision not in had)


def in_the_way(own: Listed, applied: Iterable[Migration]) -> Listed:
    """The one-way migrations that a release with this list does not know: it may fail on a database that has had them."""
    knows = {each.revision for each in own}
    return tuple(each for each in applied if each.one_way and each.revision not in knows)


def one_way(listed: Iterable[Migration]) -> Listed:
    """Those after which older releases may fail."""
    return tuple(each for each in listed if each.one_way)


def _until(heads: Sequence[str], listed: Listed) -> Listed:
    """The list up to the last of the heads; nothing if it knows none of them."""
    last = max((place for place, each in enumerate(listed, 1) if each.revision in heads), default=0)
    return listed[:last]
