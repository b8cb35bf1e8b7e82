"""From a dead service to its alert in the channel, from its return to the edit, and what watching costs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

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
SETTLE = 5.0
TICKS = os.sysconf("SC_CLK_TCK")

Found = TypeVar("Found")


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
    engine.docker("service", "scale", "--detach", f"{live.swarm_name}=0")
    containers = engine.lines(
        "container", "ls", "--quiet", f"--filter=label=com.docker.swarm.service.name={live.swarm_name}"
    )
    for container in containers:
        engine.has("container", "kill", container)  # one may have ended by itself
    killed = time.monotonic()
    try:
        ts = _until("the alert", lambda: _alert(world, known), 60)["ts"]
        told = time.monotonic() - killed
    finally:
        engine.docker("service", "scale", "--detach", f"{live.swarm_name}={live.wanted}")
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
    """No alert about the service is open, so that the next kill begins from a quiet place."""
    if not wait_until(lambda: not _open(world), 90, 0.2):
        raise NotMeasured(f"these alerts stay open: {_open(world)}")


def _open(world: World) -> list[str]:
    about = (f"probe:{PROBE}", f"probe:{PLACE}-web")
    return [alert.condition for alert in world.bot.store.alerts.open_ones() if alert.condition in about]


def _until(what: str, found: Callable[[], Found | None], seconds: float) -> Found:
    deadline = time.monotonic() + seconds
    while not (seen := found()):
        if time.monotonic() > deadline:
            raise NotMeasured(f"{what} did not come within {seconds:.0f} s")
        time.sleep(0.02)
    return seen


class Unwatching(Chatbot):
    """The same bot with no probes in its settings."""

    @property
    def config(self) -> Path:
        """A copy of the settings up to their last part, the probes."""
        whole = super().config
        copy = whole.with_name("opsbot-without-probes.yml")
        copy.write_text(whole.read_text(encoding="utf-8").partition("\nprobes:\n")[0] + "\n", encoding="utf-8")
        return copy


def _cost(world: World) -> list[Row]:
    say(f"CPU time over {QUIET:.0f} s with and without probes")
    world.chatbot.stop()
    try:
        without = _cpu_seconds(Unwatching(world.parts))
    finally:
        watching = _cpu_seconds(world.chatbot, leave=True)
    how = f"User and system time of `opsbot serve` over {QUIET:.0f} quiet seconds, scaled to a minute"
    probes = len(world.bot.config.probes)
    return [
        Row(AREA, "the idle bot with its probes", watching, "CPU s/min", f"{how}; the demo's {probes} probes."),
        Row(AREA, "the idle bot without probes", without, "CPU s/min", f"{how}; the same settings without probes."),
        Row(AREA, "cost of the watch", watching - without, "CPU s/min", f"The difference of the two: {probes} probes."),
    ]


def _cpu_seconds(chatbot: Chatbot, *, leave: bool = False) -> float:
    """CPU seconds a minute of a quiet bot, freshly started; left running if asked."""
    pid = chatbot.start()
    try:
        time.sleep(SETTLE)
        before = _spent(pid)
        time.sleep(QUIET)
        return (_spent(pid) - before) * 60 / QUIET
    finally:
        if not leave:
            chatbot.stop()


def _spent(pid: int) -> float:
    """CPU seconds of a program so far: proc(5), stat fields 14 and 15."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS
