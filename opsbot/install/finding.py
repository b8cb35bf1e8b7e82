"""What `doctor` found about one part: well or not, a sentence, and what to do. All parts are looked at side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from opsbot.commands.at_once import at_once
from opsbot.errors import OpsError

State = Literal["ok", "warn", "bad"]
SECONDS = 12.0  # that the slowest look may take; all of them are made at the same time


@dataclass(frozen=True)
class Finding:
    """`cure` is empty where there is nothing to do."""

    state: State
    says: str
    cure: str = ""


Check = Callable[[], Finding | Sequence[Finding]]


def ok(says: str) -> Finding:
    """All is well."""
    return Finding("ok", says)


def warn(says: str, cure: str) -> Finding:
    """It works, and somebody should know."""
    return Finding("warn", says, cure)


def bad(says: str, cure: str) -> Finding:
    """Something does not work."""
    return Finding("bad", says, cure)


def of_error(error: OpsError) -> Finding:
    """The finding that an error is."""
    return bad(error.what, error.fix)


def look(checks: Mapping[str, Check], seconds: float = SECONDS) -> dict[str, list[Finding]]:
    """Every check's findings. One that raises or does not end in time is bad with a sentence; none holds the others."""
    found: dict[str, list[Finding]] = {}
    for name, answer in at_once(checks, seconds).items():
        if answer.error is not None:
            found[name] = [of_error(answer.error)]
        elif answer.wrong or answer.value is None:
            found[name] = [bad(f"It {answer.wrong}", "Look whether this part runs and can be reached from here.")]
        else:
            found[name] = [answer.value] if isinstance(answer.value, Finding) else list(answer.value)
    return found


def well(found: Mapping[str, Iterable[Finding]]) -> bool:
    """Whether nothing is bad."""
    return all(one.state != "bad" for findings in found.values() for one in findings)


def as_json(found: Mapping[str, Iterable[Finding]]) -> dict[str, Any]:
    """{"ok", "checks": [{"name", "state", "says", "cure"}]}"""
    checks = [{"name": name, **asdict(one)} for name, findings in found.items() for one in findings]
    return {"ok": well(found), "checks": checks}
