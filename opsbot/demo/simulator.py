"""MiniTwit's own simulator beside a stack of the demo: it runs while something else happens, then gives its report."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from opsbot.demo.argv import wait_until
from opsbot.demo.docker import Engine
from opsbot.errors import Unavailable

STARTS_WITHIN = 60  # seconds; before it is ready, it would not hear that it is to end
ENDS_WITHIN = 60  # seconds to compare the end state
LIMIT = "3"  # seconds a call may take: the demo's machine does much else


@dataclass
class Simulation:
    """What the simulator found; empty until it ended."""

    report: dict[str, Any] = field(default_factory=dict)

    @property
    def exact(self) -> bool:
        """No call failed, and what is there is exactly what was sent."""
        return bool(self.report.get("ok")) and not self.report["errors"] and not self.report["end_state"]["differences"]

    def sentence(self) -> str:
        """For a person."""
        if not self.report:
            return "The simulator gave no report."
        end = self.report["end_state"]
        found = "the end state is exact" if not end["differences"] else f"{len(end['differences'])} differences"
        calls = f"{self.report['requests']} calls, {self.report['failed']} failed"
        return f"The simulator: {calls}; {self._speed()}; {found}."

    def _speed(self) -> str:
        slow, p99 = self.report["slow"], self.report["latency_seconds"].get("p99")
        spent = "none" if p99 is None else f"{p99:.2f} s"
        return f"p99 {spent}, {slow['requests']} over {slow['over_seconds']} s"


@contextmanager
def simulator(engine: Engine, stack: str, image: str, seed: int) -> Iterator[Simulation]:
    """The simulator calls the stack's edge meanwhile, as its own people (`seed`)."""
    name, found = f"{stack}_simulator-{seed}", Simulation()
    options = ["--seconds", "0", "--rate", "20", "--limit", LIMIT, "--seed", str(seed), "--json"]
    # With a terminal both of its streams arrive as one.
    start = ["run", "--detach", "--tty", "--name", name, "--network", f"{stack}_net", "--memory", "256m", image]
    engine.docker(*start, "python", "-m", "simulator", "--url", "http://edge", *options)
    try:
        if not wait_until(lambda: "ready:" in engine.docker("logs", name), STARTS_WITHIN):
            raise Unavailable("The simulator did not start.", f"See docker logs {name}.")
        yield found
        engine.docker("stop", "--time", str(ENDS_WITHIN), name, seconds=ENDS_WITHIN + 30)
        said = engine.docker("logs", name).splitlines()
        found.report |= json.loads(said[-1]) if said and said[-1].startswith("{") else {}
    finally:
        engine.has("rm", "--force", name)
