"""Errors that a person reads: what happened, what to do, whether trying again can help."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class OpsError(Exception):
    """Something went wrong. `code` is stable for scripts; `again` says whether trying again can help."""

    code = "error"
    again = False
    exit_code = 1

    def __init__(self, what: str, fix: str = "", *, code: str | None = None, again: bool | None = None) -> None:
        self.what, self.fix = what, fix
        self.code = code or type(self).code
        self.again = type(self).again if again is None else again
        super().__init__(self.sentence())

    def sentence(self) -> str:
        """One line for a person: what happened, then what to do."""
        return f"{self.what} {self.fix}".strip()

    def as_json(self) -> dict[str, object]:
        """The same for machines: {"code", "what", "fix", "again"}."""
        return {"code": self.code, "what": self.what, "fix": self.fix, "again": self.again}


class UsageError(OpsError):
    """The words of the command do not fit."""

    code = "usage"
    exit_code = 2


class ConfigError(OpsError):
    """opsbot.yml or a playbook is not valid; the message names file, line and cure."""

    code = "config"
    exit_code = 2


class Refused(OpsError):
    """A rule says no: role, lock, freeze, block, a red fact. `code` is the reason."""

    code = "refused"
    exit_code = 3


class NotFound(OpsError):
    """Something named does not exist."""

    code = "not_found"


class Unavailable(OpsError):
    """A part that we depend on does not answer."""

    code = "unavailable"
    again = True


class StepFailed(OpsError):
    """A step did its work and the outcome is bad. `untouched`: it changed nothing, so nothing of it is to be undone."""

    code = "step_failed"
    untouched = False


class Cancelled(OpsError):
    """A person or a shutdown asked the run to stop."""

    code = "cancelled"


def closest(word: str, known: Iterable[str], limit: int = 3) -> list[str]:
    """The known words that look most like `word`, best first."""
    return difflib.get_close_matches(word, list(known), n=limit, cutoff=0.5)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A sentence with the closest known words, or with all of them if they are few, or nothing."""
    names = list(known)
    near = closest(word, names)
    if near:
        return f"Did you mean {' or '.join(near)}?"
    return f"Known: {', '.join(sorted(names))}." if 0 < len(names) <= 12 else ""
