"""Params of commands: typed by domain, converted from words, with defaults and the closest known names on a typo."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from opsbot.config.values import parse_duration
from opsbot.errors import NotFound, UsageError, did_you_mean
from opsbot.playbooks import moments

Type = Literal[
    "text", "integer", "boolean", "choice", "duration", "moment", "tag", "environment", "service", "database", "part",
    "backup", "release",
]  # fmt: skip
TYPES: tuple[Type, ...] = get_args(Type)
NAMED: tuple[Type, ...] = ("environment", "service", "database", "part")  # their values are names in opsbot.yml
MOMENTS: tuple[Type, ...] = ("backup", "moment")  # their values may be a moment of several words: yesterday 14:00
NEWEST = ("latest", "newest", "last")  # words for the newest backup; the first is what steps know
FIRST = "first"  # as a default: the first that opsbot.yml names
LONGEST_WORD = 200

_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:+-]{0,127}")


@dataclass(frozen=True)
class Param:
    """One argument of a command, whoever declares it: a playbook, a query or a note."""

    name: str
    type: Type = "text"
    required: bool = False
    default: Any = None
    help: str = ""
    choices: tuple[str, ...] = ()
    suggest: str | None = None
    rest: bool = False  # takes all the words that remain
    option: bool = False  # given by name only: `--smoke no`, or behind a little word of that name: `from v3`
    many: bool = False  # an option that may be given several times: its text has a line for each
    terminal: bool = False  # only of use there: no form in chat asks for it

    @property
    def flag(self) -> str:
        """How its option is written: `--one-way` for `one_way`."""
        return f"--{self.name.replace('_', '-')}"


@dataclass(frozen=True)
class Known:
    """The names in opsbot.yml, in its order, by param type."""

    names: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def of(self, kind: str) -> Sequence[str]:
        """The known names of a type; empty for types without names."""
        return self.names.get(kind, ())

    def canonical(self, kind: str, word: str) -> str | None:
        """The known name that `word` means, whatever its case, or None."""
        return next((name for name in self.of(kind) if name.lower() == word.lower()), None)


def convert(param: Param, word: str, known: Known) -> Any:
    """The typed value of a word. UsageError: wrong shape. NotFound: no such environment, service, database."""
    if len(word) > LONGEST_WORD and not (param.rest or param.many):
        raise UsageError(f"The {param.name} is too long ({len(word)} characters).")
    if param.type in NAMED:
        return _named(param.type, word, known)
    return _CONVERTERS[param.type](param, word)


def complete(params: Sequence[Param], given: Mapping[str, Any], known: Known) -> dict[str, Any]:
    """Every param with its value: given, else its default. UsageError names the first required one that is missing."""
    values = {param.name: given.get(param.name, _default(param, known)) for param in params}
    for param in params:
        if param.required and values[param.name] is None:
            choices = " or ".join(known.of(param.type) or param.choices)
            which = f": {choices}?" if choices else "."
            name = f"word “{param.name} …”" if param.name in ("from", "to") else param.name
            raise UsageError(f"The {name} is missing{which}", code="missing_param")
    return values


def _default(param: Param, known: Known) -> Any:
    if param.type in NAMED and param.default == FIRST:
        names = known.of(param.type)
        if not names:
            raise UsageError(f"opsbot.yml has no {param.type}.", "Add one there.")
        return names[0]
    return param.default


def _named(kind: Type, word: str, known: Known) -> str:
    name = known.canonical(kind, word)
    if name is None:
        raise NotFound(
            f"There is no {kind} “{word}”.", did_you_mean(word.lower(), known.of(kind)), code=f"unknown_{kind}"
        )
    return name


def _text(param: Param, word: str) -> str:
    return word


def _integer(param: Param, word: str) -> int:
    if not re.fullmatch(r"-?\d{1,9}", word, re.ASCII):
        raise UsageError(f"The {param.name} must be a whole number, not “{word}”.")
    return int(word)


def _boolean(param: Param, word: str) -> bool:
    if word.lower() not in ("yes", "no", "true", "false", "on", "off"):
        raise UsageError(f"The {param.name} must be yes or no, not “{word}”.")
    return word.lower() in ("yes", "true", "on")


def _choice(param: Param, word: str) -> str:
    found = next((choice for choice in param.choices if choice.lower() == word.lower()), None)
    if found is None:
        raise UsageError(f"The {param.name} cannot be “{word}”.", did_you_mean(word.lower(), param.choices))
    return found


def _duration(param: Param, word: str) -> str:
    """The text itself, as steps and settings have it."""
    try:
        parse_duration(word)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"The {param.name} must be a time such as 30s, 5m or 1h30m, not “{word}”.") from error
    return word


def _tag(param: Param, word: str) -> str:
    if not _TAG.fullmatch(word):
        raise UsageError(f"“{word}” cannot be an image tag.", "Tags have letters, digits, dots, dashes, underscores.")
    return word


def _release(param: Param, word: str) -> int | str:
    return int(word) if re.fullmatch(r"\d{1,9}", word, re.ASCII) else _tag(param, word)


def _backup(param: Param, word: str) -> str:
    """An id, or the moment as it was said: whoever plans the restore finds the newest backup at or before it."""
    if word.lower() in NEWEST:
        return NEWEST[0]
    if not _NAME.fullmatch(word) and not moments.is_moment(word):
        raise UsageError(
            f"“{word}” cannot be a backup's id.",
            f"Say latest, an id that `backups` lists, or when. {moments.UNDERSTOOD}",
        )
    return word


def _moment(param: Param, word: str) -> str:
    """The words themselves, as `moments.since` takes them; when that is depends on who asks."""
    if moments.is_moment(word):
        return word
    try:
        parse_duration(word)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"I do not know when “{word}” is.", moments.UNDERSTOOD, code="unknown_moment") from error
    return word


_CONVERTERS: Mapping[Type, Callable[[Param, str], Any]] = {
    "text": _text,
    "integer": _integer,
    "boolean": _boolean,
    "choice": _choice,
    "duration": _duration,
    "moment": _moment,
    "tag": _tag,
    "release": _release,
    "backup": _backup,
}
