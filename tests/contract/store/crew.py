"""One process of the crash tests: `crew.py URL STAGE EXPIRY VERB [ARGUMENT…]`.

work: drive what is due until every run has ended · once RUN…: drive these · serve: drive what is due until told, and all has
ended · terminal SECONDS SEED: submit, sometimes drive or cancel, answer what waits for a yes, lock and freeze, as people do.
"""

from __future__ import annotations

import os
import random
import sys
import time
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "unit" / "runs"))

from acting import ALICE, BOB, QUICK, Stage, engine, mark, plan, sleep  # found only through the path above

from opsbot.clock import SystemClock
from opsbot.errors import OpsError, Refused
from opsbot.runs.engine import Engine
from opsbot.runs.plan import Plan
from opsbot.runs.run import FINAL, TRANSITIONS
from opsbot.store import Store, open_store
from opsbot.store.rows import Entry, HoldRow

UNFINISHED = set(TRANSITIONS) - FINAL
TARGETS = ("staging/web", "staging/main", "production/web")
PEOPLE = (ALICE, BOB, {"kind": "person", "id": "U3", "name": "carol"})
KEPT_BACK = {"locked", "frozen"}
TOO_LATE = {"not_waiting", "expired", "own_plan", "already_said"}


def main(url: str, stage_path: str, expiry: str, verb: str, *more: str) -> None:
    store, stage = open_store(url), Stage(Path(stage_path))
    bot = engine(store, stage, "crew", pace=replace(QUICK, expiry=float(expiry)))
    match verb:
        case "once":
            for run in more:
                bot.drive(run)
        case "work":
            begin(stage)
            work(bot, store)
        case "serve":
            begin(stage)
            while "stop" not in stage.lines() or store.runs.by_status(UNFINISHED):
                for run in bot.due():
                    bot.drive(run)
                time.sleep(0.005)
        case "terminal":
            begin(stage)
            terminal(bot, store, float(more[0]), random.Random(int(more[1])))


def begin(stage: Stage) -> None:
    stage.write(f"up {os.getpid()}")
    stage.wait_for("go", 60)


def work(bot: Engine, store: Store) -> None:
    while store.runs.by_status(UNFINISHED):
        for run in bot.due():
            bot.drive(run)
        time.sleep(0.005)


def terminal(bot: Engine, store: Store, seconds: float, chance: random.Random) -> None:
    end, number = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        number += 1
        answer(bot, store, chance)
        if chance.random() < 0.1:
            hold(store, chance)
        try:
            run = bot.submit(random_plan(f"{os.getpid()}.{number}", chance), chance.choice(PEOPLE), "terminal")
        except Refused as refused:
            if refused.code not in KEPT_BACK:
                raise
            time.sleep(chance.random() / 20)
            continue
        if chance.random() < 0.3:
            bot.drive(run)
        if chance.random() < 0.2:
            time.sleep(chance.random() / 50)
            with suppress(OpsError):  # it may have ended
                bot.cancel(run, ALICE, "terminal")
        time.sleep(chance.random() / 50)


def answer(bot: Engine, store: Store, chance: random.Random) -> None:
    """Somebody says yes or no to some of what waits; others may do so at the same moment."""
    for run in store.runs.by_status({"awaiting_approval"}):
        who = chance.choice(PEOPLE)
        try:
            if chance.random() < 0.6:
                bot.approve(run.id, who, "terminal", run.fingerprint)
            elif chance.random() < 0.2:
                bot.reject(run.id, who, "terminal")
        except Refused as refused:
            if refused.code not in KEPT_BACK | TOO_LATE:
                raise


def hold(store: Store, chance: random.Random) -> None:
    """Somebody locks or freezes a target for a moment."""
    now, who, kind = SystemClock().now(), chance.choice(PEOPLE), chance.choice(["lock", "freeze"])
    target = chance.choice([*TARGETS, "staging"])
    until = now + timedelta(seconds=chance.random() / 10)
    row = HoldRow(kind, target, who["id"], who["name"], "we measure", now, until)
    store.holds.put(row, Entry(who, "terminal", kind, target, "done", {}))


def random_plan(name: str, chance: random.Random) -> Plan:
    """Three steps on one target or two; one may fail, one may wait; some need a yes of one other person or of two."""
    fails = chance.choice([0, 0, 2, 3])
    steps = [mark(f"{name}.{n}", fails=n == fails, after=chance.choice([0, 0.01])) for n in (1, 2, 3)]
    steps.insert(2, sleep("bake")) if chance.random() < 0.3 else None
    rule = {"from": "approver", "people": chance.choice([1, 1, 2]), "expires": 3.0}
    approval = {"approval": rule} if chance.random() < 0.4 else {}
    return plan(*steps, title=name, lock=chance.sample(TARGETS, chance.choice([1, 1, 2])), **approval)


main(*sys.argv[1:])
