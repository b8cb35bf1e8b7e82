"""Looks at each Prometheus that opsbot.yml names: whether it answers, and has what `chart` shows."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from opsbot.bot.reach import Reach
from opsbot.clock import Clock
from opsbot.config.settings import Config
from opsbot.install.finding import Check, Finding, ok, warn
from opsbot.telemetry.measures import MEASURES
from opsbot.telemetry.prometheus import Span

LATELY = timedelta(minutes=10)


def checks(config: Config, reach: Reach, clock: Clock) -> dict[str, Check]:
    """By name: one for each environment that something measures."""
    measured = [name for name, environment in config.environments.items() if environment.measured]
    return {f"prometheus of {name}": partial(numbers, reach, name, clock) for name in measured}


def numbers(reach: Reach, environment: str, clock: Clock) -> Finding:
    """Which measures have any number. Without traffic there is nothing to say of errors and latency."""
    server, now = reach.prometheus(environment), clock.now()
    span = Span.between(now - LATELY, now)
    there = [name for name, measure in MEASURES.items() if server.series(measure, span)]
    missing = [name for name in MEASURES if name not in there]
    if not there:
        cure = "Let it ask MiniTwit's /metrics and node_exporter, or correct `labels` in opsbot.yml."
        return warn("It answers, and has none of the numbers that `chart` shows.", cure)
    without = f"; none now of {', '.join(missing)}" if missing else ""
    return ok(f"It answers, and has numbers of {', '.join(there)}{without}.")
