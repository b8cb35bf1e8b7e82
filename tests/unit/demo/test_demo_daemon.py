"""Background programs: real ones, started, found again and ended."""

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from opsbot.demo import daemon
from opsbot.demo.argv import ProgramFailed, wait_until
from opsbot.demo.state import State

SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)",
]


def started(state: State, name: str, argv: list[str]) -> daemon.Daemon:
    """A program that has said that it runs."""
    program = daemon.start(state, name, argv)
    assert wait_until(lambda: "up" in state.log(name).read_text(), 10)
    return program


def test_a_program_is_found_again_and_ends_when_asked(tmp_path: Path) -> None:
    state = State(tmp_path)
    program = started(state, "sleeper", SLEEPER)
    assert os.getsid(program.pid) == program.pid
    assert daemon.running(State(tmp_path), "sleeper") == program
    daemon.stop(state, "sleeper")
    assert not program.alive
    assert daemon.all_recorded(state) == []


def test_a_program_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    state = State(tmp_path)
    program = started(state, "stubborn", STUBBORN)
    daemon.stop(state, "stubborn", grace=0.2)
    assert not program.alive


def test_a_stranger_that_got_the_pid_of_a_dead_program_is_not_touched(tmp_path: Path) -> None:
    state = State(tmp_path)
    program = started(state, "stranger", SLEEPER)
    record = tmp_path / "pids" / "stranger.json"
    kept = json.loads(record.read_text())
    record.write_text(json.dumps({**kept, "started": program.started - 100}))
    assert daemon.running(state, "stranger") is None
    daemon.stop(state, "stranger")
    assert program.alive
    record.write_text(json.dumps(kept))
    daemon.stop(state, "stranger")


def test_a_killed_program_counts_as_gone_even_before_it_is_reaped(tmp_path: Path) -> None:
    state = State(tmp_path)
    program = started(state, "victim", SLEEPER)
    os.kill(program.pid, signal.SIGKILL)
    assert wait_until(lambda: not program.alive, 5)
    assert daemon.running(state, "victim") is None
    daemon.stop(state, "victim")


def test_a_program_that_is_not_installed_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProgramFailed, match="`no-such-program` is not installed"):
        daemon.start(State(tmp_path), "ghost", ["no-such-program"])
    assert daemon.recorded(State(tmp_path), "ghost") is None
