"""A simulation from start to report: threads, pace, and the verdict."""

from __future__ import annotations

import random
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import count
from typing import Any

from simulator import endstate
from simulator.client import Caller, Tally
from simulator.people import Crowd

SLOW_SECONDS = 0.3  # nobody should wait longer for an answer


@dataclass(frozen=True)
class Load:
    """How much: `rate` requests a second over all threads (0 = as fast as they go); `seconds` 0 = until stopped.

    `limit` is the longest that one request may take, in seconds.
    """

    url: str
    seconds: float = 10.0
    rate: float = 20.0
    threads: int = 2
    seed: int = 0
    limit: float = SLOW_SECONDS


def simulate(load: Load, stop: threading.Event, say: Callable[[str], None]) -> dict[str, Any]:
    """Run the load until its time is over or `stop` is set; returns the report (see `report`)."""
    tally = Tally()
    numbers = count(1)
    # Names are new in every run, or a second run on one database could not register anybody.
    label = f"{int(time.time()):x}{secrets.token_hex(2)}"
    crowds = [
        Crowd(Caller(load.url, tally, load.limit), f"{label}-{n}", random.Random(f"{load.seed}-{n}"),
              lambda: next(numbers))
        for n in range(load.threads)
    ]  # fmt: skip
    threads = [threading.Thread(target=_run, args=(crowd, load, tally.started, stop)) for crowd in crowds]
    for thread in threads:
        thread.start()
    _follow(threads, tally, say)
    seconds = time.monotonic() - tally.started
    say(f"comparing what {sum(len(crowd.people) for crowd in crowds)} users did with what the application holds")
    return {**report(tally, seconds, endstate.compare(load.url, crowds)), "seen_as": seen_as(load.url)}


def seen_as(url: str) -> dict[str, Any] | None:
    """Which address the application sees us with, and whether ACCEPTED_IPS admits it; None if it does not say."""
    answer = Caller(url, Tally(), endstate.PATIENCE_SECONDS).call("GET", "/health/address")
    return None if answer is None else answer.json()


def _run(crowd: Crowd, load: Load, started: float, stop: threading.Event) -> None:
    """One thread's life: an action every `threads / rate` seconds, never catching up in a burst."""
    pause = load.threads / load.rate if load.rate else 0.0
    due = started
    while not stop.is_set() and (not load.seconds or time.monotonic() - started < load.seconds):
        crowd.act()
        due = max(due + pause, time.monotonic())
        stop.wait(due - time.monotonic() if pause else 0)


def _follow(threads: list[threading.Thread], tally: Tally, say: Callable[[str], None]) -> None:
    said = tally.started
    while any(thread.is_alive() for thread in threads):
        threads[0].join(0.1)
        for thread in threads[1:]:
            thread.join(0.01)
        if time.monotonic() - said >= 1:
            said = time.monotonic()
            say(f"{said - tally.started:4.0f} s  {tally.requests} requests, {tally.errors.total()} failed")


def report(tally: Tally, seconds: float, end: endstate.EndState) -> dict[str, Any]:
    """The verdict: `ok` is true only without one failed request and without one difference at the end.

    `slow` counts the requests over 0.3 s, whatever the limit was.
    """
    durations = tally.durations()
    return {
        "ok": not tally.errors and not end.differences and tally.requests > 0,
        "requests": tally.requests,
        "failed": tally.errors.total(),
        "errors": dict(tally.errors),
        "errors_per_second": [{"second": second, **kinds} for second, kinds in sorted(tally.errors_by_second.items())],
        "downtime": _downtime(tally),
        "seconds": round(seconds, 2),
        "rate": round(tally.requests / seconds, 1),
        "latency_seconds": _percentiles(durations),
        "slow": {"over_seconds": SLOW_SECONDS, "requests": sum(spent > SLOW_SECONDS for spent in durations)},
        "releases": dict(tally.releases),
        "end_state": asdict(end),
    }


def _downtime(tally: Tally) -> dict[str, Any]:
    spans = [{"from": round(since, 1), "to": round(until, 1)} for since, until in tally.downtime()]
    return {"seconds": round(sum(until - since for since, until in tally.downtime()), 1), "spans": spans}


def _percentiles(durations: list[float]) -> dict[str, float]:
    if not durations:
        return {}
    last = len(durations) - 1
    chosen = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
    return {name: round(durations[round(last * share)], 4) for name, share in chosen.items()}
