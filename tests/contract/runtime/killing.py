"""A stack with a bot beside it, a person who asks, a process that is killed, and what must be true afterwards."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from clients import Clients
from driver import drive

from opsbot.bot.compose import Bot
from opsbot.commands.request import Actor, Request
from opsbot.demo.argv import wait_until
from opsbot.demo.state import CHECKOUT
from opsbot.postgres import databases
from opsbot.postgres.connect import MAINTENANCE, session
from opsbot.runtime import jobs
from opsbot.runtime import release as rules
from opsbot.store.rows import JournalRow, ReleaseRow, RunRow

ALICE, BOB = Actor("person", "U01ALICE", "alice"), Actor("person", "U02BOB", "bob")
LEASE = 31.0  # seconds: whoever is killed between the end of a run and letting it go leaves its lease to expire
PATIENCE = 120.0  # seconds that the process to be killed may need to come to its point


@dataclass(frozen=True)
class Point:
    """Where the process dies: so many seconds after this step's row was begun or ended.

    `phase` undo: a person stops the run once the step `stopped_in` has begun, and the row is one of its undo.
    """

    playbook: str
    step: str
    ended: bool
    after: float = 0.0
    phase: str = "do"
    stopped_in: str = ""

    def reached(self, rows: list[JournalRow]) -> bool:
        mine = [row for row in rows if (row.step, row.phase) == (self.step, self.phase)]
        return any(row.ended_at or not self.ended for row in mine)

    def stops(self, rows: list[JournalRow]) -> bool:
        """Whether the moment has come at which a person stops the run."""
        return any(row.step == self.stopped_in and row.phase == "do" for row in rows)


@dataclass(frozen=True)
class World:
    """The composed bot of this process, which is the next owner, and its opsbot.yml for the one that is killed."""

    bot: Bot
    config: Path
    stack: str

    def ask(self, *argv: str) -> str:
        """Somebody types it; the run's id."""
        before = {run.id for run in self.bot.store.runs.list(5)}
        reply = self.bot.front.handle(Request(ALICE, "terminal", argv=argv))
        assert reply.ok, reply.text
        (run,) = {run.id for run in self.bot.store.runs.list(5)} - before
        return run

    def do(self, *argv: str) -> str:
        """Somebody types it, and it is done; the run's id."""
        run = self.ask(*argv)
        assert drive(self.bot, run) == "succeeded", self.row(run).outcome
        return run

    def stop(self, run: str) -> None:
        """Somebody asks to stop it."""
        self.bot.engine.cancel(run, asdict(BOB), "terminal")

    def kill_at(self, point: Point, run: str) -> None:
        """Another process drives the run and is killed at the point."""
        argv = [sys.executable, str(Path(__file__).with_name("driver.py")), str(self.config), run]
        process = subprocess.Popen(argv, env={"PYTHONPATH": str(CHECKOUT)}, cwd=CHECKOUT)
        try:
            ends, stopped = time.monotonic() + PATIENCE, False
            while process.poll() is None and not point.reached(rows := self.bot.store.journal.rows(run)):
                assert time.monotonic() < ends, f"{point} was never reached"
                if not stopped and point.stops(rows):
                    self.stop(run)
                    stopped = True
                time.sleep(0.002)
            time.sleep(point.after)
        finally:
            process.kill()
            process.wait(10)

    def row(self, run: str) -> RunRow:
        found = self.bot.store.runs.get(run)
        assert found is not None
        return found

    def live(self) -> ReleaseRow:
        """What the record says is live; the edge, the flag and the engine must say the same."""
        target = self.bot.targets.get("test")
        row = self.bot.store.releases.live("test", "web")
        assert row is not None
        assert target.difference("web") is None
        assert target.rollout("web").serving(row)
        assert target.rollout("web").warm(row)
        return row

    def nothing_is_left(self, run: str) -> None:
        """No container, no work, no lock, no lease, no half-made colour of the run."""
        swarm, store, now = self.bot.targets.get("test").swarm, self.bot.store, self.bot.clock.now()
        assert swarm.end_one_offs(run) == []
        mine = swarm.labelled({rules.STACK: self.stack, rules.RUN: run})
        assert [found["Spec"]["Name"] for found in mine if jobs.VERB in found["Spec"]["Labels"]] == []
        assert store.locks.list(now) == []
        free = lambda: store.leases.holder(f"run:{run}", self.bot.clock.now()) is None  # noqa: E731 - asked again and again
        assert wait_until(free, LEASE), "the lease of whoever was killed at the very end did not expire"
        known = {
            (str(row.number), row.image) for row in store.releases.list("test", "web", 200) if row.state != "abandoned"
        }
        colours = swarm.labelled({rules.STACK: self.stack, rules.SERVICE: "web"})
        assert {(rules.labels_of(one["Spec"])[rules.RELEASE], rules.image_of(one["Spec"])) for one in colours} <= known

    def done_once(self, run: str) -> None:
        """No step took effect twice, and the run's end was told once."""
        done = [row.step for row in self.bot.store.journal.rows(run) if row.phase == "do" and row.outcome == "done"]
        assert len(done) == len(set(done))
        kinds = [event.kind for event in self.bot.store.events.after(run, 0)]
        assert kinds.count("finished") == 1

    @contextmanager
    def nobody_notices(self) -> Iterator[None]:
        """People read and post meanwhile, and everything answers."""
        with Clients(self.bot.targets.get("test").edge_url(), 3) as people:
            yield
            time.sleep(0.2)
        assert set(people.answers) == {"200"}, dict(people.answers)

    # the database and the bucket

    def sql(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        target = self.bot.reach.database("test", "main")
        with session(target.server, target.name, statement_timeout=0) as one:
            rows: list[tuple[object, ...]] = one.rows(statement, values or None)
            return rows

    def databases(self) -> list[str]:
        """Names of the live database and of those that restores made or kept."""
        target = self.bot.reach.database("test", "main")
        with session(target.server, MAINTENANCE) as one:
            found = one.rows("SELECT datname FROM pg_database WHERE datname LIKE 'minitwit%' ORDER BY 1")
        return [str(name) for (name,) in found]

    def drop(self, name: str) -> None:
        """Forget a database that a restore kept."""
        databases.drop(self.bot.reach.database("test", "main").server, name)

    def stored(self) -> tuple[set[str], set[str]]:
        """Backups with a manifest, and dumps: the same, or something half-made lies there."""
        bucket = self.bot.reach.bucket()
        keys = list(bucket.keys(""))
        assert bucket.unfinished("") == []
        manifests = {key.rpartition("/")[2].removesuffix(".json") for key in keys if "/manifests/" in key}
        return manifests, {key.split("/")[-2] for key in keys if key.endswith("data.zst")}
