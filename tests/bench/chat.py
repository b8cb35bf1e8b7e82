"""Answers in chat beside a bolt app that only echoes, the connection's recovery, what the bot costs idle and at its peak."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from opsbot.demo import daemon
from opsbot.workspace.client import Controls
from tests.bench import chat_people, echo, page, workspace
from tests.bench.echo import AGAINST, Beside
from tests.bench.rows import Row, percentile
from tests.bench.world import ADMIN, DATABASE, PLACE, NotMeasured, World, say

AREA = "chat"
ROOM = "#ops"
PAIRS = 60
PAIRS_AFAR = 30
DISTANCE = 0.1  # seconds
STATUSES = 20
TURN = 1.3  # seconds between posts into one room: a workspace allows one a second
DROPS, FREEZES = 5, 3
RATIO = 1.5
SHARES = (0.5, 0.95)
MENTION = Beside("command to first reply", "the same of the echo", "first reply over echo")
SETTLED = 20.0  # seconds after the start, until nothing is left to do
IDLE = 60.0


def measure(world: World) -> Sequence[Row]:
    """Every row of the area."""
    world.deployed("v1")
    with echo.echo(world.parts.state) as other:
        rows = [*_idle(world), *_answers(world, other), *chat_people.measure(AREA, world.alice.controls, other)]
        rows += _drops(world.alice.controls, other)
    rows += _freezes(world.alice.controls)
    rows += chat_people.acknowledged(AREA, world)
    say("envelopes of a workspace")
    rows += workspace.measure(AREA)
    return [*rows, *page.measure(AREA, world.alice.controls), _memory(world)]


def _idle(world: World) -> list[Row]:
    say(f"{IDLE:.0f} s with nothing to do")
    world.chatbot.stop()
    ours, theirs = world.chatbot.start(), echo.pid(world.parts.state)
    time.sleep(SETTLED)
    before = _processor_seconds(ours), _processor_seconds(theirs)
    time.sleep(IDLE)
    used = [(_processor_seconds(pid) - start) / IDLE * 100 for pid, start in zip((ours, theirs), before, strict=True)]
    how = (
        f"Over {IDLE:.0f} s in which nobody asks anything, {SETTLED:.0f} s after the start: probes look, schedules wait,"
        " the connection to Slack is kept. Processor time from /proc/PID/stat; memory is VmRSS at the end."
    )
    return [
        Row(AREA, "idle memory of the bot", _resident(ours), "MB", how),
        Row(AREA, "idle memory of the echo", _resident(theirs), "MB", how),
        Row(AREA, "idle processor of the bot", used[0], "% of a core", how),
        Row(AREA, "idle processor of the echo", used[1], "% of a core", how),
    ]


def _processor_seconds(pid: int) -> float:
    """User and system time so far (proc(5), stat fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident(pid: int) -> float:
    """Megabytes in memory now."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def reply_seconds(controls: Controls, text: str) -> float:
    """From a person's words to the first message after them that the person sees, both by the workspace's clock."""
    said = float(controls.say(ADMIN, ROOM, f"@opsbot {text}"))
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        time.sleep(0.05)
        after = [float(message["ts"]) for message in controls.messages(ROOM, ADMIN) if float(message["ts"]) > said]
        if after:
            return min(after) - said
    raise NotMeasured(f"`{text}` was not answered within 15 s")


def _answers(world: World, other: Controls) -> list[Row]:
    say(f"{PAIRS} answers beside an echo")
    clock = "from the person's message to the first answer, by the workspace's clock"
    beside = f"times `@opsbot help` {clock}; each beside the same words to the echo in a workspace of the same kind"
    rows = MENTION.rows(AREA, "", f"{PAIRS} {beside}.", _both(world, other, PAIRS), SHARES, RATIO)
    for controls in (world.alice.controls, other):
        controls.slow(DISTANCE)
    far = (
        f"{PAIRS_AFAR} {beside}; both workspaces take {DISTANCE} s longer for every API call, about as far as Slack is."
    )
    rows += MENTION.rows(AREA, " from afar", far, _both(world, other, PAIRS_AFAR), SHARES)
    for controls in (world.alice.controls, other):
        controls.slow(0)
    return [*rows, *_status(world)]


def _both(world: World, other: Controls, pairs: int) -> tuple[list[float], list[float]]:
    ours: list[float] = []
    theirs: list[float] = []
    for turn in range(pairs + 1):
        started = time.monotonic()
        pair = reply_seconds(world.alice.controls, "help"), reply_seconds(other, "help")
        time.sleep(max(0.0, TURN - (time.monotonic() - started)))
        if turn:  # the first ones open connections and fill caches
            ours.append(pair[0])
            theirs.append(pair[1])
    return ours, theirs


def _status(world: World) -> list[Row]:
    seconds: list[float] = []
    for _ in range(STATUSES):
        seconds.append(reply_seconds(world.alice.controls, f"status {PLACE}"))
        time.sleep(TURN)
    how = (
        f"{STATUSES} times `@opsbot status {PLACE}`, from the message to the first answer; it asks engine, registry,"
        " databases and bucket."
    )
    return [
        Row(AREA, f"status to first reply p{share * 100:.0f}", percentile(seconds, share) * 1000, "ms", how)
        for share in SHARES
    ]


def _drops(ours: Controls, theirs: Controls) -> list[Row]:
    say(f"{DROPS} dropped connections, and one of the built-in client's")
    seconds = [_recovery(ours, ours.drop) for _ in range(DROPS)]
    other = _recovery(theirs, theirs.drop)
    how = f"From the cut of the TCP connection, without a close frame, until a new one is open; the worst of {DROPS}."
    once = "The same for the echo, which uses slack_sdk's built-in client; one drop, because it takes so long."
    ratio = f"The worst of {DROPS} drops over the one of the built-in client."
    return [
        Row(AREA, "Socket Mode back after a drop, worst", max(seconds), "s", how, 5),
        Row(AREA, "the same of the built-in client", other, "s", once),
        Row(AREA, "back after a drop over the built-in client", max(seconds) / other, "×", ratio, 1, against=AGAINST),
    ]


def _freezes(controls: Controls) -> list[Row]:
    say(f"{FREEZES} frozen peers")
    seconds = [_recovery(controls, controls.freeze) for _ in range(FREEZES)]
    how = (
        "The server leaves the connection open and says nothing more; from then until a new one is open, with the pings"
        f" that are shipped; the worst of {FREEZES}. The built-in client's 57 s are not measured again here."
    )
    return [Row(AREA, "Socket Mode back after a frozen peer, worst", max(seconds), "s", how, 30)]


def _recovery(controls: Controls, fault: Callable[[], int]) -> float:
    before = controls.links()
    started = time.monotonic()
    fault()
    try:
        controls.wait_for_links(other_than=before, timeout=60)
    except TimeoutError as late:
        raise NotMeasured(str(late)) from late
    seconds = time.monotonic() - started
    time.sleep(1.0)  # the connection settles before the next fault
    return seconds


def _memory(world: World) -> Row:
    say("peak memory over deploy, rollback, backup and restore")
    world.chatbot.stop()
    pid = world.chatbot.start()
    world.unblock()
    for words in (
        f"deploy v2 to {PLACE}",
        f"rollback {PLACE}",
        f"backup {DATABASE} on {PLACE}",
        f"restore latest {DATABASE} on {PLACE}",
    ):
        world.command(words)
    if daemon.start_time(pid) is None:
        raise NotMeasured("the bot ended during the runs")
    how = "The kernel's high-water mark (VmHWM) of `opsbot serve` after a deploy, a rollback, a backup and a restore."
    return Row(AREA, "peak resident memory of the bot", world.chatbot.peak_megabytes(), "MB", how)
