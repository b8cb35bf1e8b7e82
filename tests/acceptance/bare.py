"""A stack that somebody made by hand, somebody at a terminal who has never heard of opsbot, and a bot in its container."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import shlex
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from loopback import Loopback, ports
from scene import until

from opsbot.backups.s3 import S3, Account
from opsbot.demo import base, s3, stack
from opsbot.demo.argv import ProgramFailed
from opsbot.demo.images import BOT, CHECKOUT, Builder
from opsbot.demo.parts import Parts
from opsbot.log import Secret

COMPOSE = """\
version: "3.8"
services:
  db:
    image: {db}
    environment: {{APP_DATABASE: shop, APP_ROLE: shop}}
    secrets: [postgres_password, db_password]
    volumes: [data:/var/lib/postgresql/data]
    deploy: {{endpoint_mode: dnsrr}}
  web:
    image: {web}:v1
    environment:
      DATABASE_URL: postgresql+psycopg2://shop@db/shop
      DATABASE_PASSWORD_FILE: /run/secrets/db_password
      SECRET_KEY_FILE: /run/secrets/secret_key
      MOTD: theirs
    secrets: [db_password, secret_key]
    volumes: [uploads:/uploads]
    deploy: {{endpoint_mode: dnsrr, update_config: {{order: start-first, monitor: 1s}}}}
volumes: {{data: {{}}, uploads: {{}}}}
secrets:
  postgres_password: {{external: true, name: {name}_postgres_password}}
  db_password: {{external: true, name: {name}_db_password}}
  secret_key: {{external: true, name: {name}_secret_key}}
"""
DUMP = "dumps/shop-2025-12-31.sql.gz"
SECONDS = 180
EARLIER = "38e1bdd49026b3e09857409b2b4072a398bd4507"  # a version that teams ran: what its record holds must be readable
JOURNAL = """\
import json, sys
from opsbot.store import open_store
store = open_store("sqlite:////var/lib/opsbot/opsbot.db")
print(json.dumps([[row.step, row.outcome, row.owner] for row in store.journal.rows(sys.argv[1])]))
"""


@dataclass
class Bare:
    """The stack, and somebody at a terminal who has never heard of opsbot. `typed`: what they typed."""

    parts: Parts
    name: str
    folder: Path
    bucket: str
    typed: list[str] = field(default_factory=list)

    @property
    def secrets(self) -> dict[str, str]:
        """What the person knows by heart and types nowhere."""
        known = self.parts.environment
        names = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "OPSBOT_S3_KEY", "OPSBOT_S3_SECRET", "OPSBOT_REGISTRY_PASSWORD")
        return {**{name: known[name] for name in names}, "OPSBOT_DB_PASSWORD": "superuser of the shop"}

    @property
    def storage(self) -> S3:
        """The bucket, seen from outside."""
        known = self.parts.s3
        return S3(Account(self.bucket, Secret(known.key), Secret(known.secret), known.endpoint))

    def words(self, line: str, **others: str) -> list[str]:
        """A line of the guide, with this stack's names in place of the guide's."""
        names = {"deployer": self.parts.registry.user, "shop-backups": self.bucket, **others}
        return [names.get(word, word) for word in shlex.split(line)]

    @property
    def here(self) -> list[str]:
        """What `init` would find by itself on a host of its own, with one stack and Amazon's S3."""
        known = self.parts
        return ["--engine", known.engine.url, "--env", f"production={self.name}", "--endpoint", known.s3.endpoint]

    def bake(self, seconds: str) -> None:
        """Watch a new release for so long."""
        path, image = self.folder / "opsbot.yml", self.parts.images.web
        text = path.read_text(encoding="utf-8")
        assert f'web: {{image: "{image}"' in text
        path.write_text(text.replace(f'web: {{image: "{image}"', f'web: {{bake: {seconds}, image: "{image}"'), "utf-8")

    def opsbot(self, *words: str) -> subprocess.CompletedProcess[str]:
        """One command, in the folder where `init` writes."""
        self.typed.append(" ".join(words))
        environment = {**os.environ, **self.secrets, "SLACK_API_URL": self.parts.workspace.api}
        argv = [sys.executable, "-m", "opsbot", *words]
        return subprocess.run(
            argv, cwd=self.folder, env={**environment, "PYTHONPATH": str(CHECKOUT)}, capture_output=True, text=True,
            timeout=SECONDS, check=False,
        )  # fmt: skip

    def done(self, *words: str) -> str:
        """One command that must work; what it said."""
        ended = self.opsbot(*words)
        assert ended.returncode == 0, f"{' '.join(words)}: {ended.returncode}\n{ended.stdout}\n{ended.stderr}"
        return ended.stdout

    def tasks(self, service: str = "") -> set[str]:
        """The ids of every task that was ever made for the stack, or for one of its services."""
        of = f"{self.name}_{service}" if service else self.name
        kind = ["service", "ps"] if service else ["stack", "ps"]
        return set(self.parts.engine.lines(*kind, "--quiet", "--no-trunc", of))

    def spec(self, service: str = "web") -> dict[str, object]:
        """The raw container spec of a service."""
        said = self.parts.engine.docker("service", "inspect", "--format", "{{json .Spec}}", f"{self.name}_{service}")
        found: dict[str, object] = json.loads(said)["TaskTemplate"]["ContainerSpec"]
        return found

    def healthy(self, service: str) -> bool:
        """As the swarm sees it."""
        of = ["service", "ls", "--filter", f"name={self.name}_{service}", "--format", "{{.Replicas}}"]
        return self.parts.engine.lines(*of) == ["1/1"]

    def container(self, service: str) -> str:
        """The running container of a service."""
        of = f"label=com.docker.swarm.service.name={self.name}_{service}"
        until(lambda: bool(self.parts.engine.lines("ps", "-q", "--filter", of)), 90, f"{service} did not start")
        return self.parts.engine.lines("ps", "-q", "--filter", of)[0]


