"""The demo's image registry: Debian's docker-registry on this machine alone, behind a login."""

from __future__ import annotations

from dataclasses import dataclass, field

import bcrypt
import requests
import yaml

from opsbot.demo import daemon, packages
from opsbot.demo.argv import Say, run, timed, wait_until
from opsbot.demo.docker import Engine
from opsbot.demo.state import State, port_is_free, write_private
from opsbot.errors import Unavailable

NAME = "registry"
USER = "opsbot"


@dataclass(frozen=True)
class Registry:
    """A registry that answers. `address` is host:port, the first part of its images' names."""

    address: str
    user: str
    password: str = field(repr=False)

    def has(self, repository: str, tag: str) -> bool:
        """Whether this tag was pushed."""
        answer = requests.head(
            f"http://{self.address}/v2/{repository}/manifests/{tag}",
            auth=(self.user, self.password),
            headers={"Accept": "application/vnd.docker.distribution.manifest.v2+json"},
            timeout=10,
        )
        return bool(answer.ok)

    def answers(self) -> bool:
        """Whether it lets us in."""
        try:
            reply = requests.get(f"http://{self.address}/v2/", auth=(self.user, self.password), timeout=2)
        except requests.RequestException:
            return False
        return bool(reply.ok)


def ensure(state: State, engine: Engine, say: Say) -> Registry:
    """A registry that runs and that the engine is logged in to."""
    with state.locked(NAME):
        registry = _start(state, engine, say)
    engine.remember_login(registry.address, registry.user, registry.password)
    return registry


def stop(state: State) -> None:
    """End it; the images it holds stay."""
    daemon.stop(state, NAME)


def _start(state: State, engine: Engine, say: Say) -> Registry:
    if daemon.running(state, NAME) is None and not port_is_free(state.port(NAME), engine.parts_address):
        state.forget_port(NAME)
    address = f"{engine.parts_address}:{state.port(NAME)}"
    registry = Registry(address, USER, state.secret("registry_password"))
    if daemon.running(state, NAME) and registry.answers():
        return registry
    packages.ensure(packages.REGISTRY, say)
    daemon.stop(state, NAME)
    with timed(say, f"starting the registry at {address}"):
        settings = state.folder(NAME) / "config.yml"
        write_private(settings, yaml.safe_dump(_settings(state, registry)))
        daemon.start(state, NAME, ["docker-registry", "serve", str(settings)])
        wait_until(lambda: registry.answers() or not daemon.running(state, NAME), 20)
        if not registry.answers():
            tail = run(["tail", "-n", "3", str(state.log(NAME))])
            raise Unavailable(f"The registry at {address} does not answer: {tail.strip()}", "Try again.")
    return registry


def _settings(state: State, registry: Registry) -> dict[str, object]:
    logins = state.folder(NAME) / "htpasswd"
    # Cost 5: the password is 160 random bits, and every pull of a layer checks it.
    hashed = bcrypt.hashpw(registry.password.encode(), bcrypt.gensalt(5)).decode()
    write_private(logins, f"{registry.user}:{hashed}\n")
    return {
        "version": 0.1,
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(state.folder(NAME, "images"))},
            "delete": {"enabled": True},
        },
        "http": {"addr": registry.address, "secret": state.secret("registry_http_secret")},
        "auth": {"htpasswd": {"realm": "opsbot demo", "path": str(logins)}},
    }
