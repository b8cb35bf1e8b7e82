"""Words → params. Each word goes where it fits best, so that people may say `deploy v2 to production` in any order. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opsbot.errors import OpsError, UsageError, closest
from opsbot.playbooks.params import NAMED, Known, Param, convert

TOWARDS = ("to", "in", "on", "at", "into")  # what follows is most likely an environment
LINKS = (*TOWARDS, "from", "of", "for", "with", "the", "back")


@dataclass(frozen=True)
class _Word:
    text: str
    link: str = ""  # the little word before it
    keyword: str = ""  # the param's name or type before it: `release 12`


def assign(params: Sequence[Param], words: Sequence[str], options: Mapping[str, str], known: Known) -> dict[str, Any]:
    """Typed values of the params that were given. UsageError or NotFound for what fits nowhere.

    1. options by name; 2. words after a param's name; 3. words that are names in opsbot.yml; 4. the others in order,
    required params first.
    """
    by_name = {param.name: param for param in params}
    values = {name: convert(by_name[name], text, known) for name, text in options.items()}
    if any(param.rest for param in params):
        return _with_rest(params, words, values, known)
    left = [word for word in _linked(params, words) if not _take_keyword(params, word, values, known)]
    left = [word for word in left if not _take_known(params, word, values, known, TOWARDS)]
    left = [word for word in left if not _take_known(params, word, values, known, None)]
    for word in left:
        _take_next(params, word, values, known)
    return values


def _linked(params: Sequence[Param], words: Sequence[str]) -> list[_Word]:
    """The words, each with the little word or the param's name that stood before it."""
    names = {name for param in params for name in (param.name, param.type)}
    found: list[_Word] = []
    link = keyword = ""
    for index, text in enumerate(words):
        low, last = text.lower(), index == len(words) - 1
        if low in LINKS and not last:
            link = low
        elif low in names and not last and not keyword:
            keyword = low
        else:
            found.append(_Word(text, link, keyword))
            link = keyword = ""
    return found


def _take_keyword(params: Sequence[Param], word: _Word, values: dict[str, Any], known: Known) -> bool:
    for param in params:
        meant = word.keyword in (param.name, param.type) if word.keyword else False
        if meant and param.name not in values:
            values[param.name] = convert(param, word.text, known)
            return True
    return False


def _take_known(
    params: Sequence[Param], word: _Word, values: dict[str, Any], known: Known, links: Sequence[str] | None
) -> bool:
    """Take a word that is a configured name (with `links`: an environment behind one of those little words) or a choice."""
    for param in params:
        if param.name in values or (links is not None and (word.link not in links or param.type != "environment")):
            continue
        choices = {choice.lower() for choice in param.choices}
        if known.canonical(param.type, word.text) or word.text.lower() in choices:
            values[param.name] = convert(param, word.text, known)
            return True
    return False


def _take_next(params: Sequence[Param], word: _Word, values: dict[str, Any], known: Known) -> None:
    positional = (
        param for param in params if param.name not in values and (not param.option or word.link == param.name)
    )
    free = sorted(positional, key=lambda param: not param.required)
    free.sort(key=lambda param: word.link != param.name)
    failures: list[OpsError] = []
    for param in free:
        try:
            values[param.name] = convert(param, word.text, known)
        except OpsError as error:
            if _surely(param, word, known):
                raise
            failures.append(error)
        else:
            return
    raise failures[0] if failures else UsageError(f"I do not understand “{word.text}” here.")


def _surely(param: Param, word: _Word, known: Known) -> bool:
    """Whether a word that does not fit was still meant for this param: a typo of one of its names, or said so."""
    if word.link == param.name:
        return True
    return param.type in NAMED and bool(closest(word.text.lower(), known.of(param.type), 1))


def _with_rest(params: Sequence[Param], words: Sequence[str], values: dict[str, Any], known: Known) -> dict[str, Any]:
    """For commands that end in free text: the first words in order, the last param gets the others as they stand."""
    left = list(words)
    for param in params:
        if param.name in values or param.option or not left:
            continue
        if param.rest:
            values[param.name], left = convert(param, " ".join(left), known), []
        else:
            values[param.name] = convert(param, left.pop(0), known)
    return values
