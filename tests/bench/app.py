"""MiniTwit with three million messages: every endpoint beside SELECT 1 through the same stack, and crowds that register."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from opsbot.postgres.connect import session
from opsbot.runtime.progress import Nobody
from tests.bench import app_mover
from tests.bench.app_calls import CALLS, EDGE, FLOOR, Call, Site, log_in, register_together
from tests.bench.app_clients import Talk
from tests.bench.rows import Row, percentile
from tests.bench.world import DATABASE, PLACE, SERVICE, NotMeasured, World, say

AREA = "app"
USERS, MESSAGES = 100_000, 3_000_000
FILL_SECONDS = 600.0
# At one client and at sixteen, in milliseconds.
P99 = {1: 50.0, 16: 150.0}
PASSES, SECONDS = 2, 3.0
LIMIT_MS = 300.0  # public simulators give each request 0.3 s
CROWD, ROUNDS = 32, 6
# Whom four readers follow: twenty who write most, 1,500 of all kinds, and those who have written nothing for longest.
SOME = "SELECT n FROM generate_series(1, 90000, %s) n LIMIT %s"
SILENT = "SELECT author_id FROM messages GROUP BY author_id ORDER BY max(pub_date) LIMIT %s"
READERS: dict[str, tuple[str, list[object]]] = {
    "reader of few": (SOME, [1, 20]),
    "reader of many": (SOME, [60, 1500]),
    "reader of a hundred silent": (SILENT, [100]),
    "reader of many silent": (SILENT, [1500]),
}
HASH = f"""
import json, resource, threading, time
from werkzeug.security import generate_password_hash
from minitwit import passwords
from minitwit.settings import DEFAULT_PASSWORD_METHOD
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
def crowd(hash_one):
    before, started = peak(), time.perf_counter()
    threads = [threading.Thread(target=hash_one) for _ in range({CROWD})]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    return (time.perf_counter() - started) * 1000, peak() - before
passwords.make("warm", DEFAULT_PASSWORD_METHOD)
ours = crowd(lambda: passwords.make("a password", DEFAULT_PASSWORD_METHOD))
started = time.perf_counter()
for _ in range(10): passwords.make("a password", DEFAULT_PASSWORD_METHOD)
one = (time.perf_counter() - started) * 100
theirs = crowd(lambda: generate_password_hash("a password"))
print(json.dumps([one, *ours, *theirs]))
"""


def measure(world: World) -> Sequence[Row]:
    """Every row of the area. The database is emptied again at the end."""
    world.deployed("v1")
    with _filled(world):
        site = _site(world)
        rows = _registrations(site.url)
        for clients in P99:
            say(f"{clients} clients")
            rows += _rows(clients, _loads(site, clients))
    return [*rows, *_passwords(world), *app_mover.measure()]


@contextmanager
def _filled(world: World) -> Iterator[None]:
    """The application's database with all its people and messages, made by its own filler."""
    target = world.target
    say(f"{MESSAGES} messages by {USERS} people")
    _sql(world, "TRUNCATE users, followers, messages RESTART IDENTITY")
    try:
        argv = ["python", "-m", "simulator.fill", "--users", str(USERS), "--messages", str(MESSAGES)]
        live = world.bot.store.releases.live(PLACE, SERVICE)
        if live is None:
            raise NotMeasured("nothing is live")
        spec = target.neutral_spec(SERVICE, live.image)
        ended = target.place(SERVICE).once(spec, "fill", "bench", argv, FILL_SECONDS, Nobody())
        if ended.code != 0:
            raise NotMeasured(f"filling failed: {ended.output}")
        yield
    finally:
        _sql(world, "TRUNCATE users, followers, messages RESTART IDENTITY")


def _sql(world: World, statement: str, params: Sequence[object] | None = None) -> list[tuple[Any, ...]]:
    target = world.bot.reach.database(PLACE, DATABASE)
    with session(target.server, target.name, statement_timeout=120) as one:
        one.rows("SET search_path = public, pg_catalog")
        return one.rows(statement, params)


