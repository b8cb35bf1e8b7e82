"""A whole front on a real store and a real engine; only the world outside (Docker, registry, Postgres, S3) is pretended."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from known_steps import CLASSES, bare
from sqlalchemy import event

from opsbot.backups.manifest import Manifest, Source, Stored
from opsbot.cli.text import Paint, render
from opsbot.commands.catalog import RESERVED
from opsbot.commands.front import Front
from opsbot.commands.reply import Reply
from opsbot.commands.request import Actor, Request
from opsbot.commands.services import Services
from opsbot.config import settings
from opsbot.config.settings import Config
from opsbot.errors import OpsError
from opsbot.health.result import Result
from opsbot.playbooks import expressions, planner
from opsbot.playbooks.load import load_all
from opsbot.playbooks.playbook import Playbook
from opsbot.playbooks.pretend import JumpingClock
from opsbot.playbooks.rehearsal import rehearse
from opsbot.postgres.describe import Properties, Shape
from opsbot.runs.engine import Engine
from opsbot.runs.lease import Pace
from opsbot.runs.step import Context, Fact, Facts, Outputs, Park, Step
from opsbot.runtime.lines import Written
from opsbot.store import Store, open_store
from opsbot.telemetry.measures import Measure
from opsbot.telemetry.prometheus import Series, Span

ROOT = Path(__file__).parents[1]
CONFIG = """\
team:
  roles: {admin: [U01ALICE], approver: [U02BOB], operator: [U03CAROL, "@oncall"]}
terminal_users: {root: U01ALICE}
environments:
  staging: {stack: s, channel: "#staging"}
  production: {stack: p, protected: true}
services:
  web: {image: registry/web}
  api: {image: registry/api}
databases:
  main: {name: minitwit, password: unused}
probes:
  front: {http: {environment: staging}}
"""
ALICE = Actor("person", "U01ALICE", "alice")
BOB = Actor("person", "U02BOB", "bob")
CAROL = Actor("person", "U03CAROL", "carol")
EVE = Actor("person", "U09EVE", "eve")
GUEST = Actor("person", "U01ALICE", "alice", guest=True)
SCHEDULE = Actor("schedule", "schedule:nightly", "schedule nightly")


class Pretend:
    """A step with the real one's arguments and outputs that only remembers what it was asked."""

    def __init__(self, name: str, asked: list[tuple[str, str, Any]], world: World) -> None:
        self._name, self._asked, self._world = name, asked, world
        self.With, self.outputs, self.mutates = (getattr(CLASSES[name], key) for key in ("With", "outputs", "mutates"))

    def facts(self, ctx: Context, args: Any) -> Facts:
        if self._name in self._world.red:
            raise self._world.red[self._name]
        known = dict.fromkeys(self.outputs, "x") | self._world.outputs.get(self._name, {})
        return Facts((Fact(self._name, "green", f"{self._name} is ready."),), None if self.mutates else known)

    def run(self, ctx: Context, args: Any) -> Outputs | Park:
        self._asked.append(("do", self._name, args))
        if self._name in self._world.failing:
            raise self._world.failing[self._name]
        return {name: self._world.outputs.get(self._name, {}).get(name, 1) for name in self.outputs}

    def undo(self, ctx: Context, args: Any, outputs: Outputs | None) -> None:
        self._asked.append(("undo", self._name, args))

    def recheck(self, ctx: Context, args: Any) -> tuple[Any, Outputs | None]:
        return "not_done", None


@cache
def shipped() -> Mapping[str, Playbook]:
    """The project's own playbooks. They never change, so they are read once."""
    return load_all(ROOT / "playbooks", bare(), RESERVED)


