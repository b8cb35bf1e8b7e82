"""Measures areas, prints a table, writes build/bench.json. A missed target is told; what cannot be measured is an error."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence

import click

from opsbot.errors import OpsError
from tests.bench import app, backups, chat, engine, health, runtime
from tests.bench.rows import FILE, Row, table, write
from tests.bench.world import NotMeasured, World, world

AREAS: dict[str, Callable[[World], Sequence[Row]]] = {
    "runtime": runtime.measure,
    "chat": chat.measure,
    "app": app.measure,
    "health": health.measure,
    "engine": engine.measure,
    "backups": backups.measure,
}


@click.command()
@click.argument("area", type=click.Choice([*AREAS, "all"]), default="all")
def main(area: str) -> None:
    """Measure one area or all; each takes at most 15 minutes."""
    wanted = list(AREAS) if area == "all" else [area]
    click.echo(f"load average before anything was started: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    measured: list[Row] = []
    failed: list[str] = []
    try:
        with world() as found:
            for name in wanted:
                _measure(name, found, measured, failed)
    except OpsError as error:
        failed.append(error.sentence())
    if measured:
        click.echo(table(measured))
        click.echo(f"written to {FILE}")
    for line in failed:
        click.echo(line, err=True)
    sys.exit(1 if failed else 0)


def _measure(name: str, found: World, measured: list[Row], failed: list[str]) -> None:
    started = time.monotonic()
    click.echo(f"measuring {name}")
    try:
        rows = list(AREAS[name](found))
    except (NotMeasured, OpsError, OSError, ValueError) as error:
        failed.append(f"{name} could not be measured: {error}")
        return
    write(rows, [name])
    measured += rows
    click.echo(f"measured {name} in {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
