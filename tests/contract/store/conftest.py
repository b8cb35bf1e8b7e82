"""Debian's PostgreSQL 15 in a temporary folder, on a socket of its own, and a fresh database in it for each test.

The tests themselves are those of tests/unit/store and tests/unit/runs.
"""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[2] / "unit"
sys.path[:0] = [str(UNIT / "store"), str(UNIT / "runs")]

from acting import Stage, engine  # noqa: E402  # found only through the path above

from opsbot.runs.engine import Engine  # noqa: E402
from opsbot.store import Store, open_store  # noqa: E402

BIN = Path("/usr/lib/postgresql/15/bin")
Start = Callable[..., "subprocess.Popen[bytes]"]
numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The folder of its socket."""
    if not (BIN / "postgres").exists():
        pytest.skip("needs PostgreSQL 15: apt-get install postgresql-15")
    account = _account()
    folder = Path(tempfile.mkdtemp(prefix="opsbot-pg-"))
    if account:
        os.chown(folder, pwd.getpwnam(account).pw_uid, -1)
    setup = [BIN / "initdb", "-D", folder / "data", "-A", "trust", "-U", "opsbot", "-E", "UTF8", "--no-sync"]
    subprocess.run(setup, user=account, check=True, capture_output=True, cwd=folder)
    options = ["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=200", "-k", str(folder)]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [BIN / "postgres", "-D", folder / "data", *options], user=account, stdout=log, stderr=log
        )
    try:
        _wait_until_it_answers(folder, server)
        yield str(folder)
    finally:
        server.send_signal(signal.SIGINT)  # fast: it does not wait for clients
        server.wait(30)
        shutil.rmtree(folder)


def _account() -> str | None:
    """Postgres refuses to run as root."""
    return "postgres" if os.getuid() == 0 else None


def _wait_until_it_answers(folder: Path, server: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        if subprocess.run([BIN / "pg_isready", "-q", "-h", folder, "-U", "opsbot"], check=False).returncode == 0:
            return
        assert server.poll() is None, (folder / "log").read_text()
        time.sleep(0.05)
    raise AssertionError("PostgreSQL did not start in 10 s")


@pytest.fixture
def fresh_postgres(postgres: str) -> str:
    name = f"opsbot_{next(numbers)}"
    subprocess.run([BIN / "createdb", "-h", postgres, "-U", "opsbot", name], check=True)
    return f"postgresql+psycopg2://opsbot@/{name}?host={postgres}"


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
