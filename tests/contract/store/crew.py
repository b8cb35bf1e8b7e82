"""One bot process of the crash tests: `crew.py URL STAGE EXPIRY work|once [RUN]`; drives what is due, or one run."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "unit" / "runs"))

from acting import QUICK, Stage, engine  # found only through the path above

from opsbot.runs.run import TRANSITIONS
from opsbot.store import open_store


def main(url: str, stage: str, expiry: str, verb: str, *runs: str) -> None:
    store = open_store(url)
    bot = engine(store, Stage(Path(stage)), "crew", pace=replace(QUICK, expiry=float(expiry)))
    if verb == "once":
        for run in runs:
            bot.drive(run)
        return
    Stage(Path(stage)).write(f"up {os.getpid()}")
    Stage(Path(stage)).wait_for("go", 60)
    while store.runs.by_status(TRANSITIONS):  # every status but the final ones
        for run in bot.due():
            bot.drive(run)
        time.sleep(0.005)


main(*sys.argv[1:])
