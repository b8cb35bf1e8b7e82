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
from opsbot.errors import ConfigError, NotFound, OpsError, Refused, did_you_mean
from opsbot.install import bot_stack, discover, manifest, settings_file
from opsbot.install.bot_stack import BotStack
from opsbot.install.discover import Found, Stack
from opsbot.install.settings_file import DATABASE, REGISTRY, Choices, Database, Environment
from opsbot.install.wishes import Secrets, Wishes
from opsbot.postgres.connect import MAINTENANCE, Server, session
from opsbot.runtime.images import host_of
from opsbot.runtime.swarm import Swarm

SETTINGS, BOT = "opsbot.yml", "opsbot-stack.yml"
_OWN_DATABASES = "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres' ORDER BY 1"
_POSTGRES = 5432

Say = Callable[[str], None]


@dataclass(frozen=True)
class Written:
    """What `init` made: the text of both files, and the Swarm secrets that the bot's service needs, by variable."""

    settings: str
    stack: str
    secrets: Mapping[str, str]


def init(wishes: Wishes, secrets: Secrets, swarm: Swarm, login: str, say: Say) -> Written:
    """Steps 1 to 4. Refused (code `exists`) if a file is there; Unavailable if the engine does not answer."""
    app = manifest.manifest(wishes.name, wishes.http or None)
    say(f"The Slack app, if there is none yet: {manifest.link(app)}")
    say("  Install it, then take the bot's token from OAuth & Permissions, and from Basic Information")
    say("  the signing secret." if wishes.http else "  an app-level token with connections:write.")
    if not (wishes.force or wishes.show):
        _refuse_to_overwrite(wishes.folder)
    swarm.ping()
    stacks = _wanted(wishes, _stacks(swarm))
    choices = _choices(wishes, secrets, swarm, stacks, login, say)
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


def _wanted(wishes: Wishes, found: Sequence[Stack]) -> dict[str, Stack]:
    """Environment → stack. Without a wish, every stack that runs an application of somebody's own."""
    known = {stack.name: stack for stack in found}
    if wishes.environments:
        for stack in wishes.environments.values():
            if stack not in known:
                raise NotFound(f"There is no stack {stack} on the engine.", did_you_mean(stack, known))
        return {name: known[stack] for name, stack in wishes.environments.items()}
    ours = [stack for stack in found if stack.of("application")]
    if not ours:
        raise NotFound(
            "No stack on this engine runs an image of your own.", "Deploy it first, or name it: --env production=STACK."
        )
    return {_called(stack.name, len(ours)): stack for stack in ours}


def _called(stack: str, count: int) -> str:
    if count == 1 or stack.endswith(("production", "prod")):
        return "production"
    for word in ("staging", "test", "dev"):
        if stack.endswith(word):
            return word
    return stack.lower()


