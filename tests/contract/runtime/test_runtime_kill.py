"""The process that drives a run is killed, at any moment, on the real parts; the next owner finishes: old or new, never between."""

from __future__ import annotations

import hashlib
import random
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import settings_of
from driver import composed, drive
from killing import Point, World

from opsbot.demo import s3, stack
from opsbot.demo.state import CHECKOUT, State
from opsbot.runs.run import FINAL

pytestmark = pytest.mark.engine

STACK = BUCKET = "ktest"
ROWS = 4_000  # of 4 kB: a dump and a load that take long enough to be killed in the middle
STEPS = {
    "deploy": ("image", "way_back", "prepare", "migrate", "smoke", "switch", "bake"),
    "rollback": ("release", "ready", "switch", "block"),
    "backup": ("take", "check"),
    "restore": ("backup", "safety", "load", "check", "swap"),
}
TAKES = {"prepare": 6.0, "migrate": 2.5, "smoke": 3.0, "switch": 0.1, "bake": 1.5, "ready": 0.03, "block": 0.01}
TAKES |= {"take": 1.0, "check": 0.3, "safety": 1.0, "load": 1.5, "swap": 0.2}  # seconds, about
SEEDS = 12


def seeded(seed: int) -> tuple[Point, bool]:
    """A moment inside one step that does something, and whether a person stops the run then; playbooks take turns."""
    chance = random.Random(seed)
    playbook = list(STEPS)[seed % len(STEPS)]
    step, ended = chance.choice([step for step in STEPS[playbook] if step in TAKES]), chance.random() < 0.2
    after = chance.uniform(0, 0.05 if ended else TAKES[step])
    return Point(playbook, step, ended, round(after, 3)), chance.random() < 0.4


MATRIX = [
    Point(playbook, step, ended) for playbook, steps in STEPS.items() for step in steps for ended in (False, True)
]
POINTS = [pytest.param(*seeded(seed), id=f"seed-{seed}") for seed in range(1, SEEDS + 1)] + [
    pytest.param(
        point, stopped, id=f"{point.playbook}-{point.step}-{when}{'-stopped' * stopped}", marks=pytest.mark.long
    )
    for point in MATRIX
    for when in ["after" if point.ended else "before"]
    for stopped in (False, True)
]


UNDONE = [
    pytest.param(
        Point(playbook, step, ended, phase="undo", stopped_in=stopped_in),
        False,
        id=f"{playbook}-stopped-in-{stopped_in}-undo-{step}-{'after' if ended else 'before'}",
        marks=pytest.mark.long,
    )
    for playbook, stopped_in, steps in (
        ("deploy", "smoke", ("prepare",)),
        ("deploy", "bake", ("switch", "prepare")),
        ("restore", "check", ("load",)),
    )
    for step in steps
    for ended in (False, True)
]


@pytest.fixture(scope="session")
def code() -> str:
    """Identity of what is tested: the bot's files as they are now."""
    found = (each for folder in ("opsbot", "playbooks") for each in (CHECKOUT / folder).rglob("*"))
    files = sorted(each for each in found if each.suffix in (".py", ".yml"))
    return hashlib.sha256(b"".join(each.read_bytes() for each in files)).hexdigest()[:12]


class Ledger:
    """The points that passed with the same code: the matrix takes half an hour, and may be broken off and gone on with."""

    def __init__(self, code: str) -> None:
        self._file = CHECKOUT / "build" / f"killed-{code}.txt"

    def has(self, point: Point, cancelled: bool) -> bool:
        return self._file.exists() and f"{point} {cancelled}" in self._file.read_text().splitlines()

    def write(self, point: Point, cancelled: bool) -> None:
        self._file.parent.mkdir(exist_ok=True)
        with self._file.open("a") as file:
            file.write(f"{point} {cancelled}\n")


@pytest.fixture
def ledger(request: pytest.FixtureRequest, code: str) -> Ledger:
    """Skips what is part of the long matrix and passed before."""
    found, values = Ledger(code), request.node.callspec.params
    if request.node.get_closest_marker("long") and found.has(values["point"], values["cancelled"]):
        pytest.skip("passed before with the same code; empty build/ to do it again")
    return found


