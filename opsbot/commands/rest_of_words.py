"""Words → params of commands that end in free text: `logs web staging 10m connection refused`, `lock staging we measure`. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from opsbot.errors import OpsError
from opsbot.playbooks.params import NAMED, Known, Param, convert

TOWARDS = ("to", "in", "on", "at", "into")  # what follows is most likely an environment
SLIP = 0.85  # how near a word must be to a place to be a slip of it
LINKS = (*TOWARDS, "from", "of", "for", "with", "the", "back", "since")


def assign(params: Sequence[Param], words: Sequence[str], values: dict[str, Any], known: Known) -> dict[str, Any]:
    """The first words go where they fit: text in order, names and times wherever they are one. All others are the rest.

    A place may also stand at the very end: `logs web refused in staging`.
    """
    left = list(words)
    while left:
        taken = _take(params, left, values, known)
        if not taken:
            break
        del left[:taken]
    rest = next((param for param in params if param.rest and param.name not in values), None)
    if rest is not None and left:
        if not rest.required:
            _refuse_slip(params, left[0], values, known)
            left = _without_name(rest, _without_place(params, left, values, known))
        values[rest.name] = convert(rest, " ".join(left), known)
    return values


def _take(params: Sequence[Param], left: Sequence[str], values: dict[str, Any], known: Known) -> int:
    """Give the first word to a param; how many words that took, 0 if the free text begins."""
    free = [param for param in params if param.name not in values and not (param.option or param.rest)]
    if free and (free[0].required or free[0].type == "text"):
        values[free[0].name] = convert(free[0], left[0], known)
        return 1
    linked = left[0].lower() in LINKS and len(left) > 1
    for skip in (0, 1) if linked else (0,):
        param = next((param for param in free if _fits(param, left[skip], known)), None)
        if param is not None:
            values[param.name] = convert(param, left[skip], known)
            return skip + 1
    return 0


def _fits(param: Param, word: str, known: Known) -> bool:
    if param.type in NAMED:
        return known.canonical(param.type, word) is not None
    try:
        convert(param, word, known)
    except OpsError:
        return False
    return True


def _without_place(params: Sequence[Param], left: list[str], values: dict[str, Any], known: Known) -> list[str]:
    place = next((param for param in params if param.type == "environment" and param.name not in values), None)
    if place is None or len(left) < 2 or left[-2].lower() not in TOWARDS or not _fits(place, left[-1], known):
        return left
    values[place.name] = convert(place, left[-1], known)
    return left[:-2]


def _refuse_slip(params: Sequence[Param], word: str, values: dict[str, Any], known: Known) -> None:
    """NotFound if the free text begins with what was surely meant for a place: `prodction` is no word to look for."""
    place = next((param for param in params if param.type == "environment" and param.name not in values), None)
    if place is not None and get_close_matches(word.lower(), list(known.of(place.type)), 1, SLIP):
        convert(place, word, known)


def _without_name(rest: Param, left: list[str]) -> list[str]:
    """`grep refused`: the param's own name before the text is no part of it."""
    return left[1:] if len(left) > 1 and left[0].lower() == rest.name else left
