"""The same with everything real: the stack's own database, its own image's pg_dump and pg_restore in one-off containers, the demo's S3."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from opsbot.backups import archive, restore, verify
from opsbot.backups.archive import Order
from opsbot.backups.s3 import S3, Account
from opsbot.backups.target import DatabaseTarget
from opsbot.backups.watch import Nobody
from opsbot.bot.reach import Reach
from opsbot.clock import SystemClock
from opsbot.config.settings import Config
from opsbot.demo import engine, images, registry, s3, stack
from opsbot.demo.docker import Engine
from opsbot.demo.state import State
from opsbot.errors import Cancelled, StepFailed
from opsbot.log import Secret
from opsbot.postgres import databases
from opsbot.postgres.connect import MAINTENANCE, session
from opsbot.postgres.marks import Mark
from opsbot.postgres.swap import Swap, swap
from opsbot.runtime.target import Targets
from opsbot.store import open_store

pytestmark = pytest.mark.engine

STACK = BUCKET = "etest"
MEGABYTES = 64


@dataclass(frozen=True)
class Place:
    """The engine, and a database of the stack as the bot composes it."""

    engine: Engine
    target: DatabaseTarget
    bucket: S3

    def one_offs(self) -> list[str]:
        return self.engine.lines("ps", "--all", "--quiet", "--filter", "label=opsbot.run=etest-run")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    state = State.default()
    host = engine.ensure(state, print)
    made = images.ensure(state, host, registry.ensure(state, host, print), print)
    storage = s3.ensure(state, print)
    s3.ensure_bucket(state, BUCKET)
    stack.remove(host, STACK)
    stack.ensure(state, host, made, STACK, 0, print)
    config = settings(host, state)
    targets = Targets(config, open_store(f"sqlite:///{tmp_path_factory.mktemp('store') / 'opsbot.db'}"))
    try:
        target = Reach(config, targets).database("test", "main")
        bucket = S3(Account(BUCKET, Secret(storage.key), Secret(storage.secret), storage.endpoint))
        yield Place(host, target, bucket)
    finally:
        targets.close()
        stack.remove(host, STACK)
        s3.delete_bucket(state, BUCKET)


def settings(host: Engine, state: State) -> Config:
    database: dict[str, Any] = {"name": "minitwit", "password": state.secret("postgres_password")}
    return Config.model_validate(
        {
            "environments": {"test": {"engine": host.url, "stack": STACK}},
            "databases": {"main": database},
        }
    )


@pytest.fixture
def filled(place: Place) -> Place:
    """Some megabytes that do not compress well, owned by the application's role."""
    with session(place.target.server, place.target.name, statement_timeout=0) as one:
        one.rows("SET ROLE minitwit")
        one.rows("DROP TABLE IF EXISTS public.noise, public.users; CREATE TABLE public.noise (id int, body text)")
        one.rows("ALTER TABLE public.noise ALTER body SET STORAGE EXTERNAL")
        one.rows(
            "INSERT INTO public.noise SELECT n, (SELECT string_agg(md5(random()::text || n || m), '')"
            " FROM generate_series(1, 320) m) FROM generate_series(1, %s) n",
            [MEGABYTES * 100],
        )
        one.rows("CREATE TABLE public.users (id serial PRIMARY KEY, name text UNIQUE)")
        one.rows("INSERT INTO public.users (name) SELECT 'user ' || n FROM generate_series(1, 120) n")
    return place


def take(place: Place, backup: str, follower: archive.Follower | None = None) -> archive.Manifest:
    order = Order(backup, "asked", "etest-run")
    return archive.take(place.target, place.bucket, order, follower or Nobody(), SystemClock())


def test_a_table_dropped_by_accident_comes_back_through_containers(filled: Place, tmp_path: Path) -> None:
    target = filled.target
    taken = take(filled, "20260101-000000-aaaa")
    assert taken.rows["public.users"] == 120
    assert verify.check(target, filled.bucket, taken, Nobody()) == taken.data.bytes
    with session(target.server, target.name) as one:
        one.rows("DROP TABLE public.users")
    scratch = f"{target.name}_new_etest"
    assert restore.load(target, filled.bucket, taken, scratch, "etest-run", Nobody()) == 120 + MEGABYTES * 100
    assert restore.verdict(target, taken, scratch, Nobody()) == []
    old = f"{target.name}_old_etest"
    mark = Mark(kind="restored", run="etest-run", of=target.name)
    assert swap(target.server, Swap("etest-run", target.name, scratch, old, mark, None)) < 1
    with session(target.server, target.name) as one:
        assert one.value("SELECT count(*) FROM public.users") == 120
        assert one.value("SELECT tableowner FROM pg_tables WHERE tablename = 'users'") == "minitwit"
    databases.drop(target.server, old)
    assert filled.one_offs() == []


class Impatient:
    """A person who cancels once some of it is done."""

    def __init__(self, after: float = 8e6) -> None:
        self._after, self._done, self.asked_at = after, 0.0, 0.0

    def progress(self, done: float, total: float, text: str = "") -> None:
        self._done = done

    def check(self) -> None:
        if self._done >= self._after:
            self.asked_at = self.asked_at or time.monotonic()
            raise Cancelled("Somebody cancelled.")


def test_a_cancel_kills_the_container_in_the_middle(filled: Place) -> None:
    person = Impatient()
    with pytest.raises(Cancelled):
        take(filled, "20260102-000000-bbbb", person)
    assert time.monotonic() - person.asked_at < 10
    assert filled.one_offs() == []
    assert not [key for key in filled.bucket.keys("") if "bbbb" in key]
    taken = take(filled, "20260102-000000-cccc")
    scratch = f"{filled.target.name}_new_cancel"
    with pytest.raises(Cancelled):
        restore.load(filled.target, filled.bucket, taken, scratch, "etest-run", Impatient())
    assert filled.one_offs() == []
    with session(filled.target.server, MAINTENANCE) as one:
        assert not databases.exists(one, scratch)


class Saboteur:
    """Ends pg_dump's own connection once some of it is done."""

    def __init__(self, target: DatabaseTarget) -> None:
        self._target, self._once = target, threading.Event()

    def progress(self, done: float, total: float, text: str = "") -> None:
        if done > 1e5 and not self._once.is_set():
            self._once.set()
            with session(self._target.server, MAINTENANCE) as one:
                one.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'COPY %'")

    def check(self) -> None:
        return None


def test_a_dump_whose_connection_is_lost_says_so_and_leaves_nothing(filled: Place) -> None:
    # pg_dump tells of the same loss in two ways: by the server's last word, or by the closed connection.
    lost = "terminating connection|server closed the connection"
    with pytest.raises(StepFailed, match=lost) as caught:
        take(filled, "20260103-000000-dddd", Saboteur(filled.target))
    assert caught.value.code == "dump_failed"
    assert not [key for key in filled.bucket.keys("") if "dddd" in key]
    assert filled.one_offs() == []
