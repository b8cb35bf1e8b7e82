"""Brings the demo's parts up and down: `python -m opsbot.demo.parts up|down|clean`."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import click

from opsbot.demo import daemon, engine, images, monitoring, private, registry, s3, stack, workspace
from opsbot.demo.argv import Say, timed
from opsbot.demo.docker import Engine
from opsbot.demo.state import DEFAULT_PREFIX, State, read_json, write_private
from opsbot.errors import OpsError

KEPT = 0


@dataclass(frozen=True)
class Parts:
    """Everything that runs for one stack prefix. `alerts`: where its bot listens for Alertmanager, if that runs."""

    state: State
    prefix: str
    engine: Engine
    registry: registry.Registry
    s3: s3.S3
    bucket: str
    images: images.Images
    workspace: workspace.Workspace
    production: stack.Stack
    staging: stack.Stack
    alerts: str | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What opsbot.yml takes from the environment; holds secrets."""
        listen = self.state.port(f"listen:{self.prefix}", 8090)
        store = self.state.folder("prefixes", self.prefix) / "opsbot.db"
        return {
            "OPSBOT_ENGINE": self.engine.url,
            "OPSBOT_STORE": f"sqlite:///{store}",
            "OPSBOT_LISTEN": f"127.0.0.1:{listen}",
            "OPSBOT_ALERTMANAGER_LISTEN": self.alerts or "",
            "OPSBOT_HOST_ADDRESS": monitoring.address_of_its_host(self.engine) if self.alerts else "",
            "OPSBOT_ALERTMANAGER_TOKEN": self.state.secret(monitoring.TOKEN) if self.alerts else "",
            "OPSBOT_CI_TOKEN": "",
            "OPSBOT_PROMETHEUS": "prometheus" if self.alerts else "",
            "OPSBOT_REGISTRY": self.registry.address,
            "OPSBOT_REGISTRY_USER": self.registry.user,
            "OPSBOT_REGISTRY_PASSWORD": self.registry.password,
            "OPSBOT_WEB_IMAGE": self.images.web,
            **self._stack_settings,
            "OPSBOT_DB_PASSWORD": self.state.secret("postgres_password"),
            "OPSBOT_S3_ENDPOINT": self.s3.endpoint,
            "OPSBOT_S3_BUCKET": self.bucket,
            "OPSBOT_S3_KEY": self.s3.key,
            "OPSBOT_S3_SECRET": self.s3.secret,
            "SLACK_API_URL": self.workspace.api,
            "SLACK_BOT_TOKEN": self.workspace.bot_token,
            "SLACK_APP_TOKEN": self.workspace.app_token,
            "SLACK_SIGNING_SECRET": "",  # the bot opens a socket here; nobody calls it
        }

    @property
    def _stack_settings(self) -> dict[str, str]:
        """What the stack files leave open. Without monitoring its images are nothing, and `stack apply` says so."""
        named = dict.fromkeys(images.OFFICIAL, "") | {
            "DB_IMAGE": self.images.db,
            "EDGE_IMAGE": self.images.edge,
            **self.images.monitoring,
        }
        ports = {
            f"{name}_{kind}": url.rpartition(":")[2]
            for name, found in (("PRODUCTION", self.production), ("STAGING", self.staging))
            for kind, url in (("PORT", found.url), ("TLS_PORT", found.https))
        }
        return {f"OPSBOT_{name}": value for name, value in (named | ports).items()}


def up(state: State, say: Say, prefix: str = DEFAULT_PREFIX, *, keep: bool = False, watched: bool = False) -> Parts:
    """Start what is not running and wait until all of it answers; writes `state.env_file(prefix)`.

    The parts belong to this program until `down`; with `keep`, to nobody: they outlive it. `watched`: with Prometheus and
    its kin beside both stacks; they are not waited for.
    """
    state.claim()
    _sign_in(state, prefix, keep)
    with ThreadPoolExecutor(3) as pool:
        chat = pool.submit(workspace.ensure, state, prefix, _preferred(prefix, 8070), say)
        storage = pool.submit(s3.ensure, state, say)
        host = engine.ensure(state, say)
        store = registry.ensure(state, host, say)
        made = images.ensure(state, host, store, say, monitoring=watched)
        watch = _watch(state, host, prefix) if watched else None
        production, staging = (
            pool.submit(stack.ensure, state, host, made, name, _preferred(prefix, port), say, watch)
            for name, port in ((prefix, 8080), (f"{prefix}-staging", 8081))
        )
        bucket = bucket_of(prefix)
        parts_s3 = storage.result()
        s3.ensure_bucket(state, bucket)
        parts = Parts(
            state=state,
            prefix=prefix,
            engine=host,
            registry=store,
            s3=parts_s3,
            bucket=bucket,
            images=made,
            workspace=chat.result(),
            production=production.result(),
            staging=staging.result(),
            alerts=watch.bot if watch else None,
        )
    lines = [f"{name}={value}\n" for name, value in parts.environment.items()]
    write_private(state.env_file(prefix), "".join(lines))
    return parts


