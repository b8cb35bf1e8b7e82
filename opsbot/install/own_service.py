"""The bot's own service, as `init` prepares it: what it needs, its stack file, and its secrets in the swarm."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from opsbot.config import values
from opsbot.config.settings import Config
from opsbot.config.values import FromEnv
from opsbot.install import bot_stack, files
from opsbot.install.bot_stack import BotStack
from opsbot.install.discover import Stack
from opsbot.install.secrets import Secrets
from opsbot.install.settings_file import HTTP_LISTEN, HTTP_PORT, Choices
from opsbot.install.wishes import Wishes
from opsbot.runtime.images import DOCKER_HUB, host_of
from opsbot.runtime.swarm import Swarm

Say = Callable[[str], None]


@dataclass(frozen=True)
class Needs:
    """Full names of networks; every variable of a secret; the Swarm secrets that others made already, by variable; the
    registries of the images; whether Slack calls the bot."""

    networks: Sequence[str]
    variables: Sequence[str]
    theirs: Mapping[str, str] = field(default_factory=dict)
    hosts: Sequence[str] = ()
    http: bool = False


def of_choices(choices: Choices) -> Needs:
    """For an opsbot.yml that is just being written."""
    theirs = {variable: secret for one in choices.databases for variable, secret in one.secrets.items()}
    networks = [f"{one.stack}_{one.network}" for one in choices.environments]
    return Needs(networks, choices.variables, theirs, choices.hosts, bool(choices.http))


def of_settings(config: Config, stacks: Mapping[str, Stack], secrets: Secrets) -> Needs:
    """For an opsbot.yml that is there. `stacks`: environment → what runs. A password in clear text is learned."""
    theirs: dict[str, str] = {}
    for name, stack in stacks.items():
        running = {service.name: service for service in stack.services}
        for called, database in config.databases.items():
            value = config.environments[name].passwords.get(called, database.password)
            service = running.get(database.service)
            if isinstance(value, FromEnv) and service is not None:
                if service.password_secret:
                    theirs.setdefault(value.env, service.password_secret)
                if service.env.get("POSTGRES_PASSWORD"):
                    secrets.learn(value.env, service.env["POSTGRES_PASSWORD"])
    networks = list(dict.fromkeys(f"{one.stack}_{one.network}" for one in config.environments.values()))
    hosts = list(dict.fromkeys(host_of(values.text(one.image)) for one in config.services.values()))
    listens = isinstance(config.slack.http, FromEnv) and config.slack.http.env == HTTP_LISTEN
    return Needs(networks, config.needed_variables(), theirs, hosts, listens)


def described(wishes: Wishes, needs: Needs, swarm: Swarm) -> BotStack:
    """The service. The number of its settings goes on where the stack file that is there has counted to."""
    host = next((host for host in needs.hosts if host != DOCKER_HUB), "registry.example")
    local = wishes.engine.partition("unix://")[2]
    socket = Path(local) if local else Path(bot_stack.SOCKET)
    group = socket.stat().st_gid if socket.exists() else 0
    listens = {HTTP_LISTEN: f"0.0.0.0:{HTTP_PORT}"} if needs.http else {}
    listens |= {name: os.environ[name] for name in ("SLACK_API_URL",) if os.environ.get(name)}
    own = {variable: f"{wishes.name}_{variable.lower().removeprefix('opsbot_')}" for variable in needs.variables}
    before = wishes.folder / files.BOT
    number = bot_stack.settings_number(before.read_text("utf-8"), wishes.name) if before.is_file() else 1
    return BotStack(
        wishes.name, wishes.image or f"{host}/opsbot:latest", needs.networks, own | dict(needs.theirs), swarm.node(),
        group, str(socket), listens, number,
    )  # fmt: skip


def keep(swarm: Swarm, secrets: Secrets, names: Mapping[str, str], say: Say) -> None:
    """Make the Swarm secrets, by variable. One that is there cannot be changed, and what it holds cannot be read."""
    there = swarm.secret_ids(list(names.values()))
    for variable, name in names.items():
        value = None if name in there else secrets.get(variable)
        if value is not None and swarm.make_secret(name, value.reveal().encode()):
            say(f"Made the Swarm secret {name}.")
        elif value is None and name not in there:
            say(f"! {variable} is not set, so the Swarm secret {name} was not made.")
        else:
            say(
                f"! The Swarm secret {name} is there already and stays as it is, whatever {variable} is now: Swarm never"
                f" changes one. For a new value make {name}_2 with `docker secret create`, name that in {files.BOT} and deploy"
                f" it; or remove {name} while no service uses it, and say this again."
            )
