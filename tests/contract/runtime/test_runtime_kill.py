"""The process that drives a run is killed, at any moment, on the real parts; the next owner finishes: old or new, never between."""

from __future__ import annotations

import contextlib
import hashlib
import random

import pytest
from judging import JUDGES, asked
from killing import Point, World
from known_steps import bare

from opsbot.commands.catalog import RESERVED
from opsbot.demo.state import CHECKOUT
from opsbot.playbooks.checks import changes
from opsbot.playbooks.load import load_all

pytestmark = pytest.mark.engine

PLAYBOOKS = load_all(CHECKOUT / "playbooks", bare(), RESERVED)
BY_SEED = ("deploy", "rollback", "backup", "restore")
TRIED = (*BY_SEED, "promote", "stack-apply")
LEFT_OUT = {
    "upgrade": "the program that is moved is the bot's own: tests/contract/runtime/test_runtime_own.py, and the crash matrix"
}
STEPS = {name: tuple(step.id for step in PLAYBOOKS[name].steps) for name in TRIED}
TAKES = {"prepare": 6.0, "migrate": 2.5, "smoke": 3.0, "switch": 0.1, "bake": 1.5, "ready": 0.03, "block": 0.01}
TAKES |= {"take": 1.0, "check": 0.3, "safety": 1.0, "load": 1.5, "swap": 0.2}  # seconds, about
SEEDS = 12
FEW = [  # of the others, in every run
    (Point("promote", "switch", ended=False, after=2.0), False),
    (Point("stack-apply", "apply", ended=False, after=0.5), True),
]


def seeded(seed: int) -> tuple[Point, bool]:
    """A moment inside one step that does something, and whether a person stops the run then; playbooks take turns."""
    chance = random.Random(seed)
    playbook = BY_SEED[seed % len(BY_SEED)]
    step, ended = chance.choice([step for step in STEPS[playbook] if step in TAKES]), chance.random() < 0.2
    after = chance.uniform(0, 0.05 if ended else TAKES[step])
    return Point(playbook, step, ended, round(after, 3)), chance.random() < 0.4


MATRIX = [
    Point(playbook, step, ended) for playbook, steps in STEPS.items() for step in steps for ended in (False, True)
]
POINTS = [pytest.param(*seeded(seed), id=f"seed-{seed}") for seed in range(1, SEEDS + 1)]
POINTS += [pytest.param(*point, id=f"{point[0].playbook}-in-{point[0].step}") for point in FEW]
POINTS += [
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
        ("restore", "check", ("load", "safety")),
        ("paused-restore", "pause", ("swap", "load", "safety")),
        ("paused-backup", "pause", ("take",)),
        ("paused-rollback", "pause", ("block", "switch", "ready")),
        ("promote", "bake", ("switch", "prepare")),
        ("stack-apply", "apply", ("apply",)),
    )
    for step in steps
    for ended in (False, True)
]


@pytest.fixture(scope="session")
def code() -> str:
    """Identity of what is tested, and of these tests: the files as they are now."""
    found = (each for folder in ("opsbot", "playbooks", "tests/contract") for each in (CHECKOUT / folder).rglob("*"))
    files = sorted(each for each in found if each.suffix in (".py", ".yml"))
    return hashlib.sha256(b"".join(each.read_bytes() for each in files)).hexdigest()[:12]


def test_every_playbook_that_changes_the_world_is_tried_here() -> None:
    """Or stands in LEFT_OUT with the reason."""
    steps = bare()
    changing = {
        name
        for name, playbook in PLAYBOOKS.items()
        if any(changes(steps[step.kind], step.arguments) for step in playbook.steps)
    }
    assert changing == {*TRIED, *LEFT_OUT}
    assert set(TRIED) == set(JUDGES)


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


@pytest.mark.parametrize(("point", "cancelled"), POINTS)
def test_whoever_comes_after_a_killed_owner_ends_what_it_began(
    ledger: Ledger, world: World, point: Point, cancelled: bool
) -> None:
    """Nobody who reads or posts meanwhile notices any of it, and a person may stop the run right after the kill."""
    JUDGES[point.playbook](world, point, cancelled)
    ledger.write(point, cancelled)


@pytest.mark.parametrize(("point", "cancelled"), UNDONE)
def test_whoever_comes_after_an_owner_that_was_killed_while_it_undid_goes_on_undoing(
    ledger: Ledger, world: World, point: Point, cancelled: bool
) -> None:
    before = world.picture()
    swaps = point.playbook == "paused-restore"  # which cuts every connection to the database, there and back
    with contextlib.nullcontext() if swaps else world.nobody_notices():
        run, says = asked(world, point.playbook)
        killed = world.kill_at(point, run)
        assert world.finish(run) == "cancelled", world.why(run)
    world.tells_the_truth(run, killed, says)
    world.nothing_is_left(run)
    world.done_once(run)
    assert world.picture() == before
    ledger.write(point, cancelled)
