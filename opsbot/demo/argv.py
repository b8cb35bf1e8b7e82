"""Runs programs by argument list, and says what was run and why it failed when one does."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from opsbot.errors import OpsError

Say = Callable[[str], None]
TICK_SECONDS = 10.0


class ProgramFailed(OpsError):
    """A program that the demo needs ended badly; `output` holds what it printed."""

    code = "program_failed"

    def __init__(self, argv: Sequence[str], why: str, output: str = "") -> None:
        self.output = output
        tail = " / ".join(line.strip() for line in output.strip().splitlines()[-6:])
        super().__init__(f"`{' '.join(argv[:4])}` {why}: {tail or 'it printed nothing'}.")


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str | None = None,
    seconds: float = 120,
) -> str:
    """Run a program to its end and return what it wrote to stdout. Raises ProgramFailed."""
    try:
        ended = subprocess.run(
            argv,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except FileNotFoundError as missing:
        raise ProgramFailed(argv, "is not installed") from missing
    except subprocess.TimeoutExpired as late:
        raise ProgramFailed(argv, f"did not end within {seconds:.0f} s") from late
    if ended.returncode:
        raise ProgramFailed(argv, f"ended with {ended.returncode}", ended.stdout + ended.stderr)
    return ended.stdout


def succeeds(argv: Sequence[str], *, env: Mapping[str, str] | None = None, seconds: float = 20) -> bool:
    """Whether the program ends with 0."""
    try:
        run(argv, env=env, seconds=seconds)
    except ProgramFailed:
        return False
    return True


@contextmanager
def timed(say: Say, what: str) -> Iterator[None]:
    """Tell the beginning, every ten seconds in between, and the end of a long step."""
    began, ended = time.monotonic(), threading.Event()

    def tick() -> None:
        while not ended.wait(TICK_SECONDS):
            say(f"{what} … {time.monotonic() - began:.0f} s")

    say(f"{what} …")
    ticker = threading.Thread(target=tick, daemon=True)
    ticker.start()
    how = "failed after"
    try:
        yield
        how = "done in"
    finally:
        ended.set()
        ticker.join()
        say(f"{what}: {how} {time.monotonic() - began:.1f} s")


def wait_until(true: Callable[[], bool], seconds: float, pause: float = 0.1) -> bool:
    """Ask again and again until the answer is yes or the time is over."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
    return True
