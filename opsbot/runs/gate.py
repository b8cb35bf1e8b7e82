"""What a change must pass before it may begin: red facts, people's locks, freezes, other runs' locks. One pure decision."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from opsbot.clock import ago
from opsbot.errors import Refused
from opsbot.runs.plan import Plan
from opsbot.runs.step import Fact
from opsbot.store.rows import Around, HoldRow, LockRow

ALL = "all"
SCHEMA = "schema"  # the target `ENVIRONMENT/schema`: whoever holds it may change every database of the environment
_WORDS = {"freeze": "frozen", "lock": "locked"}


@dataclass(frozen=True)
class Ask:
    """A change that wants to pass: its run, whose it is (an actor's id), its targets, what was found about it.

    `databases`: the targets that a change of the schema touches besides. What a person put on one of them counts; the
    run of a backup there does not, for it reads a snapshot.
    """

    run: str
    asker: str | None
    targets: Sequence[str]
    passes_freeze: bool = False
    red: Sequence[Fact] = ()
    databases: Sequence[str] = ()


def ask(plan: Plan, run: str, asker: str | None, databases: Iterable[str] = ()) -> Ask:
    """What a plan asks for. Without a lock of its own it still belongs to its environment. `databases`: their names."""
    targets = plan.locks or ((plan.environment,) if plan.environment else ())
    places = [place for place, _, what in (target.partition("/") for target in targets) if what == SCHEMA]
    touched = [f"{place}/{name}" for place in places for name in sorted(databases)]
    return Ask(run, asker, targets, plan.passes_freeze, plan.red, touched)


def stop(asked: Ask, around: Around, window: str | None, now: datetime) -> Refused | None:
    """Why the change may not begin; None = it may. `window`: the sentence of a configured freeze that counts now.

    1. What its facts forbid (`blocked`, `red_fact`).
    2. A person's lock on its target, on what contains it or on a part of it (`locked`), for a change of the schema also on
       a database of its environment; the owner's own changes pass.
    3. A freeze (`frozen`): of a person, whose own changes pass, or configured, which is nobody's; a way back passes both.
    4. The lock of another run (`locked`).
    """
    if asked.red:
        code = "blocked" if any(fact.key == "blocked" for fact in asked.red) else "red_fact"
        return Refused(" ".join(fact.text for fact in asked.red), "Nothing was changed.", code=code)
    for hold in around.holds:
        if hold.kind == "lock" and hold.by != asked.asker and _meets(hold, asked):
            return held_by_person(hold, now)
    if not asked.passes_freeze:
        for hold in around.holds:
            if hold.kind == "freeze" and hold.by != asked.asker and _meets(hold, asked):
                return held_by_person(hold, now)
        if window is not None:
            return Refused(window, "Rollback passes. Otherwise wait until it ends.", code="frozen")
    others = [lock for lock in around.locks if lock.run != asked.run]
    met = (lock for target in asked.targets for lock in others if overlap(lock.target, target))
    held = next(met, None)  # of the first target that the plan names: that is what the asker speaks of
    return held_by_run(held, now) if held else None


def own_freezes(asked: Ask, holds: Sequence[HoldRow], who: str) -> list[str]:
    """What the asker froze and may change all the same, as sentences: `production is frozen by you: exams.`"""
    mine = [hold for hold in holds if hold.kind == "freeze" and hold.by == asked.asker and _meets(hold, asked)]
    return [] if asked.passes_freeze else [f"{_target(hold)} is frozen by {who}: {hold.reason}." for hold in mine]


def wishes(plan: Plan, run: str, who: str, now: datetime) -> tuple[LockRow, ...]:
    """The locks that the plan needs. They have no expiry: they are released in the transaction that ends the run."""
    return tuple(LockRow(target, run, who, plan.title, now, None) for target in plan.locks)


def overlap(one: str, other: str) -> bool:
    """Whether two targets touch: `production` contains `production/web`, and `all` contains everything."""
    return ALL in (one, other) or one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")


def held_by_run(lock: LockRow, now: datetime) -> Refused:
    """Which run holds the target, for whom, why and since when, and what the asker can do."""
    what = f"{lock.target} is locked by {lock.who}, for {_span(lock.since, now)} now: {lock.reason}."
    return Refused(what, f"Wait until it ends, or stop it: cancel {lock.run}.", code="locked")


def held_by_person(hold: HoldRow, now: datetime) -> Refused:
    """Who locked or froze the target, why and for how long, and what the asker can do."""
    left = "" if hold.expires is None else f" and for another {_span(now, hold.expires)}"
    word = _WORDS[hold.kind]
    what = f"{_target(hold)} is {word} by {hold.who}, for {_span(hold.since, now)} now{left}: {hold.reason}."
    undo = f"un{hold.kind} {hold.target}"
    fix = f"Ask {hold.who}, or lift it: {undo}." if hold.kind == "lock" else f"Rollback passes. To lift it: {undo}."
    return Refused(what, fix, code=word)


def _target(hold: HoldRow) -> str:
    return "Everything" if hold.target == ALL else hold.target


def _meets(hold: HoldRow, asked: Ask) -> bool:
    """A change without targets is stopped by a word about everything only."""
    return hold.target == ALL or any(overlap(hold.target, target) for target in (*asked.targets, *asked.databases))


def _span(then: datetime, now: datetime) -> str:
    return ago(then, now).removesuffix(" ago")
