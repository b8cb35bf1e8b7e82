"""Words → params. Each word goes where it fits best, so that people may say `deploy v2 to production` in any order. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opsbot.commands import rest_of_words
from opsbot.commands.rest_of_words import LINKS, TOWARDS
from opsbot.errors import OpsError, UsageError, closest
from opsbot.playbooks import moments
from opsbot.playbooks.params import MOMENTS, NAMED, Known, Param, convert


@dataclass(frozen=True)
class _Word:
    text: str
    link: str = ""  # the little word before it
    keyword: str = ""  # the param's name or type before it: `release 12`


def assign(params: Sequence[Param], words: Sequence[str], options: Mapping[str, str], known: Known) -> dict[str, Any]:
    """Typed values of the params that were given. UsageError or NotFound for what fits nowhere.

    1. options by name; 2. words after a param's name; 3. the place it goes to, behind one of those little words; 4. words
    that are names in opsbot.yml; 5. the others in order, required params first. The words of a moment go together.
    """
    by_name = {param.name: param for param in params}
    values = {name: convert(by_name[name], text, known) for name, text in options.items()}
    if any(param.type in MOMENTS for param in params):
        words = _with_moments(words, known)
    if any(param.rest for param in params):
        return rest_of_words.assign(params, words, values, known)
    left = [word for word in _linked(params, words) if not _take_keyword(params, word, values, known)]
    for fits in (_goes_there, _is_said_so, _any):
        left = [word for word in left if not _take_known(params, word, values, known, fits)]
    for word in left:
        _take_next(params, word, values, known)
    return values


def target(params: Sequence[Param]) -> Param | None:
    """The param that says where a command acts, of several environments the one of that name."""
    places = [param for param in params if param.type == "environment"]
    return next((param for param in places if param.name == "environment"), places[0] if places else None)


def _with_moments(words: Sequence[str], known: Known) -> list[str]:
    """The words, those of a moment as one: `yesterday 14:00`. A name of opsbot.yml stays what it is."""
    found: list[str] = []
    at = 0
    while at < len(words):
        named = any(known.canonical(kind, words[at]) for kind in NAMED)
        count = 0 if named else moments.length(words[at:])
        found.append(" ".join(words[at : at + max(1, count)]))
        at += max(1, count)
    return found


def _linked(params: Sequence[Param], words: Sequence[str]) -> list[_Word]:
    """The words, each with the little word or the param's name that stood before it."""
    names = {name for param in params for name in (param.name, param.type)}
    found: list[_Word] = []
    link = keyword = ""
    for index, text in enumerate(words):
        low, last = text.lower(), index == len(words) - 1
        if low in LINKS and not last:
            link, keyword = low, ""  # `latest backup on staging`: the name stood behind its value
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


def _goes_there(params: Sequence[Param], param: Param, word: _Word) -> bool:
    return word.link in TOWARDS and param == target(params)


def _is_said_so(params: Sequence[Param], param: Param, word: _Word) -> bool:
    return word.link == param.name


def _any(params: Sequence[Param], param: Param, word: _Word) -> bool:
    return True


def _take_known(
    params: Sequence[Param],
    word: _Word,
    values: dict[str, Any],
    known: Known,
    fits: Callable[[Sequence[Param], Param, _Word], bool],
) -> bool:
    """Take a word that is a configured name or a choice, for the first param that it fits."""
    for param in params:
        if param.name in values or not fits(params, param, word):
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
