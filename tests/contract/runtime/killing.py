"""A stack with a bot beside it, a person who asks, a process that is killed, and what must be true afterwards."""

from __future__ import annotations

import multiprocessing
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import told
import yaml
from clients import Clients
from driver import Chat, drive, owner, telling

from opsbot.bot.compose import Bot
from opsbot.commands.request import Actor, Request
from opsbot.demo.argv import wait_until
from opsbot.postgres import databases
from opsbot.postgres.connect import MAINTENANCE, session
from opsbot.runs.run import DRIVEN
from opsbot.runtime import jobs
from opsbot.runtime import release as rules
from opsbot.store.rows import JournalRow, ReleaseRow, RunRow
from opsbot.workspace import Workspace

ALICE, BOB = Actor("person", "U01ALICE", "alice"), Actor("person", "U02BOB", "bob")
LEASE = 31.0  # seconds: whoever is killed between the end of a run and letting it go leaves its lease to expire
PATIENCE = 120.0  # seconds that the process to be killed may need to come to its point
HOME = "C01OPS"
FORKS = multiprocessing.get_context("forkserver")  # each process is new, but what it imports is there already
FORKS.set_forkserver_preload(["opsbot.bot.compose", "opsbot.chat.thread", "opsbot.chat.outbox", "opsbot.chat.mailer"])


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
class Killed:
    """What a killed owner left of a run: whether it was at work, its row without a result, and its message's ts."""

    at_work: bool
    half: JournalRow | None
    ts: str


@dataclass(frozen=True)
class World:
    """The composed bot of this process, which is the next owner, and its opsbot.yml for the one that is killed."""

    bot: Bot
    config: Path
    stack: str
    workspace: Workspace

    @property
    def chat(self) -> Chat:
        """Where both tell of runs."""
        return Chat(self.workspace.api_url, self.workspace.bot_token, HOME)

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
        assert drive(self.bot, run) == "succeeded", self.why(run)
        return run

    def why(self, run: str) -> list[object]:
        """How a run ended, and what its steps said."""
        rows = self.bot.store.journal.rows(run)
        return [self.row(run).outcome, *((row.step, row.phase, row.outcome, row.error) for row in rows)]

    def want_other_part(self) -> str:
        """The stack file wants a service `part` with another word in its environment; the word."""
        word, file = uuid.uuid4().hex, self.config.parent / "app" / "stack.yml"
        wanted = yaml.safe_load(file.read_text(encoding="utf-8"))
        wanted["services"]["part"] = {
            "image": "${EDGE_IMAGE}", "entrypoint": ["sleep", "infinity"], "networks": ["net"],
            "environment": {"WORD": word}, "stop_grace_period": "1s", "healthcheck": {"test": ["NONE"]},
            "deploy": {"endpoint_mode": "dnsrr"},
        }  # fmt: skip
        file.write_text(yaml.safe_dump(wanted), encoding="utf-8")
        return word

    def stop(self, run: str) -> None:
        """Somebody asks to stop it."""
        self.bot.engine.cancel(run, asdict(BOB), "terminal")

    def kill_at(self, point: Point, run: str) -> Killed:
        """Another process drives the run and is killed at the point."""
        process = FORKS.Process(target=owner, args=(self.config, run, self.chat))
        process.start()
        try:
            ends, stopped = time.monotonic() + PATIENCE, False
            while process.is_alive() and not point.reached(rows := self.bot.store.journal.rows(run)):
                assert time.monotonic() < ends, f"{point} was never reached"
                if not stopped and point.stops(rows):
                    self.stop(run)
                    stopped = True
                time.sleep(0.005)
            time.sleep(point.after)
        finally:
            process.kill()
            process.join(10)
        half = next((row for row in self.bot.store.journal.rows(run) if row.ended_at is None), None)
        (message,) = self.told(run)
        return Killed(self.row(run).status in DRIVEN, half, str(message["ts"]))

    def finish(self, run: str) -> str:
        """The next owner, that of this process, ends it and tells so; its status."""
        says = telling(self.bot, self.chat)
        says.now()
        status = drive(self.bot, run)
        says.now()
        return status

    def told(self, run: str) -> list[told.Message]:
        """What stands in the channel about a run, threads not counted."""
        return [message for message in self.workspace.messages(HOME) if run in told.spoken(message)]

    def tells_the_truth(self, run: str, killed: Killed, says: str) -> None:
        """One message, the one that the killed owner had posted: how it ended (`says` only if it went well), and who took over."""
        row, rows = self.row(run), self.bot.store.journal.rows(run)
        said = [event for event in self.bot.store.events.after(run, 0) if event.kind in ("say", "step_failed")]
        below = self.workspace.messages(HOME, thread_ts=killed.ts)
        thread = [message for message in below if message["ts"] != killed.ts]
        message = told.one_message(self.workspace.messages(HOME), thread, run, details=bool(said))
        assert message["ts"] == killed.ts
        told.true_to_its_end(message, row, rows)
        assert (says in message["text"]) is (row.status == "succeeded"), message["text"]
        if killed.at_work:
            told.taken_over(message, row, rows, killed.half, self.bot.owner)
        else:
            told.not_taken_over(message)

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

    def part(self) -> str | None:
        """The word in the environment of the stack's service `part`, if that runs."""
        found = self.bot.targets.stack("test").running().get("part")
        env = found["Spec"]["TaskTemplate"]["ContainerSpec"]["Env"] if found else []
        return next((line.partition("=")[2] for line in env if line.startswith("WORD=")), None)

    def picture(self) -> tuple[object, ...]:
        """What runs and what is kept; what the record says is live is what answers."""
        note = self.bot.store.releases.live("test", "note")
        assert self.bot.targets.get("test").difference("note") is None
        number = note.number if note else None
        return self.live().number, number, self.part(), self.databases(), self.stored()

    def nothing_is_left(self, run: str) -> None:
        """No container, no work, no lock, no lease, no half-made colour of the run."""
        swarm, store, now = self.bot.targets.get("test").swarm, self.bot.store, self.bot.clock.now()
        assert swarm.end_one_offs(run) == []
        mine = swarm.labelled({rules.STACK: self.stack, rules.RUN: run})
        assert [found["Spec"]["Name"] for found in mine if jobs.VERB in found["Spec"]["Labels"]] == []
        assert store.locks.list(now) == []
        free = lambda: store.leases.holder(f"run:{run}", self.bot.clock.now()) is None  # noqa: E731 - asked again and again
        assert wait_until(free, LEASE), "the lease of whoever was killed at the very end did not expire"
        for service in ("web", "note"):
            rows = store.releases.list("test", service, 200)
            known = {(str(row.number), row.image) for row in rows if row.state != "abandoned"}
            specs = [one["Spec"] for one in swarm.labelled({rules.STACK: self.stack, rules.SERVICE: service})]
            assert {(rules.labels_of(spec)[rules.RELEASE], rules.image_of(spec)) for spec in specs} <= known

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
        """In the live database."""
        return self.sql_on(self.bot.reach.database("test", "main").name, statement, *values)

    def sql_on(self, database: str, statement: str, *values: object) -> list[tuple[object, ...]]:
        """In that one."""
        server = self.bot.reach.database("test", "main").server
        with session(server, database, statement_timeout=0) as one:
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
