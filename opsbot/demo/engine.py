"""Finds a swarm manager to work on, or starts a private one."""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.parse import urlsplit

from opsbot.demo import packages, private
from opsbot.demo.argv import ProgramFailed, Say
from opsbot.demo.docker import DEBIAN_CLIENT, Engine, best_client
from opsbot.demo.state import State
from opsbot.errors import OpsError

DEFAULT_SOCKET = Path("/var/run/docker.sock")
LOOPBACK = "127.0.0.1"


def ensure(state: State, say: Say) -> Engine:
    """A swarm manager that answers: the machine's own, or the private one, started if need be.

    Raises OpsError that says exactly what to do where none can be had.
    """
    state.claim()
    with state.locked("engine"):
        own = private.running(state)
        if own and os.environ.get("DOCKER_HOST") in {None, "", own.url}:
            return own
        theirs, why_not = machines_own(state)
        if theirs:
            say(f"using the engine at {theirs.url}")
            return theirs
        if own:
            return own
        say(f"{why_not} Starting a private engine in {state.root}.")
        _refuse_unless_debian_root(why_not)
        packages.ensure(packages.ENGINE, say)
        return private.start(state, say)


def find(state: State) -> Engine | None:
    """The engine that `ensure` would use, without starting anything."""
    return private.running(state) or machines_own(state)[0]


def machines_own(state: State) -> tuple[Engine | None, str]:
    """The engine of DOCKER_HOST or of the default socket if it will do; else None and why not."""
    url = os.environ.get("DOCKER_HOST") or f"unix://{DEFAULT_SOCKET}"
    if not is_local(url):
        return (
            None,
            f"The engine at {url} is on another machine: the demo's registry cannot be reached from it.",
        )
    if url == f"unix://{DEFAULT_SOCKET}" and not DEFAULT_SOCKET.exists():
        return None, "No Docker engine is installed and running on this machine."
    client = best_client(["docker", str(DEBIAN_CLIENT)])
    if client is None:
        return None, f"Something listens at {url}, but there is no docker client."
    engine = Engine(url, False, LOOPBACK, LOOPBACK, client, state.docker_config)
    try:
        swarm = json.loads(engine.docker("info", "--format", "{{json .Swarm}}", seconds=10))
    except (ProgramFailed, ValueError):
        return None, f"The engine at {url} does not answer."
    if not swarm.get("ControlAvailable"):
        return None, f"The engine at {url} is not the manager of a swarm."
    return engine, ""


def is_local(url: str) -> bool:
    """Whether an engine's address is on this machine."""
    parts = urlsplit(url)
    return parts.scheme == "unix" or (parts.hostname or "") in {LOOPBACK, "localhost", "::1"}


def _refuse_unless_debian_root(why_not: str) -> None:
    if packages.is_debian() and os.geteuid() == 0:
        return
    raise OpsError(
        f"{why_not} A private engine can only be started by root on Debian.",
        "Start Docker (`sudo systemctl start docker`) and make it the manager of a swarm"
        " (`docker swarm init --advertise-addr 127.0.0.1`), or point DOCKER_HOST at such an engine;"
        " or run this again as root on Debian.",
        code="no_engine",
    )