def made(parts: Parts, folder: Path) -> Iterator[Bare]:
    """Made by hand with `docker stack deploy`, without a thought of any bot; its network lets tasks in and nothing else."""
    name = f"{parts.prefix}-bare"
    found = Bare(parts, name, folder, f"opsbot-{name}")
    stack.remove(parts.engine, name)
    s3.delete_bucket(parts.state, found.bucket)
    s3.ensure_bucket(parts.state, found.bucket)
    for secret, value in (
        ("postgres_password", found.secrets["OPSBOT_DB_PASSWORD"]),
        ("db_password", "of the shop"),
        ("secret_key", "a key"),
    ):
        parts.engine.docker("secret", "create", f"{name}_{secret}", "-", stdin=value)
    compose = found.folder / "compose.yml"
    compose.write_text(COMPOSE.format(db=parts.images.db, web=parts.images.web, name=name), encoding="utf-8")
    options = ["--resolve-image", "never", "--with-registry-auth", "--compose-file", str(compose)]
    parts.engine.docker("stack", "deploy", *options, name)
    _fill(found)
    yield found
    stack.remove(parts.engine, name)
    s3.delete_bucket(parts.state, found.bucket)


def _fill(bare: Bare) -> None:
    """What the shop holds, and what somebody's cron has left in the bucket."""
    make = "CREATE TABLE IF NOT EXISTS item AS SELECT n, 'thing ' || n AS name FROM generate_series(1, 100) n"
    engine, database = bare.parts.engine, bare.container("db")
    ask = ["exec", database, "psql", "--quiet", "--dbname=shop", "--command"]
    until(lambda: bare.healthy("db"), 90, "the database did not become healthy")
    until(lambda: engine.has(*ask, make), 90, "the database did not become ready")  # it restarts once when it is new
    dumped = engine.docker("exec", database, "pg_dump", "shop")
    bare.storage.put_new(DUMP, gzip.compress(f"{dumped}\n".encode()))
    until(lambda: bare.healthy("web"), 90, "web did not become healthy")


@dataclass(frozen=True)
class Inside:
    """A bot in its container, and somebody with a terminal in there."""

    bare: Bare
    container: str

    def reaching(self) -> Loopback:
        """While the parts on the machine's loopback can be reached from in there."""
        parts = self.bare.parts
        pid = int(parts.engine.docker("inspect", "--format", "{{.State.Pid}}", self.container))
        return Loopback(pid, ports((f"http://{parts.registry.address}", parts.s3.endpoint, parts.workspace.url)))

    def healthy(self) -> bool:
        """As the engine sees it."""
        status = ["inspect", "--format", "{{.State.Health.Status}}", self.container]
        return self.bare.parts.engine.docker(*status) == "healthy"

    def say(self, *words: str) -> str:
        """One command as root, who may open the engine's socket anyway."""
        return self.bare.parts.engine.docker("exec", self.container, "python", "-m", "opsbot", *words)

    def begin(self, *words: str) -> None:
        """A command that nobody waits for."""

        def follow() -> None:
            with contextlib.suppress(ProgramFailed):  # its container may end first
                self.say(*words)

        threading.Thread(target=follow, name=words[0], daemon=True).start()

    def at_work(self, playbook: str) -> str:
        """The id of the newest run of a playbook, once it has begun."""
        found: list[str] = []

        def begun() -> bool:
            runs = json.loads(self.say("runs", "--json"))
            found[:] = [run["id"] for run in runs if run["playbook"] == playbook and run["started_at"]]
            return bool(found)

        until(begun, 60, f"{playbook} did not begin")
        return found[0]

    def run(self, run: str) -> dict[str, object]:
        """The run as it is now."""
        found: dict[str, object] = json.loads(self.say("runs", run, "--json"))
        return found

    def journal(self, run: str) -> list[tuple[str, str, str]]:
        """Step, outcome and owner of every attempt."""
        said = self.bare.parts.engine.docker("exec", self.container, "python", "-c", JOURNAL, run)
        return [(row[0], row[1], row[2]) for row in json.loads(said)]


def versions(bare: Bare, before: str, now: str) -> list[str]:
    """The bot's image as it was at an earlier commit and as it is, under these tags; their names by digest."""
    state, engine = bare.parts.state, bare.parts.engine
    builder = Builder(state, engine, bare.parts.registry, base.ensure(state, engine, print), print)
    older = replace(BOT, tag=before, source=earlier(bare.folder / "earlier"))
    with state.locked("images"):
        return [builder.ensure(older), builder.ensure(replace(BOT, tag=now))]


def earlier(folder: Path) -> Path:
    """What the bot's image was made of at EARLIER, from the history of this checkout: one without it has to fetch it."""
    packed = subprocess.run(
        ["git", "-C", str(CHECKOUT), "archive", EARLIER, "--", *BOT.only], capture_output=True, check=True
    )
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder


def another(bare: Bare, old: str) -> str:
    """The container that Swarm starts beside the old one."""
    of = f"label=com.docker.swarm.service.name={bare.name}_bot_bot"

    def others() -> list[str]:
        return [one for one in bare.parts.engine.lines("ps", "-q", "--filter", of) if not old.startswith(one)]

    until(lambda: bool(others()), 60, "Swarm did not start the new version")
    return others()[0]
