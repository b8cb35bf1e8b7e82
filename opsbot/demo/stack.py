"""The standing parts of one environment: database, edge, and what watches them, deployed from app/ with their secrets."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass

import requests

from opsbot.demo import certificate
from opsbot.demo import monitoring as watching
from opsbot.demo.argv import ProgramFailed, Say, timed, wait_until
from opsbot.demo.docker import Engine
from opsbot.demo.images import APP, Images
from opsbot.demo.state import State, port_is_free
from opsbot.errors import OpsError, Refused, Unavailable

FILES = (APP / "stack.yml", APP / "stack.tls.yml")
OWNER = "opsbot.demo"
SECRETS = ("postgres_password", "db_password", "secret_key", "monitor_password")
READY_SECONDS = 90
HTTPS_ABOVE = 363  # 8443 beside 8080


@dataclass(frozen=True)
class Stack:
    """A stack that was deployed. `url` and `https` are where its edge answers from this machine."""

    name: str
    url: str
    https: str


def ensure(
    state: State,
    engine: Engine,
    images: Images,
    name: str,
    prefer_port: int,
    say: Say,
    monitoring: watching.Monitoring | None = None,
) -> Stack:
    """Deploy the stack, or bring it up to date, and wait until database and edge are healthy.

    With `monitoring` Prometheus and its kin come up beside it; they are not waited for.
    """
    _refuse_a_stranger(state, engine, name)
    is_new = not engine.has("service", "inspect", f"{name}_edge")
    port = _port(state, engine, f"edge:{name}", prefer_port, is_new)
    https = _port(state, engine, f"https:{name}", prefer_port and prefer_port + HTTPS_ABOVE, is_new)
    stack = Stack(name, f"http://{engine.host_address}:{port}", f"https://{engine.host_address}:{https}")
    with timed(say, f"deploying the stack {name} at {stack.url}"):
        _ensure_secrets(state, engine, name, say, monitoring)
        _deploy(engine, images, stack, monitoring)
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


def _port(state: State, engine: Engine, name: str, prefer: int, is_new: bool) -> int:
    """The port of an edge; a new one where a stranger listens at the old one."""
    port = state.port(name, prefer)
    if is_new and engine.host_address == "127.0.0.1" and not port_is_free(port):
        state.forget_port(name)
    return state.port(name, prefer)


def _deploy(engine: Engine, images: Images, stack: Stack, monitoring: watching.Monitoring | None) -> None:
    files = [*FILES, *([watching.FILE] if monitoring else [])]
    settings = {"STACK": stack.name, "DB_IMAGE": images.db, "EDGE_IMAGE": images.edge}
    settings |= {"EDGE_PORT": stack.url.rpartition(":")[2], "EDGE_TLS_PORT": stack.https.rpartition(":")[2]}
    if monitoring:
        settings |= watching.settings(images, monitoring)
    options = [*(f"--compose-file={file}" for file in files), "--resolve-image=never", "--with-registry-auth"]
    try:
        engine.docker("stack", "deploy", *options, stack.name, env=settings)
    except ProgramFailed as failed:
        raise OpsError(
            f"The stack {stack.name} was refused: {failed.output.strip()}", "Mend app/stack*.yml."
        ) from failed


def _ensure_secrets(state: State, engine: Engine, stack: str, say: Say, monitoring: watching.Monitoring | None) -> None:
    own = certificate.ensure(state, say, engine.host_address)
    wanted = {name: state.secret(name) for name in SECRETS}
    wanted |= {"tls_certificate": own.certificate, "tls_key": own.key}
    if monitoring:
        wanted[watching.TOKEN] = state.secret(watching.TOKEN)
    there = set(engine.lines("secret", "ls", "--format", "{{.Name}}"))
    labels = [f"--label=com.docker.stack.namespace={stack}", f"--label={OWNER}={_ownership(state)}"]
    for name, content in wanted.items():
        if f"{stack}_{name}" not in there:
            engine.docker("secret", "create", *labels, f"{stack}_{name}", "-", stdin=content)


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
    return hashlib.sha256("".join(state.secret(name) for name in SECRETS[:3]).encode()).hexdigest()[:12]


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
