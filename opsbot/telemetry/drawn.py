"""Has a sketch drawn by another program: what drawing takes of memory is given back, and it ends within a bound."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path

from opsbot import log
from opsbot.errors import Unavailable
from opsbot.log import cleaned
from opsbot.telemetry.sketch import Sketch

DRAWS = Path(__file__).with_name("chart.py")
SECONDS = 10.0
PNG = b"\x89PNG\r\n\x1a\n"

_log = log.get(__name__)
_two_at_a_time = threading.BoundedSemaphore(2)


def png(sketch: Sketch, draws: Path | None = None) -> bytes:
    """The picture; Unavailable (`picture`) if it does not come in time."""
    words = json.dumps(cleaned(asdict(sketch))).encode()  # a secret in a picture could not be blanked any more
    argv = [
        sys.executable,
        "-I",
        str(draws or DRAWS),
    ]  # isolated: no variables, no folder of ours; and it gets no secret
    with _two_at_a_time:
        try:
            done = subprocess.run(
                argv,
                input=words,
                capture_output=True,
                timeout=SECONDS,
                env={},
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise _undrawn(str(error)) from error
    if done.returncode != 0 or not done.stdout.startswith(PNG):
        raise _undrawn(done.stderr.decode(errors="replace")[-500:])
    return done.stdout


def _undrawn(why: str) -> Unavailable:
    _log.error("chart.undrawn", why=why)
    return Unavailable("The picture could not be drawn.", "The bot's log says why.", code="picture")
