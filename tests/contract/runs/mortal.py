"""A bot that dies at a chosen write to its store, before it or just after it, as `kill -9` would have it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal

from known_steps import bare
from pretend_stack import Stack, steps_on
from sqlalchemy import event

from opsbot.commands.catalog import RESERVED
from opsbot.config.settings import Environment
from opsbot.playbooks import expressions, planner
from opsbot.playbooks.load import load_all
from opsbot.playbooks.playbook import Playbook
from opsbot.runs.engine import Engine
from opsbot.runs.lease import Pace
from opsbot.runs.plan import Plan
from opsbot.runs.run import FINAL
from opsbot.store import Store, open_store

ROOT = Path(__file__).parents[3]
Moment = Literal["before", "after"]
ALICE = {"kind": "person", "id": "U1", "name": "alice"}
BEYOND = timedelta(seconds=31)  # an owner is dead for the others when its lease of 30 s has expired


class Killed(BaseException):
    """Nothing catches this, and after it nothing is written."""


@dataclass
class LeapingClock:
    """The machine's clock and what was leapt over."""

    leapt: timedelta = field(default_factory=timedelta)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.leapt

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(min(seconds, 0.001))


class Bot:
    """One process: its own connections to the store. `kill_at`: the number of the write at which it dies."""

    def __init__(
        self, url: str, stack: Stack, clock: LeapingClock, owner: str, kill_at: int = 0, moment: Moment = "before"
    ) -> None:
        self.store, self.stack, self.clock = open_store(url), stack, clock
        if url.startswith("sqlite"):
            event.listen(self.store._database._engine, "checkout", _hasty)
        steps = steps_on(stack, self.store, clock)
        self.playbooks = playbooks()
        self._steps, self._kill_at, self._moment = steps, kill_at, moment
        self.writes, self.dead = 0, False
        self.engine = Engine(
            self.store, clock, steps, expressions.resolve, owner, pace=Pace(backoff=0.001), replan=self._again
        )
        self._write, self._driver = self.store._database.write, threading.get_ident()
        self.store._database.write = self._mortal_write  # type: ignore[method-assign]  # that is where it dies

    def plan(self, playbook: str, **params: Any) -> Plan:
        known = self.playbooks[playbook]
        given = {name: spec.default for name, spec in known.params.items()}
        given |= {"service": "web"} if "service" in given else {}
        given |= {"database": "main"} if "database" in given else {}
        return planner.plan(known, {**given, **params}, "alice", ENVIRONMENTS, self._steps)

    def drive_to_the_end(self, run: str) -> str:
        """Drive it as `serve` does, leaping over every wait, until it ends."""
        for _ in range(50):
            if (status := self.engine.drive(run)) in FINAL:
                return status
            self.clock.leapt += timedelta(minutes=2)
        raise AssertionError(f"the run never ended: {self.engine.view(run)}")

    def close(self) -> None:
        self.store.close()

    def _again(self, shown: Plan) -> Plan:
        return self.plan(shown.playbook, **shown.params)

    @contextmanager
    def _mortal_write(self) -> Iterator[Any]:
        if self.dead:
            raise Killed
        counts = threading.get_ident() == self._driver
        self.writes += counts
        now = counts and self.writes == self._kill_at
        if now and self._moment == "before":
            self.dead = True
            raise Killed
        with self._write() as connection:
            yield connection
        if now:
            self.dead = True
            raise Killed


@cache
def playbooks() -> Mapping[str, Playbook]:
    """The real ones."""
    return load_all(ROOT / "playbooks", bare(), RESERVED)


def _hasty(connection: Any, *_: object) -> None:
    """What is tested here is the order of writes, not that the disk keeps them."""
    connection.execute("PRAGMA synchronous = OFF")


ENVIRONMENTS = {"staging": Environment.model_validate({"stack": "s", "channel": "#staging"})}


def history(store: Store) -> None:
    """v1 served, v2 serves."""
    now = datetime.now(UTC)
    for tag in ("v1", "v2"):
        row = store.releases.add(
            "staging", "web", f"web@{tag}", tag, tag, None, {}, {}, {}, None, f"r-{tag}", "alice", now
        )
        store.releases.mark("staging", "web", row.number, "live", None, now)
