"""What a step leaves behind when a person completed it: its outputs, from the step itself as far as it knows, else from them."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from opsbot.clock import Clock
from opsbot.errors import Refused
from opsbot.runs import asked, journal
from opsbot.runs.attempt import Attempts
from opsbot.runs.context import RunContext, Signals
from opsbot.runs.lease import Lease, Pace
from opsbot.runs.plan import Plan, PlannedStep
from opsbot.runs.step import Json, Outputs
from opsbot.store import Store
from opsbot.store.rows import JournalRow, RunRow

PATIENCE = 10.0  # seconds in which a step has to say what it left; a person waits


class _Unheard(RunContext):
    """A context for a step that is only asked: what it says goes nowhere, and nobody stops it but the time."""

    def _event(self, kind: str, body: Mapping[str, Json]) -> None:
        return None

    def _listen(self) -> None:
        return None


class OutputsByHand:
    """Asks steps on behalf of people; changes nothing."""

    def __init__(self, store: Store, clock: Clock, attempts: Attempts, pace: Pace) -> None:
        self._store, self._clock, self._attempts = store, clock, attempts
        self._pace = replace(pace, deaf=min(pace.deaf, PATIENCE))

    def of(self, run: str, step: str | None, given: Mapping[str, Json]) -> Outputs:
        """The outputs of the step at hand (`step` must be that one, None takes it) with those that a person gave.

        Refused: unknown_output; no_outputs, if a later step reads one that nobody knows. What is wrong with the run
        itself is for whoever takes the word to say.
        """
        row = self._store.runs.get(run)
        rows = self._store.journal.rows(run)
        found = _planned(row, rows, step) if row else None
        if row is None or found is None:
            return given
        plan, there = found
        declared = self._attempts.declared(there)
        _refuse_unknown(there, declared, given)
        known = dict(given)
        if any(name not in known for name in declared):
            context = self._context(row, there)
            known = {**self._attempts.told_by_recheck(there, context, journal.scope(row, plan, rows)), **known}
        missing = [name for name in needed(plan, there) if name in declared and name not in known]
        if missing:
            raise _missing(row, there, missing)
        return known

    def _context(self, run: RunRow, step: PlannedStep) -> RunContext:
        lease = Lease(self._store, self._clock, run.id, "", self._pace)  # nobody's: what only asks writes nothing
        return _Unheard(
            self._store, self._clock, self._pace, lease, Signals(threading.Event()),
            run=run.id,
            step=step.id,
            actor=journal.actor_name(run),
            environment=run.environment,
            deadline=self._clock.now() + timedelta(seconds=PATIENCE),
        )  # fmt: skip


def needed(plan: Plan, step: PlannedStep) -> list[str]:
    """The outputs of a step that the plan's steps read."""
    texts = json.dumps([[each.arguments, each.when, each.check] for each in plan.steps], default=str)
    return sorted(set(re.findall(rf"\bsteps\.{re.escape(step.id)}\.(\w+)", texts)))


def value(text: str) -> Json:
    """What somebody wrote for an output: null, a list or an object is JSON, all else is text (a tag `1.10` stays one)."""
    if text == "null" or text[:1] in ("[", "{"):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _planned(run: RunRow, rows: Sequence[JournalRow], step: str | None) -> tuple[Plan, PlannedStep] | None:
    phase, there = asked.at_hand(run, rows)
    if phase != "do" or there is None or step not in (None, there):
        return None
    try:
        plan = Plan.from_json(run.plan)
    except ValueError:
        return None  # made by another version of the bot
    return next(((plan, each) for each in plan.steps if each.id == there), None)


def _refuse_unknown(step: PlannedStep, declared: Sequence[str], given: Mapping[str, Any]) -> None:
    wrong = next((name for name in given if name not in declared), None)
    if wrong is not None:
        has = f"It has {', '.join(declared)}." if declared else "It has none."
        raise Refused(f"“{step.name}” has no output “{wrong}”.", has, code="unknown_output")


def _missing(run: RunRow, step: PlannedStep, names: Sequence[str]) -> Refused:
    given = " ".join(f"--output {name}=…" for name in names)
    what = f"What follows needs to know what “{step.name}” left: {', '.join(names)}. The step itself cannot tell."
    return Refused(what, f"Say it: `complete {run.id} {given} WHAT SHOWS IT`.", code="no_outputs")
