"""The stack file of the bot itself: one service on a manager, its settings as a Swarm config, its secrets as Swarm secrets. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from opsbot.runtime.release import BOT

SOCKET = "/var/run/docker.sock"
USER = 10001  # the account of the image
STORE = "OPSBOT_STORE"


@dataclass(frozen=True)
class BotStack:
    """`secrets`: variable → Swarm secret. `networks`: full names. `node`: the id of the node that keeps the bot's record.

    `socket`: the engine's, on the host; `group`: the number of the group that may use it. `variables`: what is no secret.
    `settings`: the number of the Swarm config that holds opsbot.yml.
    """

    name: str
    image: str
    networks: Sequence[str]
    secrets: Mapping[str, str]
    node: str
    group: int
    socket: str = SOCKET
    variables: Mapping[str, str] = field(default_factory=dict)
    settings: int = 1


def service(name: str) -> str:
    """What Swarm calls the bot's service in a stack of that name."""
    return f"{name}_bot"


def inside(service: str) -> str:
    """What stands before a command that is said in the container of the bot's service, on the node that it runs on."""
    return f"docker exec -i $(docker ps -q -f name={service}) python -m opsbot"


def settings_number(text: str, name: str) -> int:
    """The number of the Swarm config that a stack file names; 1 if it names none."""
    found = re.search(rf"\bname: {re.escape(name)}_settings_(\d+)", text)
    return int(found[1]) if found else 1


def text(bot: BotStack) -> str:
    """The whole file. It goes beside opsbot.yml."""
    return "\n".join([*_head(bot), *_service(bot), *_deploy(bot), *_beside(bot)]) + "\n"


def _head(bot: BotStack) -> Iterator[str]:
    yield f"# The bot as a Swarm service, written by `opsbot init`: docker stack deploy --with-registry-auth -c FILE {bot.name}"
    yield "# It has the engine's socket, and so may do on this host whatever root may. Nothing else is given to it."
    yield 'version: "3.8"'
    yield ""


def _service(bot: BotStack) -> Iterator[str]:
    yield "services:"
    yield "  bot:"
    yield f"    image: {bot.image}"
    yield f'    user: "{USER}:{bot.group}"  # the group of the engine\'s socket on this host'
    yield "    environment:"
    yield f"      OPSBOT_ENGINE: unix://{SOCKET}"
    yield f"      {STORE}: sqlite:////var/lib/opsbot/opsbot.db"
    for name, value in bot.variables.items():
        yield f'      {name}: "{value}"'
    for variable in bot.secrets:
        yield f"      {variable}_FILE: /run/secrets/{variable.lower()}"
    yield "    configs:"
    yield "      - {source: settings, target: /etc/opsbot/opsbot.yml}"
    if bot.secrets:
        yield "    secrets:"
    for variable in bot.secrets:
        yield f"      - {{source: {variable.lower()}, target: {variable.lower()}}}"
    yield "    volumes:"
    yield f"      - {{type: bind, source: {bot.socket}, target: {SOCKET}}}"
    yield "      - state:/var/lib/opsbot  # runs, releases, audit: keep it on a disk that is backed up"
    yield f"    networks: [{', '.join(f'net{number}' for number in range(1, len(bot.networks) + 1))}]"
    yield "    # How long it may take to let go of what it does; whoever starts next goes on with it."
    yield "    stop_grace_period: 30s"
    yield "    healthcheck:"
    yield '      test: ["CMD", "python", "-m", "opsbot.cli.healthcheck"]'
    yield "      interval: 5s"
    yield "      timeout: 5s"
    yield "      start_period: 30s"
    yield "    logging: {driver: json-file, options: {max-size: 10m, max-file: '3'}}"


def _deploy(bot: BotStack) -> Iterator[str]:
    yield "    deploy:"
    yield f'      labels: {{{BOT}: "true"}}  # by this `opsbot upgrade` finds it'
    yield "      replicas: 1  # one bot serves; during an update the new one stands by until the old one has gone"
    yield "      endpoint_mode: dnsrr"
    yield f"      placement: {{constraints: [node.role == manager, node.id == {bot.node}]}}  # where its volume is"
    yield "      resources: {limits: {memory: 384M}}"
    yield "      update_config: {order: start-first, failure_action: rollback, monitor: 15s}"
    yield "      rollback_config: {order: start-first}"
    yield "      restart_policy: {condition: any, delay: 2s}"
    yield ""


def _beside(bot: BotStack) -> Iterator[str]:
    yield "configs:"
    yield "  # Swarm never changes a config: after an edit of opsbot.yml, count the number up and deploy this file again."
    yield f"  settings: {{file: ./opsbot.yml, name: {bot.name}_settings_{bot.settings}}}"
    yield "networks:"
    for number, name in enumerate(bot.networks, 1):
        yield f"  net{number}: {{external: true, name: {name}}}"
    yield "volumes:"
    yield "  state: {}"
    if bot.secrets:
        yield "secrets:"
    for variable, name in bot.secrets.items():
        yield f"  {variable.lower()}: {{external: true, name: {name}}}"
