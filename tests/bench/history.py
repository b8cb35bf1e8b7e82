"""A store that holds 100,000 runs, and how fast the bot answers and looks for work on it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from opsbot import bot as bots
from opsbot.bot.compose import Bot
from opsbot.commands.request import Actor, Request
from opsbot.playbooks import planner
from opsbot.store import open_store
from opsbot.store.audit import hash_of
from opsbot.store.database import Database
from opsbot.store.tables import audit, counters, events, journal, messages, runs
from tests.bench.rows import Row, median, percentile
from tests.bench.world import ADMIN, PLACE, SERVICE, NotMeasured, World, say

KEPT = 100_000
AT_ONCE = 2_000  # runs written in one transaction
EVENTS, STEPS = 8, 7  # of each run
ASKED, VERIFIED, LOOKS = 15, 3, 40
Url = Callable[[World], AbstractContextManager[str]]
WHO = {"kind": "person", "id": ADMIN, "name": "alice"}


def measure(world: World, area: str, postgres: Url) -> list[Row]:
    """Queries through the command front, and what `serve` asks its store several times a second, on both databases."""
    with TemporaryDirectory(dir=world.parts.state.folder("tmp")) as folder:
        rows = _measured(world, area, "SQLite", f"sqlite:///{Path(folder, 'opsbot.db')}")
    with postgres(world) as url:
        return [*rows, *_measured(world, area, "Postgres", url)]


def _measured(world: World, area: str, name: str, url: str) -> list[Row]:
    say(f"{KEPT} runs of a deploy into a store on {name}")
    _fill(url, _plan(world))
    how = (
        f"{name} with {KEPT:,} deploys ({EVENTS} events, {STEPS} journal rows and 2 audit rows each),"
        " through the command front, as the terminal asks."
    )
    config = world.bot.config.model_copy(update={"store": url})
    with closing(bots.build(config)) as bot:
        rows = [*_asked(bot, world.bot, area, how), *_verified(bot, area, how), *_looked(bot, area, how)]
    return [replace(row, name=f"{row.name}, on {name}") for row in rows]


def _asked(bot: Bot, young: Bot, area: str, how: str) -> Iterator[Row]:
    """`young`: the same on the measured bot's own store, for what the store does not account for."""
    queries = (("runs", 100.0), ("runs r04711", 100.0), ("audit", 100.0), ("status", 1500.0))
    for words, target in queries:
        _ask(bot, words)  # the first one connects to everything
        spent = [_ask(bot, words) for _ in range(ASKED)]
        few = [] if words.startswith("runs r") else [_ask(young, words) for _ in range(ASKED)]
        against = f"{percentile(few, 0.95):.0f} ms with a few runs" if few else ""
        yield Row(area, f"{words} with {KEPT:,} runs p95", percentile(spent, 0.95), "ms", how, target, against=against)


def _verified(bot: Bot, area: str, how: str) -> Iterator[Row]:
    began = time.process_time()
    spent = [_ask(bot, "audit verify") / 1000 for _ in range(VERIFIED)]
    busy = (time.process_time() - began) / VERIFIED
    against = f"{busy:.1f} s of processor time"
    yield Row(area, f"audit verify of {2 * KEPT:,} rows p50", median(spent), "s", how, 4.0, against=against)


def _looked(bot: Bot, area: str, how: str) -> Iterator[Row]:
    looks: dict[str, Callable[[], object]] = {
        "a look for runs that are due": bot.engine.due,
        "a look for news to tell": bot.store.events.runs_behind,
        "a look for the newest run of a schedule": lambda: bot.store.runs.newest_by("schedule", "schedule:nightly"),
    }
    for name, look in looks.items():
        spent = [_milliseconds(look) for _ in range(LOOKS)]
        yield Row(area, f"{name}, with {KEPT:,} runs p50", median(spent), "ms", how, 5.0)


def _ask(bot: Bot, words: str) -> float:
    request = Request(Actor("person", ADMIN, "alice"), "terminal", argv=tuple(words.split()))
    started = time.perf_counter()
    reply = bot.front.handle(request)
    if not reply.ok:
        raise NotMeasured(f"`{words}` answered: {reply.text}")
    return (time.perf_counter() - started) * 1000