def down(state: State, say: Say, prefix: str = DEFAULT_PREFIX) -> None:
    """Remove the prefix's stacks with their data; end what no other prefix of this state folder uses.

    Where nothing was ever up, nothing is written either: the folder could not be claimed afterwards.
    """
    if not state.ours:
        return
    host = engine.find(state)
    with timed(say, f"taking down {prefix}"):
        workspace.stop(state, prefix)
        if host:
            _remove_stacks(host, prefix)
        if daemon.running(state, s3.NAME):
            s3.delete_bucket(state, bucket_of(prefix))
        shutil.rmtree(state.folder("prefixes", prefix))
        state.env_file(prefix).unlink(missing_ok=True)
        (state.folder("users") / prefix).unlink(missing_ok=True)
    with state.locked("users"):
        if not _users(state):
            stop_shared(state, say)


def stop_shared(state: State, say: Say) -> None:
    """End engine, registry and S3 server; images and packages stay for the next start."""
    with timed(say, "stopping engine, registry and S3 server"):
        s3.stop(state)
        registry.stop(state)
        private.stop(state)


def clean(state: State, say: Say) -> None:
    """Every program of ours ends, and nothing stays of the state folder, its swarm, networks and mounts."""
    if not state.ours:
        say(f"nothing to clean: {state.root} was not made by the demo")
        return
    with timed(say, f"removing {state.root}"):
        host = engine.find(state)
        if host and not host.private:
            _clean_machines_own(state, host)
        for program in daemon.all_recorded(state):
            if program.name != private.NAME:
                daemon.stop(state, program.name)
        s3.stop(state)
        private.remove(state)
        shutil.rmtree(state.root)


def bucket_of(prefix: str) -> str:
    """The bucket of a prefix's backups."""
    return "opsbot-demo" if prefix == DEFAULT_PREFIX else f"opsbot-{prefix}"


def _remove_stacks(host: Engine, prefix: str) -> None:
    with ThreadPoolExecutor(2) as both:
        list(both.map(lambda name: stack.remove(host, name), (f"{prefix}-staging", prefix)))


def _clean_machines_own(state: State, host: Engine) -> None:
    """An engine that is not ours keeps everything but our prefixes and our images."""
    for folder in state.folder("prefixes").iterdir():
        _remove_stacks(host, folder.name)
    ours = f"{host.parts_address}:{state.port(registry.NAME)}/"
    names = host.lines("image", "ls", "--format", "{{.Repository}}:{{.Tag}}")
    for name in names:
        if name.startswith(ours):
            host.has("image", "rm", name)


def _watch(state: State, host: Engine, prefix: str) -> monitoring.Monitoring:
    address = monitoring.address_of_this_machine(host)
    bot = f"{address}:{state.port(f'alerts:{prefix}', _preferred(prefix, 8091))}"
    return monitoring.Monitoring(bot, monitoring.address_of_its_host(host))


def _preferred(prefix: str, port: int) -> int:
    """Well-known ports are for the demo that a person looks at."""
    return port if prefix == DEFAULT_PREFIX else 0


def _sign_in(state: State, prefix: str, keep: bool) -> None:
    owner = KEPT if keep else os.getpid()
    record = {"pid": owner, "started": daemon.start_time(owner) if owner else 0}
    with state.locked("users"):
        write_private(state.folder("users") / prefix, json.dumps(record))


@contextmanager
def in_use(state: State, name: str) -> Iterator[None]:
    """Meanwhile engine, registry and S3 server stay, whoever takes a prefix down; the last user ends them."""
    state.claim()
    _sign_in(state, name, keep=False)
    try:
        yield
    finally:
        (state.folder("users") / name).unlink(missing_ok=True)
        with state.locked("users"):
            if not _users(state):
                stop_shared(state, lambda _text: None)


def _users(state: State) -> list[str]:
    """The prefixes whose parts are in use: kept, or their program is alive."""
    records = {path.name: read_json(path) for path in state.folder("users").iterdir()}
    return [
        prefix
        for prefix, owner in records.items()
        if owner["pid"] == KEPT or daemon.start_time(owner["pid"]) == owner["started"]
    ]


@click.command()
@click.argument("verb", type=click.Choice(["up", "down", "clean"]))
@click.option("--prefix", default=DEFAULT_PREFIX, show_default=True, help="the stacks are PREFIX and PREFIX-staging")
@click.option("--watched", is_flag=True, help="with Prometheus, Alertmanager and exporters")
def main(verb: str, prefix: str, watched: bool) -> None:
    """Start the demo's parts and leave them running, stop them, or remove every trace of them."""
    began, state = time.monotonic(), State.default()

    def say(text: str) -> None:
        click.echo(f"{time.monotonic() - began:6.1f} s  {text}")

    try:
        if verb == "up":
            parts = up(state, say, prefix, keep=True, watched=watched)
            say(f"chat {parts.workspace.url} · production {parts.production.url} · staging {parts.staging.url}")
        elif verb == "down":
            down(state, say, prefix)
        else:
            clean(state, say)
    except OpsError as error:
        raise click.ClickException(error.sentence()) from error


if __name__ == "__main__":
    main()
