"""Debian's PostgreSQL 15 in a temporary folder, on a socket of its own, and a fresh database in it for each test.

The tests themselves are those of tests/unit/store and tests/unit/runs.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import own_postgres
import pytest

UNIT = Path(__file__).parents[2] / "unit"
sys.path[:0] = [str(UNIT / room) for room in ("store", "runs", "commands")]

from acting import Stage, engine  # noqa: E402  # found only through the path above

from opsbot.runs.engine import Engine  # noqa: E402  # after the path above
from opsbot.store import Store, open_store  # noqa: E402  # after the path above

Start = Callable[..., "subprocess.Popen[bytes]"]
numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The folder of its socket."""
    with own_postgres.running() as folder:
        yield folder


@pytest.fixture
def fresh_postgres(postgres: str) -> str:
    name = f"opsbot_{next(numbers)}"
    own_postgres.create(postgres, name)
    return f"postgresql+psycopg2://{own_postgres.OWNER}@/{name}?host={postgres}"


@pytest.fixture
def url(fresh_postgres: str) -> str:
    return fresh_postgres


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = open_store(url)
    yield opened
    opened.close()


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path / "stage")


@pytest.fixture
def bot(store: Store, stage: Stage) -> Engine:
    return engine(store, stage)


@pytest.fixture
def start(url: str, stage: Stage) -> Iterator[Start]:
    crew: list[subprocess.Popen[bytes]] = []

    def begin(verb: str, *runs: str, expiry: float = 0.5) -> subprocess.Popen[bytes]:
        argv = [
            sys.executable,
            str(Path(__file__).with_name("crew.py")),
            url,
            str(stage.path),
            str(expiry),
            verb,
            *runs,
        ]
        crew.append(subprocess.Popen(argv, env={**os.environ, "PYTHONPATH": str(Path.cwd())}))
        return crew[-1]

    yield begin
    for each in crew:
        if each.poll() is None:
            each.kill()
        each.wait()
