"""Debian's PostgreSQL 15 in a temporary folder, on a socket of its own, for tests that want a server to themselves."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

BIN = Path("/usr/lib/postgresql/15/bin")
OWNER = "opsbot"  # the superuser's name; it needs no password on the socket


@contextmanager
def running(*options: str) -> Iterator[str]:
    """The folder of its socket; the server and its data go with the block."""
    if not (BIN / "postgres").exists():
        pytest.skip("needs PostgreSQL 15: apt-get install postgresql-15")
    account = "postgres" if os.getuid() == 0 else None  # Postgres refuses to run as root
    folder = Path(tempfile.mkdtemp(prefix="opsbot-pg-"))
    if account:
        os.chown(folder, pwd.getpwnam(account).pw_uid, -1)
    setup = [BIN / "initdb", "-D", folder / "data", "-A", "trust", "-U", OWNER, "-E", "UTF8", "--no-sync"]
    subprocess.run(setup, user=account, check=True, capture_output=True, cwd=folder)
    settings = ["listen_addresses=", "fsync=off", "max_connections=200", *options]
    argv = [BIN / "postgres", "-D", folder / "data", "-k", folder, *(part for one in settings for part in ("-c", one))]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(argv, user=account, stdout=log, stderr=log, cwd=folder)
    try:
        _wait_until_it_answers(folder, server)
        yield str(folder)
    finally:
        server.send_signal(signal.SIGINT)  # fast: it does not wait for clients
        server.wait(30)
        shutil.rmtree(folder)


def create(folder: str, name: str) -> None:
    """A new database."""
    subprocess.run([BIN / "createdb", "-h", folder, "-U", OWNER, name], check=True)


def drop(folder: str, name: str) -> None:
    """A database goes with all that is in it."""
    subprocess.run([BIN / "dropdb", "-h", folder, "-U", OWNER, name], check=True)


def _wait_until_it_answers(folder: Path, server: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        if subprocess.run([BIN / "pg_isready", "-q", "-h", folder, "-U", OWNER], check=False).returncode == 0:
            return
        assert server.poll() is None, (folder / "log").read_text()
        time.sleep(0.05)
    raise AssertionError("PostgreSQL did not start in 10 s")