@pytest.fixture(scope="module")
def world(parts: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """v2 live, v1 warm, some megabytes in the database, one backup of them."""
    state, folder = State.default(), tmp_path_factory.mktemp("kill")
    s3.ensure(state, print)
    s3.delete_bucket(state, BUCKET)
    s3.ensure_bucket(state, BUCKET)
    stack.remove(parts.engine, STACK)
    stack.ensure(state, parts.engine, parts.images, STACK, 0, print)
    config = folder / "opsbot.yml"
    config.write_text(yaml.safe_dump(_settings(parts, state, folder)))
    bot = composed(config)
    world = World(bot, config, STACK)
    try:
        world.do("deploy", "v1", "--env", "test")
        world.do("deploy", "v2", "--env", "test")
        world.sql("CREATE TABLE public.noise (id int, body text)")
        world.sql("ALTER TABLE public.noise ALTER body SET STORAGE EXTERNAL")
        world.sql(
            "INSERT INTO public.noise SELECT n, (SELECT string_agg(md5(random()::text || n || m), '')"
            " FROM generate_series(1, 128) m) FROM generate_series(1, %s) n",
            ROWS,
        )
        world.do("backup", "main", "--env", "test")
        yield world
    finally:
        bot.close()
        stack.remove(parts.engine, STACK)
        s3.delete_bucket(state, BUCKET)


def _settings(parts: Any, state: State, folder: Path) -> dict[str, Any]:
    storage = s3.ensure(state, print)
    return {
        **settings_of(parts, STACK, bake="1s"),
        "team": {"roles": {"admin": ["U01ALICE"]}},
        "store": f"sqlite:///{folder / 'opsbot.db'}",
        "playbooks": str(CHECKOUT / "playbooks"),
        "databases": {"main": {"name": "minitwit", "password": state.secret("postgres_password")}},
        "storage": {"endpoint": storage.endpoint, "bucket": BUCKET, "key": storage.key, "secret": storage.secret},
    }


@pytest.mark.parametrize(("point", "cancelled"), POINTS)
def test_whoever_comes_after_a_killed_owner_ends_what_it_began(
    ledger: Ledger, world: World, point: Point, cancelled: bool
) -> None:
    """Nobody who reads or posts meanwhile notices any of it, and a person may stop the run right after the kill."""
    judge = {"deploy": _deploy, "rollback": _rollback, "backup": _backup, "restore": _restore}[point.playbook]
    judge(world, point, cancelled)
    ledger.write(point, cancelled)


@pytest.mark.parametrize(("point", "cancelled"), UNDONE)
def test_whoever_comes_after_an_owner_that_was_killed_while_it_undid_goes_on_undoing(
    ledger: Ledger, world: World, point: Point, cancelled: bool
) -> None:
    old, databases = world.live(), world.databases()
    words = ("deploy", "v1" if old.tag == "v2" else "v2") if point.playbook == "deploy" else ("restore", "latest")
    with world.nobody_notices():
        run = world.ask(*words, "--env", "test")
        world.kill_at(point, run)
        assert drive(world.bot, run) == "cancelled", world.row(run).outcome
    world.nothing_is_left(run)
    world.done_once(run)
    assert (world.live().number, world.databases()) == (old.number, databases)
    ledger.write(point, cancelled)


def _finish(world: World, point: Point, cancelled: bool, run: str) -> str:
    """Kill its owner, let somebody ask to stop it if so wanted, and let another owner finish."""
    world.kill_at(point, run)
    if cancelled and world.row(run).status not in FINAL:
        world.stop(run)
    status = drive(world.bot, run)
    assert status in (("succeeded", "cancelled") if cancelled else ("succeeded",)), world.row(run).outcome
    world.nothing_is_left(run)
    world.done_once(run)
    return status


def _deploy(world: World, point: Point, cancelled: bool) -> None:
    old = world.live()
    tag = "v1" if old.tag == "v2" else "v2"
    with world.nobody_notices():
        run = world.ask("deploy", tag, "--env", "test")
        status = _finish(world, point, cancelled, run)
    new = world.live()
    assert (new.tag, new.run) == (tag, run) if status == "succeeded" else new.number == old.number
    assert len([row for row in world.bot.store.releases.list("test", "web", 200) if row.run == run]) <= 1


def _rollback(world: World, point: Point, cancelled: bool) -> None:
    left = world.live()
    with world.nobody_notices():
        run = world.ask("rollback", "test")
        status = _finish(world, point, cancelled, run)
    now = world.live()
    again = world.bot.targets.get("test").row("web", left.number)
    if status == "succeeded":
        assert (now.number, again.state) == (again_of(world, run), "bad")
        world.bot.targets.get("test").mark(again, "retired")
        world.do("deploy", left.tag, "--env", "test")
    else:
        assert (now.number, again.state) == (left.number, "live")


def again_of(world: World, run: str) -> int:
    """The release that the plan said it goes back to."""
    facts = world.row(run).plan["facts"]
    return int(next(fact["bind"][0] for _, fact in facts if fact["key"] == "release"))


def _backup(world: World, point: Point, cancelled: bool) -> None:
    before = world.stored()[0]
    run = world.ask("backup", "main", "--env", "test")
    status = _finish(world, point, cancelled, run)
    manifests, dumps = world.stored()
    assert manifests == dumps
    assert len(manifests - before) == 1 or (status == "cancelled" and manifests - before == set())


def _restore(world: World, point: Point, cancelled: bool) -> None:
    word = uuid.uuid4().hex
    world.sql("INSERT INTO public.noise VALUES (0, %s)", word)
    rows = world.sql("SELECT count(*) FROM public.noise")
    run = world.ask("restore", "latest", "--env", "test")
    status = _finish(world, point, cancelled, run)
    manifests, dumps = world.stored()
    assert manifests == dumps
    found = world.sql("SELECT count(*) FROM public.noise WHERE body = %s", word)
    old = [name for name in world.databases() if name != "minitwit"]
    if status == "succeeded":
        assert found == [(0,)]
        assert [name.partition("_old_")[2] for name in old] == [run], "what it replaced is kept, and nothing else"
    else:
        assert (found, old) == ([(1,)], [])
        assert world.sql("SELECT count(*) FROM public.noise") == rows
        world.sql("DELETE FROM public.noise WHERE body = %s", word)
    for name in old:
        world.drop(name)
