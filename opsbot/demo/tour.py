"""The tour: a person in the chat does what the bot is for, on real parts, and every outcome is checked from outside."""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType

from opsbot.demo import parts
from opsbot.demo.acts import LATER, Act, acts
from opsbot.demo.argv import Say
from opsbot.demo.chatbot import Chatbot
from opsbot.demo.stage import Stage
from opsbot.demo.state import CHECKOUT, State

REPORT = CHECKOUT / "build" / "tour.json"


@dataclass(frozen=True)
class Played:
    """One act as it went; `ok` None = it belongs to a later version."""

    act: int
    command: str
    expected: str
    seen: str
    seconds: float
    ok: bool | None


def play(stage: Stage, say: Say) -> list[Played]:
    """Every act in order. An act that fails does not keep the next one from being tried."""
    played = [
        Played(number, command, expected, "not part of this version", 0.0, None) for number, command, expected in LATER
    ]
    most = 0.0
    for act in acts(stage):
        say(f"act {act.number}: {act.command}")
        result = _play(act)
        say(f"  {'ok' if result.ok else 'NOT AS EXPECTED'} in {result.seconds} s: {result.seen}")
        played.append(result)
        most = max(most, stage.bot.peak_megabytes())
    say(f"the bot's memory was at most {most:.0f} MB")
    return sorted(played, key=lambda one: one.act)


def _play(act: Act) -> Played:
    began = time.monotonic()
    try:
        ok, seen = act.play()
    except Exception as error:  # noqa: BLE001  # whatever an act meets, the report tells of it and the next act is played
        ok, seen = False, f"{type(error).__name__}: {error}"
    return Played(act.number, act.command, act.expected, seen, round(time.monotonic() - began, 1), ok)


def write(played: Sequence[Played], path: Path = REPORT) -> None:
    """The report as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(one) for one in played], indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main(words: Sequence[str]) -> int:
    """`demo`: everything up, the tour, stay until Ctrl-C. `tour`: without staying. Leaves nothing running."""
    stay = words[0] == "demo"
    state, told = State.default(), threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: _interrupt(told))
    began = time.monotonic()

    def say(text: str) -> None:
        sys.stdout.write(f"[{time.monotonic() - began:6.1f} s] {text}\n")
        sys.stdout.flush()

    failed: list[str] = []
    try:
        _show(state, say, told, failed, stay=stay)
    except KeyboardInterrupt:
        return 0 if stay and not failed else 1 if failed else 130
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _wait_for_the_end)
        _end(state, say)
    return 1 if failed else 0


def _show(state: State, say: Say, told: threading.Event, failed: list[str], *, stay: bool) -> None:
    """`failed` is told which acts did not end as they should, also where Ctrl-C ends the staying."""
    if state.env_file().exists():  # the last demo was killed: begin as if it had not been
        _end(state, say)
    up = parts.up(state, say, watched=True)
    bot = Chatbot(up)
    bot.start()
    say(f"the chat is at {up.workspace.url}")
    say(f"MiniTwit will be at {up.staging.url} (staging) and {up.production.url} (production)")
    played = play(Stage(bot), say)
    write(played)
    failed += [str(one.act) for one in played if one.ok is False]
    say(f"the tour is over: {'acts ' + ', '.join(failed) + ' FAILED' if failed else 'every act ended as it should'}")
    if stay:
        say(f"look around at {up.workspace.url}: try `/ops help`, `@opsbot status`; Ctrl-C ends the demo")
        told.wait()


def _interrupt(told: threading.Event) -> None:
    told.set()
    raise KeyboardInterrupt


def _wait_for_the_end(number: int, frame: FrameType | None) -> None:
    sys.stdout.write("taking everything down; one moment\n")


def _end(state: State, say: Say) -> None:
    """The bot first, then what it operates."""
    Chatbot.stop_recorded(state)
    parts.down(state, say)
