"""A bot that dies at a chosen write to its store, before it or just after it, as `kill -9` would have it; and what it leaves."""

from __future__ import annotations

import copy
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal

from known_steps import bare
from pretended.past import LeapingClock
from pretended.slack import CHANNEL, Slack
from pretended.stack import Stack
from pretended.steps import steps_on
from sqlalchemy import event
from telling import Telling

from opsbot.commands.catalog import RESERVED
from opsbot.commands.run_card import card_with
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
Notice = Callable[[int, Moment], None]
ALICE = {"kind": "person", "id": "U1", "name": "alice"}
BEYOND = timedelta(seconds=31)  # an owner is dead for the others when its lease of 30 s has expired


class Killed(BaseException):
    """Nothing catches this, and after it nothing is written."""


@dataclass(frozen=True)
class Left:
    """All that is there after a bot died at a write: its database, the world, the channel. What was in memory is gone."""

    write: int
    moment: Moment
    database: bytes
    stack: Stack
    slack: Slack
    leapt: timedelta

    def same(self, other: Left) -> bool:
        """Whether nothing but time lies between the two, so that nobody could tell them apart."""
        mine, others = (self.database, self.stack, self.slack), (other.database, other.stack, other.slack)
        return mine == others


class World:
    """What outlives every bot. Its database is a file, and each opened store is used again: compiled statements stay."""

    def __init__(self, path: Path, beginning: bytes) -> None:
        self._path, self._beginning = path, beginning
        self._stores: dict[str, Store] = {}
        self.clock = LeapingClock()
        self.stack, self.slack = Stack(), Slack()

    def begin(self, stack: Stack) -> None:
        """As if nothing had happened yet."""
        self._lay(self._beginning)
        self.stack, self.slack, self.clock.leapt = stack, Slack(), timedelta()

    def left(self, write: int, moment: Moment) -> Left:
        """What a bot leaves that dies now."""
        with closing(sqlite3.connect(self._path)) as connection:
            kept = connection.serialize()
        return Left(write, moment, kept, copy.deepcopy(self.stack), copy.deepcopy(self.slack), self.clock.leapt)

    def return_to(self, left: Left) -> None:
        """Be as it was then."""
        self._lay(left.database)
        self.stack, self.slack = copy.deepcopy(left.stack), copy.deepcopy(left.slack)
        self.clock.leapt = left.leapt

    def store(self, owner: str) -> Store:
        """The store of that owner, with connections of its own."""
        if owner not in self._stores:
            self._stores[owner] = opened = open_store(f"sqlite:///{self._path}")
            event.listen(opened._database._engine, "checkout", _hasty)
        return self._stores[owner]

    def close(self) -> None:
        """Let every file go."""
        for store in self._stores.values():
            store.close()

    def _lay(self, database: bytes) -> None:
        self.close()
        for suffix in ("-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        self._path.write_bytes(database)


def _nothing(_write: int, _moment: Moment) -> None:
    return None


class Bot:
    """One process. `notice(number, moment)` is called before and after each write, its steps' and chat's among them.

    `chats`: its message is brought up to date after each write, as if Slack were that quick; else it is told by hand.
    """

    def __init__(self, world: World, owner: str, notice: Notice = _nothing, *, chats: bool = True) -> None:
        self.store, self.stack, self.clock = world.store(owner), world.stack, world.clock
        self._steps = steps_on(self.stack, self.store, self.clock)
        self._notice, self._chats = notice, chats
        self.engine = Engine(
            self.store, self.clock, self._steps, expressions.resolve, owner, pace=Pace(backoff=0.001),
            replan=self._again,
        )  # fmt: skip
        card = card_with(playbooks())
        self.chat = Telling(
            self.store, self.clock, world.slack, lambda run: card(self.engine.view(run)), CHANNEL
        )  # fmt: skip
        self.writes, self.dead, self._telling = 0, False, False
        self._write = self.store._database.write
        self.store._database.write = self._mortal_write  # type: ignore[method-assign]  # that is where it dies

    def plan(self, playbook: str, **params: Any) -> Plan:
        known = playbooks()[playbook]
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
        """Its connections are gone, whether it died or not."""
        self.store._database.write = self._write  # type: ignore[method-assign]  # as it was
        self.store.close()

    def _again(self, shown: Plan) -> Plan:
        return self.plan(shown.playbook, **shown.params)

    @contextmanager
    def _mortal_write(self) -> Iterator[Any]:
        if self.dead:
            raise Killed
        if threading.current_thread().name.startswith("lease-"):  # a heartbeat
            with self._write() as connection:
                yield connection
            return
        self.writes += 1
        number = self.writes
        self._notice(number, "before")
        with self._write() as connection:
            yield connection
        self._notice(number, "after")
        self._chat()

    def _chat(self) -> None:
        if not self._chats or self._telling:
            return
        self._telling = True
        try:
            self.chat.now()
        finally:
            self._telling = False


@cache
def playbooks() -> Mapping[str, Playbook]:
    """The real ones."""
    return load_all(ROOT / "playbooks", bare(), RESERVED)


def _hasty(connection: Any, *_: object) -> None:
    """What is tested here is the order of writes, not that the disk keeps them."""
    connection.execute("PRAGMA synchronous = OFF")


ENVIRONMENTS = {
    "staging": Environment.model_validate({"stack": "s", "channel": "#staging"}),
    "production": Environment.model_validate({"stack": "p"}),
}
