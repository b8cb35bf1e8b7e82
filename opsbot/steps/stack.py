"""The steps `stack.compare` and `stack.apply`: a stack as its files want it. Nothing that keeps rows is ever dropped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from opsbot.errors import Refused
from opsbot.runs import step
from opsbot.runs.plan import NOTHING
from opsbot.runs.step import Context, Fact, Facts, Outputs, ReadOnly, Recheck
from opsbot.runtime import stackspec
from opsbot.runtime.stack import Difference, StackOf
from opsbot.runtime.stackspec import Change
from opsbot.runtime.target import Targets

SHOWN = 12  # differences that a card names; the rest are counted


class OfEnvironment(step.With):
    """The stack of an environment."""

    environment: str


class OfPrevious(OfEnvironment):
    """`previous`: service → the spec that ran before, or nothing where it is new."""

    previous: dict[str, Any]


class Compare(ReadOnly):
    """`stack.compare`: what the files would change, and what runs now, to go back to."""

    With: ClassVar[type[step.With]] = OfEnvironment
    outputs: ClassVar[tuple[str, ...]] = ("previous", "services", "count")

    def __init__(self, targets: Targets) -> None:
        self._targets = targets

    def facts(self, ctx: Context, args: OfEnvironment) -> Facts:
        stack = self._targets.stack(args.environment)
        found = stack.difference(stack.wanted())
        return Facts(tuple(facts(found, self._targets.database_services)), _told(stack, found))

    def run(self, ctx: Context, args: OfEnvironment) -> Outputs:
        stack = self._targets.stack(args.environment)
        found = stack.difference(stack.wanted())
        refuse(found, self._targets.database_services)
        return _told(stack, found)


class Apply:
    """`stack.apply`: one service after the other comes to its spec; undo brings those of before back."""

    With: ClassVar[type[step.With]] = OfPrevious
    outputs: ClassVar[tuple[str, ...]] = ("changed",)
    mutates: ClassVar[bool] = True

    def __init__(self, targets: Targets) -> None:
        self._targets = targets

    def facts(self, ctx: Context, args: OfPrevious) -> Facts:
        return Facts()

    def run(self, ctx: Context, args: OfPrevious) -> Outputs:
        stack = self._targets.stack(args.environment)
        wanted = stack.wanted()
        refuse(stack.difference(wanted), self._targets.database_services)
        changed = stack.apply(wanted, ctx)
        stack.forget_configs(args.previous)
        return {"changed": changed}

    def undo(self, ctx: Context, args: OfPrevious, outputs: Outputs | None) -> None:
        stack = self._targets.stack(args.environment)
        runs = stack.running()
        for name, spec in reversed(args.previous.items()):
            if spec is None:
                stack.remove(name)
            elif name not in runs or not _same(runs[name]["Spec"], spec):
                stack.post(spec, ctx)

    def recheck(self, ctx: Context, args: OfPrevious) -> tuple[Recheck, Outputs | None]:
        """Bringing it there again does nothing to what is there already."""
        return "not_done", None


def facts(found: Difference, databases: frozenset[str]) -> Iterator[Fact]:
    """The difference, line by line; red for what would lose rows, or cannot start."""
    identity = hashlib.sha256(json.dumps(found.wanted, sort_keys=True).encode()).hexdigest()[:16]
    lines = [(change, line) for change in found.changes for line in change.lines]
    if not lines:
        yield Fact(NOTHING, "green", "The stack runs as its files want it: there is nothing to do.", bind=identity)
    for number, (change, line) in enumerate(lines[:SHOWN]):
        yield Fact(f"difference-{number}", _colour(change, line), f"{change.service}: {line}", bind=identity)
    if len(lines) > SHOWN:
        yield Fact("more", "amber", f"And {len(lines) - SHOWN} more differences.", bind=identity)
    for sentence in losses(found, databases):
        yield Fact("loses", "red", sentence)
    for name in found.missing_secrets:
        yield Fact(
            f"secret-{name}", "red", f"The Swarm secret {name} is missing. Make it: docker secret create {name} -"
        )
    for name in sorted(set(found.left) - databases):
        yield Fact(f"left-{name}", "amber", f"{name} runs and is in no stack file: it is left alone.")


def losses(found: Difference, databases: frozenset[str]) -> list[str]:
    """A sentence for each volume or database that the files do not have any more."""
    said = [
        f"{change.service} would lose its {volume} with all that is on it."
        for change in found.changes
        for volume in change.volumes
    ]
    gone = sorted(set(found.left) & databases)
    return said + [f"The database {name} is in no stack file. Nothing is applied without it." for name in gone]


def refuse(found: Difference, databases: frozenset[str]) -> None:
    """Refused (`loses_rows`) if applying would lose a volume or a database."""
    for sentence in losses(found, databases):
        raise Refused(sentence, "Mend the stack files; a volume is moved by a backup and a restore.", code="loses_rows")


def _colour(change: Change, line: str) -> step.Color:
    """What restarts a service that keeps rows wants a second look."""
    if change.volumes:
        return "red"
    return "amber" if change.kind == "changed" and line.startswith("image") else "green"


def _told(stack: StackOf, found: Difference) -> Outputs:
    runs = stack.running()
    names = [change.service for change in found.changes]
    previous: Mapping[str, Any] = {name: runs[name]["Spec"] if name in runs else None for name in names}
    return {"previous": dict(previous), "services": ", ".join(names) or "nothing", "count": len(names)}


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return stackspec.facets(one, {}) == stackspec.facets(other, {})
