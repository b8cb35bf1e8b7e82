"""The standing parts of one environment: the database and the edge, deployed from app/stack.yml with their secrets."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass

import requests

from opsbot.demo.argv import ProgramFailed, Say, timed, wait_until
from opsbot.demo.docker import Engine
from opsbot.demo.images import APP, Images
from opsbot.demo.state import State, port_is_free
from opsbot.errors import OpsError, Refused, Unavailable

FILE = APP / "stack.yml"
OWNER = "opsbot.demo"
SECRETS = ("postgres_password", "db_password", "secret_key")
READY_SECONDS = 90


@dataclass(frozen=True)
class Stack:
    """A stack that was deployed. `url` is where its edge answers from this machine."""

    name: str
    url: str


def ensure(state: State, engine: Engine, images: Images, name: str, prefer_port: int, say: Say) -> Stack:
    """Deploy the stack, or bring it up to date, and wait until database and edge are healthy."""
    _refuse_a_stranger(state, engine, name)
    if not engine.has("service", "inspect", f"{name}_edge"):
        port = state.port(f"edge:{name}", prefer_port)
        if engine.host_address == "127.0.0.1" and not port_is_free(port):
            state.forget_port(f"edge:{name}")
    stack = Stack(name, f"http://{engine.host_address}:{state.port(f'edge:{name}', prefer_port)}")
    with timed(say, f"deploying the stack {name} at {stack.url}"):
        for secret in SECRETS:
            _ensure_secret(state, engine, name, secret)
        _deploy(engine, images, stack)
        if not wait_until(lambda: _healthy(engine, stack), READY_SECONDS, 0.2):
            raise Unavailable(
                f"The stack {name} is not healthy after {READY_SECONDS} s: {_complaints(engine, name)}",
                "`docker stack ps --no-trunc` shows more.",
            )
    return stack


def remove(engine: Engine, name: str) -> None:
    """The stack with what deploys added to it, its secrets and its volumes are gone."""
    services = _of_stack(engine, "service", name)
    if services:
        engine.docker("service", "rm", *services)
    for leftover in _of_stack(engine, "container", name, "--all"):
        engine.has("container", "rm", "--force", leftover)
    wait_until(lambda: not _of_stack(engine, "container", name, "--all"), 20)
    for kind in ("secret", "config", "network", "volume"):
        _remove_all(engine, kind, name)


def is_there(engine: Engine, name: str) -> bool:
    """Whether anything of that stack runs."""
    return bool(_of_stack(engine, "service", name))


def _deploy(engine: Engine, images: Images, stack: Stack) -> None:
    port = stack.url.rpartition(":")[2]
    settings = {"STACK": stack.name, "DB_IMAGE": images.db, "EDGE_IMAGE": images.edge, "EDGE_PORT": port}
    options = ["--compose-file", str(FILE), "--resolve-image", "never", "--with-registry-auth"]
    try:
        engine.docker("stack", "deploy", *options, stack.name, env=settings)
    except ProgramFailed as failed:
        raise OpsError(
            f"The stack {stack.name} was refused: {failed.output.strip()}", "Mend app/stack.yml."
        ) from failed


def _ensure_secret(state: State, engine: Engine, stack: str, name: str) -> None:
    full = f"{stack}_{name}"
    if engine.has("secret", "inspect", full):
        return
    labels = [f"--label=com.docker.stack.namespace={stack}", f"--label={OWNER}={_ownership(state)}"]
    engine.docker("secret", "create", *labels, full, "-", stdin=state.secret(name))


def _refuse_a_stranger(state: State, engine: Engine, name: str) -> None:
    """A stack of this name that our secrets do not mark may be somebody's real one: leave it alone."""
    wanted = f'{{{{index .Spec.Labels "{OWNER}"}}}}'
    secret = f"{name}_{SECRETS[0]}"
    try:
        owner = engine.docker("secret", "inspect", "--format", wanted, secret)
    except ProgramFailed:
        owner = "" if is_there(engine, name) else _ownership(state)
    if owner != _ownership(state):
        raise Refused(
            f"The engine at {engine.url} already has a stack {name} that this demo did not make.",
            f"Remove it (`docker stack rm {name}`, its secrets and volumes) or choose another prefix.",
            code="foreign_stack",
        )


def _ownership(state: State) -> str:
    """Tells our secrets from those of another state folder, whose passwords differ."""
    return hashlib.sha256("".join(state.secret(name) for name in SECRETS).encode()).hexdigest()[:12]


def _healthy(engine: Engine, stack: Stack) -> bool:
    of_stack = f"--filter=label=com.docker.stack.namespace={stack.name}"
    lines = engine.lines("service", "ls", of_stack, "--format", "{{.Name}} {{.Replicas}}")
    replicas = dict(line.split()[:2] for line in lines)
    if any(replicas.get(f"{stack.name}_{service}") != "1/1" for service in ("db", "edge")):
        return False
    try:
        return bool(requests.get(f"{stack.url}/edge/health", timeout=2).ok)
    except requests.RequestException:
        return False


def _complaints(engine: Engine, name: str) -> str:
    lines = engine.lines("stack", "ps", "--no-trunc", "--format", "{{.Name}} {{.CurrentState}} {{.Error}}", name)
    return "; ".join(lines[:6])


def _of_stack(engine: Engine, kind: str, name: str, *options: str) -> list[str]:
    """Names of what carries the stack's label or its prefix (a service that a deploy made need not be labelled)."""
    column = "{{.Names}}" if kind == "container" else "{{.Name}}"
    names = engine.lines(kind, "ls", *options, "--format", column)
    return [found for found in names if found.startswith(f"{name}_")]


def _remove_all(engine: Engine, kind: str, name: str) -> None:
    """Swarm lets go of what tasks used a moment after they end."""
    end = time.monotonic() + 20
    while found := _of_stack(engine, kind, name):
        for each in found:
            engine.has(kind, "rm", each)
        if time.monotonic() > end:
            raise OpsError(f"The {kind} {found[0]} is still in use.", "Try again.", again=True)
        time.sleep(0.2)