@dataclass
class World:
    """What the pretended parts answer; tests change it."""

    tmp: Path
    config_text: str = CONFIG
    red: dict[str, OpsError] = field(default_factory=dict)
    failing: dict[str, OpsError] = field(default_factory=dict)
    parts: dict[str, Callable[[], str]] = field(default_factory=lambda: {"engine": lambda: "answers"})
    manifests: list[Manifest] = field(default_factory=list)
    results: dict[str, Result] = field(default_factory=dict)
    tags: Callable[[str, str], list[str]] = lambda _environment, _service: ["v1", "v2"]
    submitted: list[str] = field(default_factory=list)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    groups: Mapping[str, set[str]] = field(default_factory=dict)
    frozen: dict[str | None, str] = field(default_factory=dict)
    answers_otherwise: dict[str, str] = field(default_factory=dict)
    written: Written = field(default_factory=lambda: Written(()))
    measured: Callable[[str, Measure, Span], Sequence[Series]] = lambda _environment, _measure, _span: ()

    def __post_init__(self) -> None:
        path = self.tmp / "opsbot.yml"
        path.write_text(self.config_text)
        self.outputs = {
            "image.resolve": {"image": "registry/web@sha256:1", "tag": "v2", "revision": "abc", "migrations": ""},
            "release.choose": {"release": 1, "tag": "v1"},
            "release.running": {
                "release": 1,
                "image": "registry/web@sha256:1",
                "tag": "v1",
                "revision": "abc",
                "migrations": "",
            },
            "rollout.prepare": {"release": 2, "colour": "blue", "address": "10.0.0.1"},
            "rollout.migrate": {"from": "0001", "to": "0002", "stays": ""},
            "rollout.switch": {"from_release": 1, "seconds": 0.1},
            "backup.choose": {"backup": "b1"},
            "backup.take": {"backup": "b2"},
            "restore.load": {"scratch": "s1"},
        }
        self.clock = JumpingClock()
        self.config: Config = settings.load(path)
        self.store = open_store(f"sqlite:///{self.tmp / 'state.db'}")
        self.steps: dict[str, Step] = {name: Pretend(name, self.asked, self) for name in CLASSES}  # type: ignore[misc]  # its arguments are per object
        self.playbooks = shipped()
        self.engine = Engine(
            self.store,
            self.clock,
            self.steps,
            expressions.resolve,
            "test",
            pace=Pace(heartbeat=0.2, expiry=10.0, follow=0.01),
            frozen=lambda environment, _now: self.frozen.get(environment),
        )
        self.front = Front(self.services())

    def services(self) -> Services:
        return Services(
            config=self.config,
            store=self.store,
            clock=self.clock,
            engine=self.engine,
            playbooks=self.playbooks,
            plan=lambda playbook, params, actor: planner.plan(
                playbook, params, actor, self.config.environments, self.steps
            ),
            parts=self.parts,
            replicas=lambda _environment, _service: (2, 2),
            probes=lambda: self.results,
            backups=lambda _environment, _database: self.manifests,
            backups_until=self._backups_until,
            tags=self._tags,
            submitted=self.submitted.append,
            groups=lambda user: self.groups.get(user, set()),
            rehearse=lambda playbook: rehearse(ROOT / "playbooks", playbook, self.steps),
            agrees=lambda environment, _service: self.answers_otherwise.get(environment),
            frozen=lambda environment, _now: self.frozen.get(environment),
            logs=lambda _environment, _part, _since: self.written,
            measured=self._measured,
            called=lambda member: {"U01ALICE": "alice", "U02BOB": "bob", "U03CAROL": "carol"}.get(member, member),
        )

    def _backups_until(self, _environment: str, _database: str, until: datetime) -> list[Manifest]:
        """The four newest, as a long list that is cut."""
        begun = [one for one in self.manifests if one.taken_at <= until]
        return sorted(begun, key=lambda one: one.taken_at, reverse=True)[:4]

    def _measured(self, environment: str, measure: Measure, span: Span) -> Sequence[Series]:
        return self.measured(environment, measure, span)

    def _tags(self, environment: str, service: str) -> list[str]:
        return self.tags(environment, service)

    def say(self, text: str, actor: Actor = ALICE) -> Reply:
        """Somebody types in the channel."""
        return self.front.handle(Request(actor, "slack", text=text, channel="C1"))

    def type(self, *argv: str, actor: Actor = ALICE) -> Reply:
        """Somebody types in a terminal."""
        return self.front.handle(Request(actor, "terminal", argv=argv))

    def drive(self, run: str) -> str:
        """What `serve` does with a submitted run."""
        return self.engine.drive(run)

    def release(self, tag: str, environment: str = "staging", state: str = "live", author: str = "alice") -> None:
        """A recorded release."""
        now = self.clock.now()
        row = self.store.releases.add(
            environment,
            "web",
            f"registry/web@sha256:{tag}",
            f"sha256:{tag}",
            tag,
            "abc",
            {},
            {},
            {},
            None,
            "r0",
            author,
            now,
        )
        self.store.releases.mark(environment, "web", row.number, "live", None, now)
        if state != "live":
            self.store.releases.mark(environment, "web", row.number, state, None, now)  # type: ignore[arg-type]  # as tests name it


@contextmanager
def read_only(store: Store) -> Iterator[None]:
    """While the store can be read and not written."""

    def set_to(value: int) -> None:
        def on(connection: sqlite3.Connection, *_: object) -> None:
            connection.execute(f"PRAGMA query_only = {value}")

        event.listen(store._database._engine, "checkout", on)

    set_to(1)
    yield
    set_to(0)


def backed_up(at: datetime, reason: str = "schedule") -> Manifest:
    """A backup of main in production that was taken then."""
    return Manifest(
        id=f"{at:%Y%m%d-%H%M%S}-{'safe' if reason == 'pre-restore' else 'abcd'}",
        source=Source(environment="production", database="main", cluster="77", oid=5, name="minitwit"),
        taken_at=at,
        reason=reason,
        run="r0",
        lsn="0/1",
        snapshot="1-1",
        server_version="15.14",
        dump_version="15.14",
        properties=Properties(owner="minitwit", encoding="UTF8", collate="C", ctype="C"),
        shape=Shape(),
        data=Stored(key="k", bytes=1_400_000, sha256="a", plain_bytes=2, plain_sha256="b"),
        rows={"public.message": 12_345},
        seconds=0.5,
    )


def shown(reply: Reply) -> str:
    """The reply as plain text, as the terminal shows it."""
    return render(reply, Paint())
