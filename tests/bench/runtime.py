"""Deploys and rollbacks: what they lose, how fast they are, beside an in-place update of a plain service."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from opsbot.demo.argv import wait_until
from opsbot.demo.traffic import Traffic
from tests.bench.in_place import Plain, plain
from tests.bench.rows import Row, median, percentile
from tests.bench.world import PLACE, NotMeasured, World, say

AREA = "runtime"
CONNECTIONS = 16
ROLLBACKS_UNDER_LOAD = 3
ROUNDS = 24
UPDATES = 5
STRAGGLERS = 0.5  # seconds after the end in which an answer of the release that was left would still be seen
LIGHT, PAUSE = 8, 0.05  # connections, seconds between the requests of one


@dataclass(frozen=True)
class Rounds:
    """Seconds of each round: the switch forward, the switch back, and from the message to the last newer answer."""

    forward: list[float]
    back: list[float]
    message: list[float]


def measure(world: World) -> Sequence[Row]:
    """Every row of the area."""
    older = world.deployed("v1")
    rows, newer = _losses(world, older)
    rounds = _rounds(world, older, newer)
    rows += _switches(rounds)
    rows += _beside(world, older, newer, rounds)
    return rows


def _losses(world: World, older: int) -> tuple[list[Row], int]:
    say(f"deploy and {ROLLBACKS_UNDER_LOAD} rollbacks under {CONNECTIONS} connections")
    with Traffic(world.target.edge_url(), CONNECTIONS) as traffic:
        newer = world.deployed("v2")
        after_deploy = traffic.count.requests
        for turn in range(ROLLBACKS_UNDER_LOAD):
            if turn:
                world.forward(newer)
            world.command(f"rollback {PLACE}")
    count = traffic.count
    if not {str(older), str(newer)} <= count.releases.keys():
        raise NotMeasured(f"the traffic did not see both releases, only {sorted(count.releases)}")
    how = (
        f"{CONNECTIONS} keep-alive connections, two GETs to one POST, through the edge during a deploy and"
        f" {ROLLBACKS_UNDER_LOAD} rollbacks asked for in chat: {count.requests} requests ({after_deploy} by the end of"
        f" the deploy); failed is every status but 200 and 204, every broken connection, every answer over 10 s"
        f" ({count.sentence()})."
    )
    lost = Row(AREA, "requests failed during deploy and rollback", count.failed, "requests", how, 0)
    slowest = Row(
        AREA, "slowest of those requests", count.slowest, "s", "The slowest single answer of the same traffic."
    )
    return [lost, slowest], newer


def _rounds(world: World, older: int, newer: int) -> Rounds:
    say(f"{ROUNDS} rollbacks asked for in chat")
    rounds = Rounds([], [], [])
    with Traffic(world.target.edge_url(), LIGHT, PAUSE) as traffic:
        for _ in range(ROUNDS):
            rounds.forward.append(world.forward(newer))
            asked_after = time.monotonic()
            if not wait_until(lambda at=asked_after: traffic.last_answer_of(str(newer)) > at, 5, 0.01):  # type: ignore[misc]  # mypy cannot infer a lambda's default
                raise NotMeasured("the newer release does not answer before the rollback")
            started = time.monotonic()
            run = world.command(f"rollback {PLACE}")
            time.sleep(STRAGGLERS)
            if traffic.last_answer_of(str(older)) < traffic.last_answer_of(str(newer)):
                raise NotMeasured("the older release does not answer after the rollback")
            rounds.message.append(traffic.last_answer_of(str(newer)) - started)
            rounds.back.append(_switch_seconds(world, run.id))
    return rounds


def _switch_seconds(world: World, run: str) -> float:
    rows = world.bot.store.journal.rows(run)
    return next(float(row.outputs["seconds"]) for row in rows if row.step == "switch" and row.outputs)


def _switches(rounds: Rounds) -> list[Row]:
    to = "from looking for the warm colour and writing the flag until the release is read back through the edge"
    load = f"{LIGHT} connections with {PAUSE} s pauses meanwhile; of so few, p99 is the worst"
    forward = f"{len(rounds.forward)} switches to the newer release, {to}; {load}."
    back = f"The `seconds` that the step rollout.switch of {len(rounds.back)} rollbacks recorded, {to}; {load}."
    message = (
        f"From just before `@opsbot rollback {PLACE}` is posted until the last answer that the newer release gave to any"
        f" client, watched until {STRAGGLERS} s after the run's end; {len(rounds.message)} rollbacks; {load}."
    )
    return [
        Row(AREA, "blue-green switch p50", percentile(rounds.forward, 0.5), "s", forward, 0.15),
        Row(AREA, "blue-green switch p99", percentile(rounds.forward, 0.99), "s", forward, 0.15),
        Row(AREA, "warm rollback p50", percentile(rounds.back, 0.5), "s", back, 0.15),
        Row(AREA, "warm rollback p99", percentile(rounds.back, 0.99), "s", back, 0.15),
        Row(AREA, "message to all answers from the old release p50", percentile(rounds.message, 0.5), "s", message),
        Row(AREA, "message to all answers from the old release p95", percentile(rounds.message, 0.95), "s", message, 2),
    ]


def _beside(world: World, older: int, newer: int, rounds: Rounds) -> list[Row]:
    say(f"{UPDATES} in-place updates of a plain service")
    with plain(world, newer, older) as service, Traffic(service.url, LIGHT, PAUSE) as traffic:
        seconds = [_in_place(service, traffic, *pair) for pair in _turns(newer, older)]
    updated = (
        "From the start of `docker service update --update-order start-first --update-parallelism 0` between the same two"
        f" images until the last answer of the image that was left; a plain Swarm service of 2 replicas behind the same"
        f" edge image; {UPDATES} updates; {LIGHT} connections with {PAUSE} s pauses meanwhile."
    )
    ratio = "p50 of the in-place updates over p50 of rollbacks from the person's message on, both seen by clients, in one run. The rollback is warm: its containers run already, while an update starts new ones; the updates come after the rollbacks, with both colours still running. A cold deploy is not compared."
    lost = f"Requests of the same traffic that failed in those {UPDATES} updates: {traffic.count.sentence()}."
    command = "in-place docker service update"
    return [
        Row(AREA, "in-place update until all answers are new p50", median(seconds), "s", updated),
        Row(AREA, "in-place update, failed requests", traffic.count.failed, "requests", lost),
        Row(
            AREA, "in-place update over warm rollback", median(seconds) / median(rounds.message), "×", ratio,
            1, "higher", command,
        ),
    ]  # fmt: skip


def _turns(newer: int, older: int) -> list[tuple[int, int]]:
    """(left, wanted) for each update, there and back."""
    return [(newer, older) if turn % 2 == 0 else (older, newer) for turn in range(UPDATES)]


def _in_place(service: Plain, traffic: Traffic, left: int, wanted: int) -> float:
    started = time.monotonic()
    service.update(wanted)
    seen = wait_until(lambda: traffic.last_answer_of(str(wanted)) > started and service.settled(), 120, 0.2)
    time.sleep(STRAGGLERS)
    last = traffic.last_answer_of(str(left))
    if not seen or last > traffic.last_answer_of(str(wanted)):
        raise NotMeasured("the plain service was not updated within 120 s")
    return last - started
