"""`opsbot init`: finds what runs, writes opsbot.yml and the bot's own stack file, and looks whether all of it works.

1. Print the Slack app's manifest and the link that makes the app.
2. Look at the swarm: stacks, services, databases, networks. Nothing of it is touched.
3. Ask a database, where its password is known, what it holds.
4. Show both files; write them unless they are there; keep the secrets in the swarm, if that is wanted.
5. Look at everything as `doctor` does, and say what comes next.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from opsbot.config.document import Document
from opsbot.config.settings import Config
from opsbot.errors import ConfigError, NotFound, Refused, did_you_mean
from opsbot.install import bot_stack, databases, discover, logins, manifest, places, settings_file
from opsbot.install.bot_stack import BotStack
from opsbot.install.databases import Database
from opsbot.install.discover import Stack
from opsbot.install.logins import Login
from opsbot.install.secrets import S3, SLACK, SLACK_HTTP, Ask, Secrets
from opsbot.install.settings_file import Choices, Environment
from opsbot.install.wishes import Wishes
from opsbot.runtime.images import DOCKER_HUB, host_of
from opsbot.runtime.swarm import Swarm

SETTINGS, BOT = "opsbot.yml", "opsbot-stack.yml"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Written:
    """What `init` made: the text of both files; the Swarm secrets that the bot's service needs and Swarm has not, by
    variable; and which services run where, to be adopted: environment → services."""

    settings: str
    stack: str
    secrets: Mapping[str, str]
    running: Mapping[str, Sequence[str]]


def init(wishes: Wishes, secrets: Secrets, swarm: Swarm, login: str, say: Say, ask: Ask | None = None) -> Written:
    """Steps 1 to 4. `ask` where somebody sits at the terminal. What was guessed or left out is said with a “!” before it.

    Refused (code `exists`) if a file is there; Unavailable if the engine does not answer.
    """
    app = manifest.manifest(wishes.name, wishes.http or None)
    say(f"The Slack app, if there is none yet: {manifest.link(app)}")
    say("  Install it, then take the bot's token from OAuth & Permissions, and from Basic Information")
    say("  the signing secret." if wishes.http else "  an app-level token with connections:write.")
    if not (wishes.force or wishes.show):
        _refuse_to_overwrite(wishes.folder)
    swarm.ping()
    stacks = _wanted(wishes, _stacks(swarm), say)
    choices = _choices(wishes, secrets, swarm, stacks, login, say, ask)
    made = _texts(wishes, choices, stacks, swarm)
    for name, text in ((SETTINGS, made.settings), (BOT, made.stack)):
        say(f"\n{wishes.folder / name}:\n{text}")
    if not wishes.show:
        _write(wishes, made, say)
        if wishes.make_secrets:
            _keep(swarm, secrets, made.secrets, say)
    return made


def _refuse_to_overwrite(folder: Path) -> None:
    there = [str(folder / name) for name in (SETTINGS, BOT) if (folder / name).exists()]
    if there:
        raise Refused(
            f"{' and '.join(there)} {'are' if len(there) > 1 else 'is'} there already; nothing was written.",
            "Say --force to write over, --show to look only, or name another --folder.", code="exists",
        )  # fmt: skip


def _stacks(swarm: Swarm) -> list[Stack]:
    def inside(image: str) -> Mapping[str, object]:
        return swarm.images.config(image) if swarm.images.has(image) else {}

    return discover.stacks(swarm.services(), swarm.networks(), inside)


def _wanted(wishes: Wishes, found: Sequence[Stack], say: Say) -> dict[str, Stack]:
    """Environment → stack. Without a wish, every stack that runs an application of somebody's own."""
    known = {stack.name: stack for stack in found}
    if wishes.environments:
        for stack in wishes.environments.values():
            if stack not in known:
                raise NotFound(f"There is no stack {stack} on the engine.", did_you_mean(stack, known))
        return places.production_first({name: known[stack] for name, stack in wishes.environments.items()})
    ours = [stack for stack in found if stack.of("application")]
    if not ours:
        raise NotFound(
            "No stack on this engine runs an image of your own.", "Deploy it first, or name it: --env production=STACK."
        )
    named, notes = places.environments(ours)
    _warn(notes, say)
    return named


