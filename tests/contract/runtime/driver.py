"""A process that drives one run and may be killed at any moment: `python driver.py CONFIG RUN`. Its successor uses the same."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from opsbot.bot.compose import Bot, build
from opsbot.config import settings
from opsbot.runs.lease import Pace
from opsbot.runs.run import FINAL

QUICK = Pace(expiry=4.0, heartbeat=0.5)  # a dead owner is missed after seconds, not after half a minute


def composed(config: Path) -> Bot:
    """The real bot of an opsbot.yml, all of it but `serve`."""
    bot = build(settings.load(config))
    bot.engine._pace = QUICK  # nothing else is different from what people run
    return bot


def drive(bot: Bot, run: str, seconds: float = 240) -> str:
    """Do what `serve` does with this run until it ends; its status."""
    ends = time.monotonic() + seconds
    while (row := bot.store.runs.get(run)) is not None and row.status not in FINAL:
        if time.monotonic() > ends:
            raise TimeoutError(f"{run} is {row.status} still")
        if run in bot.engine.due():
            bot.engine.drive(run)
        time.sleep(0.05)
    return row.status if row else ""


if __name__ == "__main__":
    drive(composed(Path(sys.argv[1])), sys.argv[2])
