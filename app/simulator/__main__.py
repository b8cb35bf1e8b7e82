"""`python -m simulator`: the command line. Exit code 0: all as it should be; 1: not; 2: wrong usage."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Sequence
from typing import Any

from minitwit.settings import SettingsError, secret_key

from simulator import smoke
from simulator.traffic import SLOW_SECONDS, Load, simulate


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    arguments = _parser().parse_args(argv)
    if arguments.smoke:
        return _smoke(arguments.url)
    load = Load(
        url=arguments.url,
        seconds=arguments.seconds,
        rate=arguments.rate,
        threads=arguments.threads,
        seed=arguments.seed,
        limit=arguments.limit,
    )
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    _say("ready: SIGTERM or Ctrl-C ends it with the report")
    found = simulate(load, stop, _say)
    _print(json.dumps(found, ensure_ascii=False) if arguments.json else _readable(found))
    return 0 if found["ok"] else 1


def _smoke(url: str) -> int:
    try:
        key = secret_key(os.environ)
    except SettingsError as error:
        _print(json.dumps({"ok": False, "failed": "settings", "message": str(error)}))
        return 2
    found = smoke.run(url, key)
    _print(json.dumps(found, ensure_ascii=False))
    return 0 if found["ok"] else 1


def _readable(found: dict[str, Any]) -> str:
    end, slow = found["end_state"], found["slow"]
    spent = "".join(f"{name} {seconds} s, " for name, seconds in found["latency_seconds"].items())
    lines = [
        f"{found['requests']} requests in {found['seconds']} s ({found['rate']}/s), {found['failed']} failed",
        *(f"  {kind}: {number}" for kind, number in found["errors"].items()),
        f"{spent}{slow['requests']} over {slow['over_seconds']} s",
        f"nothing worked for {found['downtime']['seconds']} s",
        *(f"  from {span['from']} to {span['to']} s" for span in found["downtime"]["spans"][:20]),
        "answered by: " + ", ".join(f"{name} ({number})" for name, number in found["releases"].items()),
        f"end state: {end['users']} users, {end['messages']} messages, {end['follows']} follows, latest {end['latest']}",
        f"{len(end['differences'])} differences",
        *(f"  {sentence}" for sentence in end["differences"][:20]),
        "all as it should be" if found["ok"] else "NOT as it should be",
    ]
    return "\n".join(lines)


def _say(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _not_negative(text: str) -> float:
    number = float(text)
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError("must be 0 or more")
    return number


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="simulator", description="Traffic and smoke tests for MiniTwit")
    parser.add_argument("--url", required=True, help="where the application answers, such as http://web-blue:8000")
    parser.add_argument("--smoke", action="store_true", help="one user's path, leaving no trace; prints JSON")
    parser.add_argument("--seconds", type=_not_negative, default=10.0, help="how long; 0 = until SIGTERM (default 10)")
    parser.add_argument("--rate", type=_not_negative, default=20.0, help="requests a second; 0 = no pause (default 20)")
    parser.add_argument("--threads", type=_at_least_one, default=2, help="callers at once (default 2)")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same sequence of actions (default 0)")
    parser.add_argument("--limit", type=float, default=SLOW_SECONDS, help="longest request in seconds (default 0.3)")
    parser.add_argument("--json", action="store_true", help="the report as one JSON line on stdout")
    return parser


if __name__ == "__main__":
    sys.exit(main())
