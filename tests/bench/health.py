"""From a dead service to its alert in the channel, from its return to the edit, and what watching costs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from opsbot.demo.argv import wait_until
from opsbot.demo.chatbot import Chatbot
from opsbot.workspace.client import Json, spoken
from tests.bench.rows import Row, median
from tests.bench.world import CHANNEL, PLACE, NotMeasured, World, say

AREA = "health"
KILLS = 3
ALERT_SECONDS = 15.0
PROBE = f"{PLACE}-front"
QUIET = 60.0  # seconds over which CPU time is counted
TICKS = os.sysconf("SC_CLK_TCK")


def measure(world: World) -> Sequence[Row]:
    """Every row of the area."""
    world.deployed("v1")
    rows = _alerts(world)
    return [*rows, *_cost(world)]


def _alerts(world: World) -> list[Row]:
    say(f"{KILLS} times the service is taken away and given back")
    told: list[float] = []
    resolved: list[float] = []
    for _ in range(KILLS):
        gone, back = _kill(world)
        told.append(gone)
        resolved.append(back)
    killed = (
        "From the moment that the live service is scaled to 0 replicas and its containers are killed until the alert of"
        f" the HTTP probe (every 2 s, 3 failures) is a message in the channel; the worst of {KILLS}."
    )
    returned = (
        "From the first proper answer through the edge after the replicas are ordered back until the same message is"
        f" edited to resolved; the worst of {KILLS}."
    )
    return [
        Row(AREA, "kill to alert in the channel, worst", max(told), "s", killed, ALERT_SECONDS),
        Row(AREA, "return to the edit “resolved”, worst", max(resolved), "s", returned, ALERT_SECONDS),
        Row(AREA, "kill to alert in the channel p50", median(told), "s", killed.replace("the worst", "the median")),
    ]


def _kill(world: World) -> tuple[float, float]:
    """Seconds to the alert, and from the service's return to the edit that says so."""
    live = world.target.rollout("web").live()
    if live is None:
        raise NotMeasured("nothing is live")
    known = {message["ts"] for message in world.alice.messages(CHANNEL)}
    engine = world.parts.engine
    engine.docker("service", "scale", "--detach", f"{live.name}=0")
    containers = engine.lines("container", "ls", "--quiet", f"--filter=label=com.docker.swarm.service.name={live.name}")
    for container in containers:
        engine.has("container", "kill", container)  # one may have ended by itself
    killed = time.monotonic()
    try:
        ts = _until("the alert", lambda: _alert(world, known), 60)["ts"]
        told = time.monotonic() - killed
    finally:
        engine.docker("service", "scale", "--detach", f"{live.name}={live.wanted}")
    _until("the service's return", lambda: _answers(world), 120)
    answered = time.monotonic()
    _until("the edit", lambda: _resolved(world, ts), 60)
    seconds = time.monotonic() - answered
    _settled(world)
    return told, seconds


def _alert(world: World, known: set[str]) -> Json | None:
    new = (message for message in world.alice.messages(CHANNEL) if message["ts"] not in known)
    return next((message for message in new if PROBE in spoken(message)), None)


def _resolved(world: World, ts: str) -> bool:
    message = next((message for message in world.alice.messages(CHANNEL) if message["ts"] == ts), None)
    return message is not None and "resolved" in spoken(message).lower()


def _answers(world: World) -> bool:
    told = world.target.edge.ask("/public")
    return told.status_code == 200


def _settled(world: World) -> None:
    """Every replica runs and no alert is open, so that the next kill begins from a quiet place."""
    quiet = wait_until(lambda: not _open(world), 60, 0.2)
    if not quiet:
        raise NotMeasured(f"these alerts stay open: {_open(world)}")


def _open(world: World) -> list[str]:
    return [alert.condition for alert in world.bot.store.alerts.open_ones() if alert.environment == PLACE and "backup" not in alert.condition]


def _until[T](what: str, found: Callable[[], T | None], seconds: float) -> T:
    raise NotImplementedError


def _cost(world: World) -> list[Row]:
    say(f"CPU time over {QUIET:.0f} s with and without probes")
    return []
