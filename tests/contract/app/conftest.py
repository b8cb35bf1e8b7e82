"""The application's own containers on a network of their own: the demo's images, a new database, two replicas."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import old_minitwit
import own_postgres
import pytest
from old_minitwit import Ours

from opsbot.demo import engine, images, registry
from opsbot.demo.argv import wait_until
from opsbot.demo.docker import Engine
from opsbot.demo.state import State

PASSWORD = "only for these tests"
NUMBERS = itertools.count(1)
ENVIRONMENT = {
    "SECRET_KEY": "only for these tests, too",
    "RELEASE_ID": "r1",
    "DATABASE_URL": "postgresql+psycopg2://minitwit@db/minitwit",
    "DATABASE_PASSWORD_FILE": "/run/secrets/db_password",
}


@dataclass(frozen=True)
class Containers:
    """Containers on one network; all of them, and the network, go at the end."""

    engine: Engine
    name: str
    secrets: str
    db: str
    web: str
    edge: str

    def start(self, alias: str, image: str, *arguments: str, **changed: str) -> str:
        """Start a container that stays, with changed environment variables; returns its id."""
        return self.engine.docker("run", "--detach", *self._common(alias, changed), image, *arguments)

    def once(self, *command: str, **changed: str) -> tuple[int, Any]:
        """Run a command in the web image to its end: its exit code and its last line, read as JSON."""
        identity = self.start("once", self.web, *command, **changed)
        code = int(self.engine.docker("wait", identity))
        return code, json.loads(self.engine.docker("logs", identity).splitlines()[-1])

    def sql(self, statement: str, database: str = "minitwit") -> str:
        """Ask the database, as its superuser, on its own socket."""
        return self.engine.docker("exec", f"{self.name}-db", "psql", "-Atc", statement, "-d", database)

    def ask(self, path: str, host: str = "web-1", target: str = "127.0.0.1:8000") -> tuple[int, str]:
        """GET from inside the container `host`: status and body."""
        program = (
            "import sys, http.client as c; h = c.HTTPConnection(sys.argv[2], timeout=10);"
            " h.request('GET', sys.argv[1]); r = h.getresponse(); print(r.status, r.read().decode())"
        )
        answer = self.engine.docker("exec", f"{self.name}-{host}", "python", "-c", program, path, target)
        status, _, body = answer.partition(" ")
        return int(status), body

    def healthy(self, alias: str) -> bool:
        """Whether the image's own check says so."""
        state = self.engine.docker("inspect", "--format", "{{.State.Health.Status}}", f"{self.name}-{alias}")
        return state == "healthy"

    def _common(self, alias: str, changed: dict[str, str]) -> list[str]:
        shown = f"{self.name}-{alias}" if alias != "once" else f"{self.name}-{time.monotonic_ns()}"
        secrets = [f"{self.secrets}:/run/secrets:ro"]
        return [
            "--health-interval=1s",
            *("--network", self.name, "--network-alias", alias, "--name", shown),
            *(part for volume in secrets for part in ("--volume", volume)),
            *(part for setting in (ENVIRONMENT | changed).items() for part in ("--env", "=".join(setting))),
        ]


@pytest.fixture(scope="module")
def containers() -> Iterator[Containers]:
    """A database that was just made, and nothing else yet."""
    state = State.default()
    state.claim()
    host = engine.ensure(state, print)
    made = images.ensure(state, host, registry.ensure(state, host, print), print)
    name = f"apptest-{os.getpid()}"
    host.docker("network", "create", name)
    host.docker("volume", "create", name)
    fill = 'for s in postgres_password db_password; do printf %s "$1" > /s/$s; done; chmod 755 /s; chmod 644 /s/*'
    volume = ("--volume", f"{name}:/s")
    host.docker("run", "--rm", *volume, "--user", "0", "--entrypoint", "sh", made.db, "-c", fill, "sh", PASSWORD)
    found = Containers(host, name, name, made.db, f"{made.web}:v1", made.edge)
    try:
        found.start("db", found.db)
        assert wait_until(lambda: found.healthy("db"), 60)
        yield found
    finally:
        of_ours = host.lines("ps", "--all", "--quiet", "--filter", f"network={name}")
        if of_ours:
            host.docker("rm", "--force", "--volumes", *of_ours)
        host.docker("network", "rm", name)
        host.docker("volume", "rm", name)


@pytest.fixture(scope="module")
def replicas(containers: Containers) -> Containers:
    """The schema and two replicas, all from the same image."""
    code, found = containers.once("python", "-m", "minitwit.migrate")
    assert code == 0, found
    for alias in ("web-1", "web-2"):
        containers.start(alias, containers.web)
    for alias in ("web-1", "web-2"):
        assert wait_until(lambda alias=alias: containers.healthy(alias), 60)
    return containers


@pytest.fixture(scope="session")
def folder() -> Iterator[str]:
    """The socket of a Postgres of our own."""
    with own_postgres.running() as found:
        yield found


@pytest.fixture
def database(folder: str) -> Callable[[], Ours]:
    """Makes databases with our schema and nothing in it."""

    def make() -> Ours:
        made = Ours(folder, f"minitwit_{next(NUMBERS)}")
        own_postgres.create(folder, made.name)
        subprocess.run([sys.executable, "-m", "minitwit.migrate"], env=made.env, check=True, capture_output=True)
        return made

    return make


@pytest.fixture
def ours(database: Callable[[], Ours]) -> Ours:
    return database()


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A MiniTwit of 2010."""
    path = tmp_path / "minitwit.db"
    old_minitwit.write(path)
    return path