def _choices(
    wishes: Wishes,
    secrets: Secrets,
    swarm: Swarm,
    stacks: Mapping[str, Stack],
    login: str,
    say: Say,
    ask: Ask | None,
) -> Choices:
    applications, notes = places.services(wishes.services, stacks)
    _warn(notes, say)
    hosts = list(dict.fromkeys(host_of(image) for image in applications.values()))
    return Choices(
        engine=wishes.engine,
        environments=[_environment(name, stack, say) for name, stack in stacks.items()],
        services=applications,
        elsewhere=places.elsewhere(applications, stacks),
        hosts=hosts,
        logins=_logins(wishes, secrets, hosts, say, ask),
        insecure=discover.plain(hosts, swarm.info()),
        databases=_databases(wishes, secrets, swarm, stacks, say),
        channel=wishes.channel,
        timezone=wishes.timezone,
        admins=wishes.admins,
        login=login,
        bucket=wishes.bucket or None,
        endpoint=wishes.endpoint or None,
        region=wishes.region,
        http=wishes.http.rstrip("/"),
    )


def _warn(notes: Sequence[str], say: Say) -> None:
    for note in notes:
        say(f"! {note}")


def _logins(wishes: Wishes, secrets: Secrets, hosts: Sequence[str], say: Say, ask: Ask | None) -> list[Login]:
    def whose(host: str) -> str:
        public = ": its images are public" if host == DOCKER_HUB else ""
        return ask(f"The login of the registry {host} (empty: none{public})", False) if ask else ""

    found, notes = logins.logins(hosts, wishes.registry_users, whose if ask else None)
    _warn(notes, say)
    for one in found:
        secrets.get(one.variable, f"The password of {one.user} at the registry {one.host}")
    for name in (*(S3 if wishes.bucket else ()), *(SLACK_HTTP if wishes.http else SLACK)):
        secrets.get(name)
    return found


def _databases(wishes: Wishes, secrets: Secrets, swarm: Swarm, stacks: Mapping[str, Stack], say: Say) -> list[Database]:
    found, notes = databases.databases(stacks, secrets)
    _warn(notes, say)
    named: list[Database] = []
    for one in found:
        for environment, variable in one.variables.items():
            secrets.get(variable, f"The password of the superuser of {one.service} in {environment}")
        first = next(iter(one.variables))
        of = next(service for service in stacks[first].services if service.name == one.service)
        named.append(databases.with_name(one, wishes.databases.get(one.service), of, secrets, swarm, say))
    return named


def _environment(name: str, stack: Stack, say: Say) -> Environment:
    if stack.network is None:
        say(f"! The stack {stack.name} has no overlay network of its own; set `network` in {SETTINGS} by hand.")
    edge = next(iter(stack.of("edge")), None)
    port = next((port for port in (edge.ports if edge else ()) if port != 443), 80)
    return Environment(
        name, stack.name, stack.network or "default", [f"{one.name} ({one.kind})" for one in stack.services],
        (edge.name, port) if edge else None,
    )  # fmt: skip


def _texts(wishes: Wishes, choices: Choices, stacks: Mapping[str, Stack], swarm: Swarm) -> Written:
    text = settings_file.text(choices)
    Document(wishes.folder / SETTINGS, text).parse(Config)  # what we write is what we read
    networks = [f"{one.stack}_{one.network}" for one in choices.environments]
    names = {variable: f"{wishes.name}_{variable.lower().removeprefix('opsbot_')}" for variable in choices.variables}
    theirs = {variable: secret for one in choices.databases for variable, secret in one.secrets.items()}
    names |= theirs  # Swarm has those already
    host = next((host for host in choices.hosts if host != DOCKER_HUB), "registry.example")
    image = wishes.image or f"{host}/opsbot:latest"
    local = wishes.engine.partition("unix://")[2]
    socket = Path(local) if local else Path(bot_stack.SOCKET)
    group = socket.stat().st_gid if socket.exists() else 0
    listens = {settings_file.HTTP_LISTEN: f"0.0.0.0:{settings_file.HTTP_PORT}"} if wishes.http else {}
    listens |= {name: os.environ[name] for name in ("SLACK_API_URL",) if os.environ.get(name)}
    service = BotStack(wishes.name, image, networks, names, swarm.node(), group, str(socket), listens)
    own = {variable: name for variable, name in names.items() if variable not in theirs}
    return Written(text, bot_stack.text(service), own, places.running(choices.services, stacks))


def _write(wishes: Wishes, made: Written, say: Say) -> None:
    try:
        wishes.folder.mkdir(parents=True, exist_ok=True)
        for name, text in ((SETTINGS, made.settings), (BOT, made.stack)):
            (wishes.folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{wishes.folder} cannot be written: {error}.", "Name another --folder.") from error
    say(f"Written: {wishes.folder / SETTINGS} and {wishes.folder / BOT}.")


def _keep(swarm: Swarm, secrets: Secrets, names: Mapping[str, str], say: Say) -> None:
    for variable, name in names.items():
        value = secrets.get(variable)
        if value is None:
            say(f"! {variable} is not set, so the Swarm secret {name} was not made.")
        elif swarm.make_secret(name, value.reveal().encode()):
            say(f"Made the Swarm secret {name}.")
