"""One stack as a team runs it: web in blue, database, edge with https, and what watches them; a bot's ear beside it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from opsbot.bot import alertmanager
from opsbot.clock import SystemClock
from opsbot.commands.doorstep import Doorstep
from opsbot.commands.record import Record
from opsbot.config.settings import Alertmanager, Config, Environment
from opsbot.demo import engine, images, monitoring, registry, stack
from opsbot.demo.argv import wait_until
from opsbot.demo.docker import Engine
from opsbot.demo.images import Images
from opsbot.demo.stack import Stack
from opsbot.demo.state import State
from opsbot.store import Store, open_store
from opsbot.web import Routes, Web

PREFIX = os.environ.get("OPSBOT_TEST_PREFIX", "montest")
NAME = f"{PREFIX}-watched"
WEB_ENVIRONMENT = {
    "DATABASE_URL": "postgresql+psycopg2://minitwit@db/minitwit",
    "DATABASE_PASSWORD_FILE": "/run/secrets/db_password",
    "SECRET_KEY_FILE": "/run/secrets/secret_key",
    "TRUSTED_PROXIES": "1",
    "RELEASE_ID": "1",
    "RELEASE_TAG": "v1",
}
SECRETS = [f"--secret=source={NAME}_{name},target={name}" for name in ("db_password", "secret_key")]
ENVIRONMENT = [f"--env={key}={value}" for key, value in WEB_ENVIRONMENT.items()]


@dataclass(frozen=True)
class Watched:
    """The stack and the bot's store. `http` asks without any proxy of the machine."""

    state: State
    engine: Engine
    images: Images
    stack: Stack
    store: Store
    http: requests.Session
    known: dict[str, str] = field(default_factory=dict)

    def url(self, service: str) -> str:
        """Where a watching service answers."""

        def there() -> bool:
            address = monitoring.url(self.engine, NAME, service)
            self.known.update({service: address} if address else {})
            return service in self.known

        assert service in self.known or wait_until(there, 60, 0.5), f"{service} does not run"
        return self.known[service]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """What Prometheus answers now."""
        answer = self.http.get(f"{self.url('prometheus')}/api/v1/query", params={"query": expression}, timeout=10)
        told = answer.json()
        assert told["status"] == "success", (expression, told)
        return list(told["data"]["result"])

    def value(self, expression: str) -> float | None:
        """The one number of an expression, or None."""
        found = self.query(expression)
        return float(found[0]["value"][1]) if found else None

    def inside(self, service: str, *command: str) -> str:
        """Run a command in the container of a service."""
        return self.engine.docker("exec", self.container(service), *command)

    def container(self, service: str) -> str:
        """The id of the running container of a service."""
        of_service = f"--filter=label=com.docker.swarm.service.name={NAME}_{service}"
        return self.engine.lines("ps", "--quiet", of_service, "--filter=status=running")[0]

    def spec(self, service: str) -> dict[str, Any]:
        """The raw spec of a service."""
        return dict(json.loads(self.engine.docker("service", "inspect", f"{NAME}_{service}"))[0]["Spec"])

    def services(self) -> list[str]:
        """Names without the stack's."""
        of_stack = f"--filter=label=com.docker.stack.namespace={NAME}"
        names = self.engine.lines("service", "ls", of_stack, "--format", "{{.Name}}")
        return [name.removeprefix(f"{NAME}_") for name in names]

    def once(self, *command: str, image: str | None = None) -> str:
        """Run a command beside the stack, in the web image, to its end."""
        url = WEB_ENVIRONMENT["DATABASE_URL"].replace("minitwit@", f"minitwit:{self.state.secret('db_password')}@")
        given = (
            "--network",
            f"{NAME}_net",
            "--env",
            f"DATABASE_URL={url}",
            "--env",
            "SECRET_KEY=only for this container",
        )
        chosen = image or f"{self.images.web}:v1"
        return self.engine.docker("run", "--rm", *given, chosen, *command, seconds=60)


@pytest.fixture(scope="session")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Everything is up, the simulator was there for a while, and Prometheus has measured it."""
    state = State.default()
    state.claim()
    host = engine.ensure(state, print)
    made = images.ensure(state, host, registry.ensure(state, host, print), print, monitoring=True)
    store = open_store(f"sqlite:///{tmp_path_factory.mktemp('bot')}/opsbot.db")
    web = _ear(state, host, store)
    try:
        up = stack.ensure(state, host, made, NAME, 0, print, web[1])
        http = requests.Session()
        http.trust_env = False
        found = Watched(state, host, made, up, store, http)
        _web(found)
        yield found
        http.close()
    finally:
        web[0].stop()
        stack.remove(host, NAME)
        store.close()


def _ear(state: State, host: Engine, store: Store) -> tuple[Web, monitoring.Monitoring]:
    """A bot's door for alerts, without the rest of the bot, where containers reach it."""
    place = Environment(stack=NAME)
    config = Config(environments={"production": place}, alertmanager=Alertmanager(token=state.secret(monitoring.TOKEN)))
    receiver = alertmanager.receiver(config, store, SystemClock(), lambda _: {})
    doorstep = Doorstep(Record(store.audit, SystemClock()), SystemClock())
    routes = Routes(lambda: (True, {}), alerts=alertmanager.door(config, receiver, doorstep))
    address = monitoring.address_of_this_machine(host)
    web = Web(f"{address}:0", routes)
    web.start()
    return web, monitoring.Monitoring(f"{address}:{web.port}", monitoring.address_of_its_host(host))


def _web(watched: Watched) -> None:
    watched.once("python", "-m", "minitwit.migrate")
    options = ["--replicas=2", "--endpoint-mode=dnsrr", "--detach", "--no-resolve-image", "--with-registry-auth"]
    options += ["--limit-memory=256M", f"--label=com.docker.stack.namespace={NAME}"]
    network = f"--network=name={NAME}_net,alias=web-blue"
    name = f"--name={NAME}_web-blue"
    image = f"{watched.images.web}:v1"
    watched.engine.docker("service", "create", name, *options, network, *SECRETS, *ENVIRONMENT, image)
    assert wait_until(lambda: _answers(watched), 60)
    # The counters must be there before they count, or nothing has grown.
    simulate(watched, 1)
    assert wait_until(lambda: (watched.value('count(minitwit_http_requests_total{status="404"})') or 0) > 0, 60, 0.5)
    simulate(watched, 5)


def simulate(watched: Watched, seconds: int) -> dict[str, Any]:
    """The simulator against the edge, and somebody who looks for who is not there: the simulator's report."""
    for _ in range(8):
        watched.http.get(f"{watched.stack.url}/nobody", timeout=10)
    options = ("--seconds", str(seconds), "--rate", "40", "--limit", "3", "--json")
    return dict(
        json.loads(watched.once("python", "-m", "simulator", "--url", "http://edge", *options).splitlines()[-1])
    )


def _answers(watched: Watched) -> bool:
    try:
        return watched.http.get(f"{watched.stack.url}/public", timeout=5).status_code == 200
    except requests.RequestException:
        return False


@pytest.fixture
def here() -> Path:
    return Path(__file__).parents[3] / "app"


def now() -> datetime:
    return datetime.now(UTC)


def until(what: Any, seconds: float) -> float:
    """How long it took; fails when it did not come."""
    began = time.monotonic()
    assert wait_until(what, seconds, 0.3)
    return time.monotonic() - began
