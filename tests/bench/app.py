"""MiniTwit's pages beside its deep health check through the same stack, and what a password costs."""

from __future__ import annotations

import json
from collections.abc import Sequence

from opsbot.demo.traffic import SIMULATOR
from tests.bench.load import Load, ask
from tests.bench.rows import Row
from tests.bench.world import SERVICE, NotMeasured, World, say

AREA = "app"
MESSAGES = 20_000
CLIENTS = (1, 16)
PASSES, SECONDS = 3, 4.0
BESIDE = "/health/deep"
PAGES = ("/public", "/api/msgs?no=30")
LIMIT_MS = 300.0  # public simulators give each request 0.3 s
HASHES = 20
HASH = f"""
import json, time
from werkzeug.security import generate_password_hash
from minitwit.settings import DEFAULT_PASSWORD_METHOD
spent = {{}}
for method in (DEFAULT_PASSWORD_METHOD, "scrypt"):
    times = []
    for _ in range({HASHES}):
        started = time.perf_counter()
        generate_password_hash("a password", method=method)
        times.append(time.perf_counter() - started)
    spent[method] = sorted(times)[len(times) // 2] * 1000
print(json.dumps(spent))
"""


def measure(world: World) -> Sequence[Row]:
    """Every row of the area."""
    world.deployed("v1")
    world.seed(MESSAGES)
    rows: list[Row] = []
    for clients in CLIENTS:
        say(f"{clients} clients")
        rows += _rows(clients, _loads(world.target.edge_url(), clients))
    return [*rows, *_passwords(world)]


def _loads(url: str, clients: int) -> dict[str, Load]:
    """The paths in turn, several times, so that what else the machine does hits all alike."""
    headers = {"Authorization": SIMULATOR}
    loads = {path: Load() for path in (BESIDE, *PAGES)}
    for path in loads:
        ask(url, path, clients, 0.5, headers)
    for _ in range(PASSES):
        for path in loads:
            loads[path] += ask(url, path, clients, SECONDS, headers)
    return loads


def _rows(clients: int, loads: dict[str, Load]) -> list[Row]:
    rows, floor = [], loads[BESIDE]
    how = (
        f"{clients} keep-alive clients through the edge, each asking again at once, {PASSES} × {SECONDS:g} s in turn with"
        f" the other paths; {MESSAGES} messages in the database; 2 replicas; clients on the same machine."
    )
    for path, load in loads.items():
        name = f"{path.partition('?')[0]} at {clients}"
        rows += [
            Row(AREA, f"{name}: rate", load.rate, "1/s", how, better="higher"),
            Row(AREA, f"{name}: p50", load.at(0.5), "ms", how),
            Row(AREA, f"{name}: p99", load.at(0.99), "ms", how, None if path == BESIDE else LIMIT_MS),
        ]
        if path != BESIDE:
            ratio = f"p50 of {path} over p50 of {BESIDE}, the nearest there is to SELECT 1: it also reads and compares the schema's revision, so it is no floor. {how}"
            rows.append(Row(AREA, f"{name}: over {BESIDE}", load.at(0.5) / floor.at(0.5), "×", ratio, against=BESIDE))
    return rows


def _passwords(world: World) -> list[Row]:
    say("passwords")
    live = world.bot.store.releases.live("staging", SERVICE)
    if live is None:
        raise NotMeasured("nothing is live")
    with world.target.swarm.one_off(
        live.image, ["python", "-c", HASH], name_prefix=f"{world.target.stack}_hash"
    ) as work:
        said = b"".join(work.stdout())
        if work.wait(60) != 0:
            raise NotMeasured(f"hashing failed: {work.stderr_tail()}")
    ours, scrypt = json.loads(said).values()
    how = f"The median of {HASHES} password hashes, one after the other, in a container of the application's image."
    default = "werkzeug's default, scrypt"
    return [
        Row(AREA, "password hash", ours, "ms", how, LIMIT_MS, against="the simulators' time limit"),
        Row(AREA, "password hash over werkzeug's default", ours / scrypt, "×", how, 1, against=default),
    ]