def _choices(
    wishes: Wishes, secrets: Secrets, swarm: Swarm, stacks: Mapping[str, Stack], login: str, say: Say
) -> Choices:
    applications = _applications(wishes, stacks)
    hosts = list(dict.fromkeys(host_of(image) for image in applications.values()))
    user = wishes.registry_user
    if user:
        secrets.get(REGISTRY)
    if wishes.bucket:
        for name in settings_file.S3:
            secrets.get(name)
    for name in settings_file.SLACK_HTTP if wishes.http else settings_file.SLACK:
        secrets.get(name)
    return Choices(
        engine=wishes.engine,
        environments=[_environment(name, stack, say) for name, stack in stacks.items()],
        services=applications,
        registries=dict.fromkeys(hosts, user),
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


def _applications(wishes: Wishes, stacks: Mapping[str, Stack]) -> dict[str, str]:
    every = {one.name: one.image for stack in stacks.values() for one in stack.services if one.replicas is not None}
    if wishes.services:
        for name in wishes.services:
            if name not in every:
                raise NotFound(f"There is no replicated service {name} in these stacks.", did_you_mean(name, every))
        return {name: every[name] for name in wishes.services}
    return {one.name: one.image for stack in stacks.values() for one in stack.of("application")}


def _environment(name: str, stack: Stack, say: Say) -> Environment:
    if stack.network is None:
        say(f"! The stack {stack.name} has no overlay network of its own; set `network` in {SETTINGS} by hand.")
    edge = next(iter(stack.of("edge")), None)
    port = next((port for port in (edge.ports if edge else ()) if port != 443), 80)
    return Environment(
        name, stack.name, stack.network or "default", [f"{one.name} ({one.kind})" for one in stack.services],
        (edge.name, port) if edge else None,
    )  # fmt: skip


def _databases(wishes: Wishes, secrets: Secrets, swarm: Swarm, stacks: Mapping[str, Stack], say: Say) -> list[Database]:
    found: dict[str, Database] = {}
    for stack in stacks.values():
        for service in stack.of("database"):
            if service.name not in found:
                password = service.env.get("POSTGRES_PASSWORD")
                if password:
                    secrets.learn(DATABASE, password)
                found[service.name] = _database(wishes, secrets, swarm, service, say)
    return [
        Database("main" if number == 0 else one.service, one.service, one.database, one.user)
        for number, one in enumerate(found.values())
    ]


def _database(wishes: Wishes, secrets: Secrets, swarm: Swarm, service: Found, say: Say) -> Database:
    user = service.env.get("POSTGRES_USER", "postgres")
    name = wishes.databases.get(service.name) or service.env.get("POSTGRES_DB")
    if name is None:
        held = _held(swarm, service, user, secrets, say)
        name = held[0] if held else user
        if len(held) > 1:
            say(f"! {service.full_name} holds {', '.join(held)}; {name} was taken. Another one: --database …")
    return Database("main", service.name, name, user)


def _held(swarm: Swarm, service: Found, user: str, secrets: Secrets, say: Say) -> list[str]:
    """The databases of a server, by asking it."""
    password, addresses = secrets.get(DATABASE), swarm.task_addresses(service.full_name)
    if password is None or not addresses:
        why = f"without its password (${DATABASE})" if password is None else "while it does not run on this node"
        say(f"! What {service.full_name} holds is not known {why}; correct `name` under databases, or say --database.")
        return []
    try:
        with session(Server(addresses[0], _POSTGRES, user, password), MAINTENANCE) as one:
            return [str(row[0]) for row in one.rows(_OWN_DATABASES)]
    except OpsError as error:
        say(f"! {error.sentence()}")
        return []


def _texts(wishes: Wishes, choices: Choices, stacks: Mapping[str, Stack], swarm: Swarm) -> Written:
    text = settings_file.text(choices)
    Document(wishes.folder / SETTINGS, text).parse(Config)  # what we write is what we read
    networks = [f"{one.stack}_{one.network}" for one in choices.environments]
    theirs = next((one.password_secret for stack in stacks.values() for one in stack.of("database")), None)
    names = {variable: f"{wishes.name}_{variable.lower().removeprefix('opsbot_')}" for variable in choices.variables}
    if theirs and DATABASE in names:
        names[DATABASE] = theirs  # Swarm has it already
    image = wishes.image or f"{next(iter(choices.registries), 'registry.example')}/opsbot:latest"
    local = wishes.engine.partition("unix://")[2]
    socket = Path(local) if local else Path(bot_stack.SOCKET)
    group = socket.stat().st_gid if socket.exists() else 0
    listens = {settings_file.HTTP_LISTEN: f"0.0.0.0:{settings_file.HTTP_PORT}"} if wishes.http else {}
    listens |= {name: os.environ[name] for name in ("SLACK_API_URL",) if os.environ.get(name)}
    service = BotStack(wishes.name, image, networks, names, swarm.node(), group, str(socket), listens)
    return Written(text, bot_stack.text(service), names)


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
