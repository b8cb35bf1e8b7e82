"""A plan: what a run would do and what is true now, as data that is stored, shown and fingerprinted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from opsbot.runs.step import Fact, Json

OnResume = Literal["rerun", "recheck", "ask"]
NOTHING = "nothing_to_do"  # a fact with this key that is not red: what is asked for is so already, and no run is needed


@dataclass(frozen=True)
class PlannedStep:
    """One step of a plan. `arguments`, `when`, `check` are templates; they are rendered when the step's turn comes.

    `timeout`: seconds in all; `quiet`: seconds without progress or a word after which it counts as hanging. `keeps`: the
    output that names what it made, if that is needed as long as what came after it stays. `by_person`: people do it.
    """

    id: str
    name: str
    do: str
    arguments: Mapping[str, Json] = field(default_factory=dict)
    when: str | None = None
    check: str | None = None
    undo: bool = True
    why_no_undo: str | None = None
    on_resume: OnResume = "recheck"
    timeout: float = 600.0
    retries: int = 0
    quiet: float | None = None
    keeps: str | None = None
    by_person: bool = False

    @property
    def lasts(self) -> bool:
        """Whether nothing of ours takes back what it has begun."""
        return not self.undo and (self.why_no_undo is not None or self.by_person)


@dataclass(frozen=True)
class Plan:
    """One change, planned. `lock`: the targets ("staging/web") that no other run may hold meanwhile; None = takes no lock.

    `approval` is None or {"from": role, "expires": seconds, "people": n}. `say` holds the playbook's own sentences as they
    are rendered now, `sentences` their templates, rendered once more at the end with what was really done.
    `passes_freeze`: a way back, which no freeze stops.
    """

    playbook: str
    title: str
    params: Mapping[str, Json]
    environment: str | None
    lock: str | Sequence[str] | None
    steps: tuple[PlannedStep, ...]
    facts: tuple[tuple[str, Fact], ...] = ()
    approval: Mapping[str, Json] | None = None
    playbook_hash: str = ""
    say: Mapping[str, str] = field(default_factory=dict)
    sentences: Mapping[str, str] = field(default_factory=dict)
    passes_freeze: bool = False

    @property
    def locks(self) -> tuple[str, ...]:
        """The targets to be locked, in order."""
        wanted = (self.lock,) if isinstance(self.lock, str) else self.lock or ()
        return tuple(sorted(set(wanted)))

    @property
    def fingerprint(self) -> str:
        """Hash of everything that an approval binds to; colours and identities, never measured values."""
        bound = {
            "playbook": [self.playbook, self.playbook_hash],
            "params": dict(self.params),
            "environment": self.environment,
            "facts": sorted([step, fact.key, fact.color, fact.bind] for step, fact in self.facts),
        }
        return hashlib.sha256(json.dumps(bound, sort_keys=True, default=str).encode()).hexdigest()[:16]

    @property
    def red(self) -> list[Fact]:
        """The facts that refuse the plan."""
        return [fact for _, fact in self.facts if fact.color == "red"]

    @property
    def idle(self) -> Fact | None:
        """The fact that there is nothing to do, unless something else refuses the plan."""
        return next((fact for _, fact in self.facts if fact.key == NOTHING and not self.red), None)

    def as_json(self) -> dict[str, Json]:
        """The plan as plain JSON values, with its fingerprint."""
        return {**asdict(self), "fingerprint": self.fingerprint}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Plan:
        """The inverse of `as_json`. What another version of the bot added is passed over; ValueError for what is no plan."""
        try:
            values = _known(cls, stored)
            values["steps"] = tuple(PlannedStep(**_known(PlannedStep, step)) for step in stored["steps"])
            values["facts"] = tuple((step, Fact(**_known(Fact, fact))) for step, fact in stored.get("facts", ()))
            return cls(**values)
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"not a plan: {error}") from error


def differences(before: Plan, now: Plan, *, colors: bool) -> list[str]:
    """What is not as it was planned, each as a sentence: identities, new reasons to refuse; `colors`: every fact's colour too."""
    found = [] if before.playbook_hash == now.playbook_hash else [edited(before.playbook)]
    old, new = _by_key(before), _by_key(now)
    for key in [*old, *(key for key in new if key not in old)]:
        was, is_ = old.get(key, []), new.get(key, [])
        if _bound(was, colors) != _bound(is_, colors):
            found += _told(was, is_)
    return found


def edited(playbook: str) -> str:
    """The sentence for a playbook that does not say any more what it said when something was planned."""
    return f"The playbook {playbook} was edited, or the bot was upgraded."


def _by_key(plan: Plan) -> dict[tuple[str, str], list[Fact]]:
    found: dict[tuple[str, str], list[Fact]] = {}
    for step, fact in plan.facts:
        found.setdefault((step, fact.key), []).append(fact)
    return found


def _bound(facts: Sequence[Fact], colors: bool) -> list[str]:
    """What must be equal of facts with one key. Without an identity, only that it refuses (or its colour) counts."""
    kept = [fact for fact in facts if colors or fact.bind is not None or fact.color == "red"]
    told = [[fact.color if colors else fact.color == "red", fact.bind] for fact in kept]
    return sorted(json.dumps(each, sort_keys=True, default=str) for each in told)


def _told(was: Sequence[Fact], is_: Sequence[Fact]) -> list[str]:
    now = " ".join(fact.text for fact in is_) or "that is not so any more."
    return [f"Planned: {' '.join(fact.text for fact in was)} Now: {now}" if was else f"Now: {now}"]


def _known(kind: type[Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    names = {field.name for field in fields(kind)}
    return {key: value for key, value in stored.items() if key in names}
