"""A plan: what a run would do and what is true now, as data that is stored, shown and fingerprinted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from opsbot.runs.step import Fact, Json

OnResume = Literal["rerun", "recheck", "ask"]


@dataclass(frozen=True)
class PlannedStep:
    """One step of a plan. `arguments`, `when`, `check` are templates; they are rendered when the step's turn comes."""

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


@dataclass(frozen=True)
class Plan:
    """One change, planned. `lock` is the target that no other run may hold ("staging/web"); None = takes no lock.

    `approval` is None or {"from": role, "expires": seconds, "people": n}. `say` holds the playbook's own sentences, rendered.
    """

    playbook: str
    title: str
    params: Mapping[str, Json]
    environment: str | None
    lock: str | None
    steps: tuple[PlannedStep, ...]
    facts: tuple[tuple[str, Fact], ...] = ()
    approval: Mapping[str, Json] | None = None
    playbook_hash: str = ""
    say: Mapping[str, str] = field(default_factory=dict)

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

    def as_json(self) -> dict[str, Json]:
        """The plan as plain JSON values, with its fingerprint."""
        return {**asdict(self), "fingerprint": self.fingerprint}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Plan:
        """The inverse of `as_json`."""
        values = {key: value for key, value in stored.items() if key != "fingerprint"}
        values["steps"] = tuple(PlannedStep(**step) for step in values["steps"])
        values["facts"] = tuple((step, Fact(**fact)) for step, fact in values["facts"])
        return cls(**values)