def _site(world: World) -> Site:
    """Readers of every kind are there and logged in; the people asked about are any."""
    url = world.target.edge_url()
    cookies = [log_in(url, name) for name in READERS]
    for name, (whom, params) in READERS.items():
        follow = f"INSERT INTO followers SELECT u.user_id, w.* FROM users u, ({whom}) w WHERE u.username = %s"  # noqa: S608 - of the list above
        _sql(world, follow, [*params, name])
    _sql(world, "ANALYZE followers")
    people = _sql(world, "SELECT username FROM users WHERE user_id %% 331 = 1 AND username NOT LIKE 'reader%%'", [])
    return Site(url, [name for (name,) in people], cookies)


def _loads(site: Site, clients: int) -> dict[Call, Talk]:
    """The endpoints in turn, several times, so that what else the machine does hits all alike."""
    loads = {call: Talk() for call in (EDGE, FLOOR, *CALLS)}
    for call in loads:
        site.ask(call, clients, 0.5)
    for _ in range(PASSES):
        for call in loads:
            loads[call] += site.ask(call, clients, SECONDS)
    return loads


def _rows(clients: int, loads: dict[Call, Talk]) -> list[Row]:
    how = (
        f"{clients} keep-alive clients through the edge, each asking again at once about somebody else, {PASSES} × {SECONDS:g} s"
        f" in turn with the other endpoints; {MESSAGES} messages, {USERS} people; 2 replicas; all clients in one thread of the"
        " same machine."
        f" Load average at the end {os.getloadavg()[0]:.1f}."
    )
    floor = loads[FLOOR]
    own = sum(load.own for load in loads.values()) / sum(len(load.seconds) for load in loads.values())
    rows = [Row(AREA, f"clients at {clients}: their own processor time a request", own * 1e6, "µs", how)]
    for call, load in loads.items():
        name = f"{call.name} at {clients}"
        rows += [
            Row(AREA, f"{name}: rate", load.rate, "1/s", how, better="higher"),
            Row(AREA, f"{name}: p50", load.at(0.5), "ms", how),
            Row(AREA, f"{name}: p99", load.at(0.99), "ms", how, P99[clients] if call in CALLS else None),
        ]
        if call in CALLS:
            ratio = f"The p50 over that of {FLOOR.path}, which asks SELECT 1. {how}"
            rows.append(
                Row(AREA, f"{name}: over SELECT 1", load.at(0.5) / floor.at(0.5), "×", ratio, against=FLOOR.path)
            )
    return rows


def _registrations(url: str) -> list[Row]:
    say(f"{CROWD} people register at once")
    register_together(url, CROWD, 1)
    seconds = register_together(url, CROWD, ROUNDS)
    how = f"{CROWD} clients send POST /api/register at the same moment, {ROUNDS} times, through the edge; 2 replicas."
    limit = "the simulators' time limit"
    return [
        Row(
            AREA,
            f"{CROWD} registrations at once: {name}",
            percentile(seconds, share) * 1000,
            "ms",
            how,
            LIMIT_MS,
            against=limit,
        )
        for name, share in (("p50", 0.5), ("p99", 0.99), ("slowest", 1.0))
    ]


def _passwords(world: World) -> list[Row]:
    say("passwords")
    live = world.bot.store.releases.live(PLACE, SERVICE)
    if live is None:
        raise NotMeasured("nothing is live")
    with world.target.swarm.one_off(
        live.image, ["python", "-c", HASH], name_prefix=f"{world.target.stack}_hash"
    ) as work:
        said = b"".join(work.stdout())
        if work.wait(120) != 0:
            raise NotMeasured(f"hashing failed: {work.stderr_tail()}")
    one, ours, grown, theirs, theirs_grown = json.loads(said)
    how = f"{CROWD} threads hash one password each, in a container of the application's image; one worker process."
    default = "werkzeug's default, scrypt, without turns"
    return [
        Row(
            AREA,
            "password hash",
            one,
            "ms",
            "The mean of ten, one after the other.",
            LIMIT_MS,
            against="the time limit",
        ),
        Row(AREA, f"{CROWD} hashes at once", ours, "ms", how, LIMIT_MS, against="the time limit"),
        Row(AREA, f"{CROWD} hashes at once: memory", grown, "MB", how, 16.0),
        Row(AREA, f"{CROWD} hashes at once: over werkzeug's default", ours / theirs, "×", how, 1, against=default),
        Row(AREA, f"{CROWD} hashes at once: memory of werkzeug's default", theirs_grown, "MB", how, against=default),
    ]