def _milliseconds(look: Callable[[], object]) -> float:
    started = time.perf_counter()
    look()
    return (time.perf_counter() - started) * 1000


def _plan(world: World) -> dict[str, Any]:
    params = {"environment": PLACE, "service": SERVICE, "tag": "v1", "smoke": True}
    made = planner.plan(world.bot.playbooks["deploy"], params, "alice", world.bot.config.environments, world.bot.steps)
    return made.as_json()


def _fill(url: str, plan: dict[str, Any]) -> None:
    open_store(url).close()
    database = Database(url)
    begun, recorded = datetime.now(UTC) - timedelta(days=400), _Recorded()
    with database.write() as connection:
        database.next(connection, "audit")
    for first in range(0, KEPT, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, KEPT))
        with database.write() as connection:
            connection.execute(runs.insert(), [_run(number, plan, _at(begun, number)) for number in numbers])
            connection.execute(messages.insert(), [_message(number) for number in numbers])
            connection.execute(events.insert(), [row for number in numbers for row in _events(number, begun)])
            connection.execute(journal.insert(), [row for number in numbers for row in _journal(number, plan, begun)])
            connection.execute(audit.insert(), list(recorded.rows(numbers, begun)))
            connection.execute(counters.update().where(counters.c.name == "audit").values(value=recorded.number))
    database.close()


class _Recorded:
    """The two audit rows of each run, chained. Appended one by one they would take most of the time."""

    number, last = 0, ""

    def rows(self, numbers: Iterable[int], begun: datetime) -> Iterator[dict[str, Any]]:
        for run in numbers:
            for outcome in ("queued", "succeeded"):
                self.number += 1
                values = {
                    "number": self.number, "at": _at(begun, run), "actor": WHO, "door": "slack", "what": "deploy",
                    "target": "staging/web", "outcome": outcome, "body": {"run": _id(run)}, "previous": self.last,
                }  # fmt: skip
                self.last = hash_of(values)
                yield {**values, "hash": self.last}


def _id(number: int) -> str:
    return f"r{number:05d}"


def _at(begun: datetime, number: int) -> datetime:
    return begun + timedelta(minutes=5 * number)


def _run(number: int, plan: dict[str, Any], at: datetime) -> dict[str, Any]:
    return {
        "id": _id(number), "number": number + 1, "playbook": "deploy", "title": plan["title"], "environment": PLACE,
        "lock": f"{PLACE}/{SERVICE}", "status": "succeeded", "actor": WHO, "plan": plan,
        "fingerprint": plan["fingerprint"], "created_at": at, "started_at": at, "ended_at": at + timedelta(seconds=20),
        "outcome": "v1 is live in staging.", "door": "slack", "channel": "C1", "last_event": EVENTS,
        "last_journal": STEPS, "told": EVENTS,
    }  # fmt: skip


def _message(number: int) -> dict[str, Any]:
    return {"kind": "run", "key": _id(number), "channel": "C1", "ts": f"{number}.1", "cursor": EVENTS, "digest": "d"}


def _events(number: int, begun: datetime) -> Iterator[dict[str, Any]]:
    for seq in range(1, EVENTS + 1):
        body = {"step": "image", "seconds": 1.0, "outputs": {"image": "registry/minitwit@sha256:0123456789abcdef"}}
        yield {"run": _id(number), "seq": seq, "at": _at(begun, number), "kind": "step_done", "body": body}


def _journal(number: int, plan: dict[str, Any], begun: datetime) -> Iterator[dict[str, Any]]:
    at = _at(begun, number)
    for place, step in enumerate(plan["steps"][:STEPS], 1):
        yield {
            "run": _id(number), "number": place, "step": step["id"], "phase": "do", "attempt": 1, "owner": "host:1:abc",
            "started_at": at, "ended_at": at, "outcome": "done", "outputs": {"image": "registry/minitwit"},
        }  # fmt: skip
