"""What the run engine adds to each step, on both databases it may keep its state in, and how long plans take to make."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

from opsbot.clock import SystemClock
from opsbot.playbooks import planner
from opsbot.postgres import databases, describe
from opsbot.postgres.connect import MAINTENANCE, session
from opsbot.runs import step
from opsbot.runs.engine import Engine
from opsbot.runs.plan import Plan, PlannedStep
from opsbot.runs.step import Context, Facts, Outputs, Recheck
from opsbot.store import open_store
from tests.bench import history
from tests.bench.rows import Row, median, percentile
from tests.bench.world import DATABASE, PLACE, SERVICE, NotMeasured, World, say

AREA = "engine"
STEPS, RUNS = 10, 15
CALLS = 100_000
PLANS = 12
STATE = "opsbot_bench"
OTHER = "production"  # where nothing was deployed yet
COSTS = {0.5: 25.0, 0.95: 60.0}  # milliseconds; a step does something that takes seconds
PLANNED = 2.0  # seconds; Slack gives three until it wants an answer


class Nothing:
    """A step that does nothing, at once."""

    With: ClassVar[type[step.With]] = step.With
    outputs: ClassVar[tuple[str, ...]] = ()
    mutates: ClassVar[bool] = True

    def facts(self, ctx: Context, args: step.With) -> Facts:
        return Facts()

    def run(self, ctx: Context, args: step.With) -> Outputs:
        return {}

    def undo(self, ctx: Context, args: step.With, outputs: Outputs | None) -> None:
        return None

    def recheck(self, ctx: Context, args: step.With) -> tuple[Recheck, Outputs | None]:
        return "not_done", None


def measure(world: World) -> Sequence[Row]:
    """Every row of the area."""
    return [*_steps(world), *_plans(world), *history.measure(world, AREA, _postgres)]


def _steps(world: World) -> list[Row]:
    say(f"{RUNS} runs of {STEPS} empty steps on SQLite and on Postgres")
    with TemporaryDirectory(dir=world.parts.state.folder("tmp")) as folder:
        sqlite = _milliseconds(f"sqlite:///{Path(folder, 'opsbot.db')}")
    with _postgres(world) as url:
        postgres = _milliseconds(url)
    bare = _bare_milliseconds()
    how = (
        f"{RUNS} runs of {STEPS} steps that do nothing: the time of Engine.drive (lease, journal, events, locks; every"
        f" write durable) divided by the steps, minus {bare:.2g} ms for calling such a step as a bare function."
    )
    rows = []
    for name, values in (("SQLite", sqlite), ("Postgres", postgres)):
        for share in (0.5, 0.95):
            cost = percentile(values, share) - bare
            against = "a bare function call" if share == 0.5 else ""
            label = f"cost of a step on {name} p{share * 100:.0f}"
            rows.append(Row(AREA, label, cost, "ms", how, COSTS[share], against=against))
    return rows


def _milliseconds(url: str) -> list[float]:
    """Per step, of each run but the first."""
    store = open_store(url)
    try:
        engine = Engine(store, SystemClock(), {"nothing": Nothing()}, lambda template, scope: template, "bench")
        return [_one_run(engine) for _ in range(RUNS + 1)][1:]
    finally:
        store.close()


def _one_run(engine: Engine) -> float:
    steps = tuple(PlannedStep(f"s{n}", f"Step {n}", "nothing", {}, undo=True) for n in range(STEPS))
    plan = Plan(playbook="bench", title="Bench", params={}, environment=None, lock=None, steps=steps)
    run = engine.submit(plan, {"kind": "person", "id": "U1", "name": "bench"}, "bench")
    started = time.perf_counter()
    status = engine.drive(run)
    if status != "succeeded":
        raise NotMeasured(f"the empty run ended as {status}")
    return (time.perf_counter() - started) * 1000 / STEPS


def _bare_milliseconds() -> float:
    nothing, context, arguments = Nothing(), planner.PlanningContext("bench", None), step.With()
    started = time.perf_counter()
    for _ in range(CALLS):
        nothing.run(context, arguments)
    return (time.perf_counter() - started) * 1000 / CALLS


@contextmanager
def _postgres(world: World) -> Iterator[str]:
    """The address of a database for our state, in the measured stack's own server; dropped at the end."""
    target = world.bot.reach.database(PLACE, DATABASE)
    server, password = target.server, target.server.password
    with session(server, MAINTENANCE) as one:
        like = describe.properties(one, target.name)
    if like is None or password is None:
        raise NotMeasured(f"there is no database {target.name}")
    databases.drop(server, STATE)
    databases.create(server, STATE, like)
    try:
        yield f"postgresql+psycopg2://{server.user}:{password.reveal()}@{server.host}:{server.port}/{STATE}"
    finally:
        databases.drop(server, STATE)


def _plans(world: World) -> list[Row]:
    world.deployed("v1")
    world.deployed("v2")
    world.command(f"backup {DATABASE} on {PLACE}")
    say(f"{PLANS} plans of each playbook")
    of_service: Mapping[str, Any] = {"environment": PLACE, "service": SERVICE}
    of_database: Mapping[str, Any] = {"environment": PLACE, "database": DATABASE}
    asked: dict[str, Mapping[str, Any]] = {
        "deploy": {**of_service, "tag": "v1"},
        "promote": {"from": PLACE, "environment": OTHER, "service": SERVICE},
        "rollback": {**of_service, "to": None},
        "backup": of_database,
        "restore": {**of_database, "backup": "latest"},
    }
    how = f"The median of {PLANS} plans, one after the other, with every fact asked of the real engine, registry, database and bucket."
    rows = []
    for name, params in asked.items():
        seconds = [_plan(world, name, params) for _ in range(PLANS)]
        steps = len(world.bot.playbooks[name].steps)
        rows.append(Row(AREA, f"planning {name} ({steps} steps) p50", median(seconds), "s", how, PLANNED))
    return rows


def _plan(world: World, name: str, params: Mapping[str, Any]) -> float:
    playbook = world.bot.playbooks[name]
    given = {param: spec.default for param, spec in playbook.params.items()} | dict(params)
    started = time.perf_counter()
    made = planner.plan(playbook, given, "bench", world.bot.config.environments, world.bot.steps)
    seconds = time.perf_counter() - started
    if made.red:
        raise NotMeasured(f"the plan of {name} refuses: {made.red[0].text}")
    return seconds
