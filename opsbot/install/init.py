"""`opsbot init`: finds what runs, writes opsbot.yml and the bot's own stack file, and looks whether all of it works.

1. Print the Slack app's manifest, and the link that makes the app of it.
2. Look at the swarm: stacks, services, databases, networks. Nothing of it is touched.
3. Ask a database, where its password is known, what it holds.
4. Show both files; write them unless they are there; keep the secrets in the swarm, if that is wanted.
5. Look at everything as `doctor` does, and say what comes next.

With --stack-only it reads the opsbot.yml that is there, and does of 4 what is about the bot's own service, and 5.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from opsbot.config import values
from opsbot.config.document import Document
from opsbot.config.settings import Config
from opsbot.errors import NotFound, did_you_mean
from opsbot.install import (
    bot_stack,
    databases,
    discover,
    files,
    logins,
    manifest,
    own_service,
    places,
    questions,
    settings_file,
)
from opsbot.install.databases import Database
from opsbot.install.discover import Stack
from opsbot.install.files import BOT, SETTINGS
from opsbot.install.logins import Login
from opsbot.install.next_steps import Ready
from opsbot.install.own_service import Needs
from opsbot.install.secrets import S3, SLACK, SLACK_HTTP, Ask, Secrets
from opsbot.install.settings_file import Choices, Environment
from opsbot.install.wishes import Wishes
from opsbot.runtime.images import DOCKER_HUB, host_of, name_of
from opsbot.runtime.swarm import Swarm

Say = Callable[[str], None]


def init(wishes: Wishes, secrets: Secrets, swarm: Swarm, login: str, say: Say, ask: Ask | None = None) -> Ready:
    """Steps 1 to 4. `ask` where somebody sits at the terminal. What was guessed or left out is said with a “!” before it.

    Refused (code `exists`) if a file is there; Unavailable if the engine does not answer.
    """
    app = manifest.manifest(wishes.name, wishes.http or None)
    say(f"The manifest of the Slack app:\n{manifest.as_yaml(app)}")
    say(f"If there is no such app yet, this link makes it of that manifest: {manifest.link(app)}")
    say("  Install it, then take the bot's token from OAuth & Permissions, and from Basic Information")
    say("  the signing secret." if wishes.http else "  an app-level token with connections:write.")
    if not (wishes.force or wishes.show):
        files.refuse_to_overwrite(wishes.folder)
    swarm.ping()
    stacks = _wanted(wishes, _stacks(swarm), say)
    choices = _choices(wishes, secrets, swarm, stacks, login, say, ask)
    text = settings_file.text(choices)
    Document(wishes.folder / SETTINGS, text).parse(Config)  # what we write is what we read
    running = places.running(choices.services, stacks)
    return _made(wishes, {SETTINGS: text}, own_service.of_choices(choices), running, swarm, secrets, say)


def stack_only(wishes: Wishes, config: Config, secrets: Secrets, swarm: Swarm, say: Say) -> Ready:
    """The bot's stack file and secrets for an opsbot.yml that is there, and stays as it is."""
    swarm.ping()
    found = {stack.name: stack for stack in _stacks(swarm)}
    stacks: dict[str, Stack] = {}
    for name, environment in config.environments.items():
        if environment.stack in found:
            stacks[name] = found[environment.stack]
        else:
            say(f"! There is no stack {environment.stack} on the engine; without its network the bot cannot start.")
    services = {name: name_of(values.text(one.image)) for name, one in config.services.items()}
    needs = own_service.of_settings(config, stacks, secrets)
    return _made(wishes, {}, needs, places.running(services, stacks), swarm, secrets, say)


def _made(
    wishes: Wishes,
    texts: Mapping[str, str],
    needs: Needs,
    running: Mapping[str, Sequence[str]],
    swarm: Swarm,
    secrets: Secrets,
    say: Say,
) -> Ready:
    """Step 4. `texts`: what is written beside the stack file."""
    bot = own_service.described(wishes, needs, swarm)
    texts = {**texts, BOT: bot_stack.text(bot)}
    for name, text in texts.items():
        say(f"\n{wishes.folder / name}:\n{text}")
    if not wishes.show:
        files.write(wishes.folder, texts, say)
        if wishes.make_secrets:
            own = {variable: name for variable, name in bot.secrets.items() if variable not in needs.theirs}
            own_service.keep(swarm, secrets, own, say)
    there = swarm.secret_ids(list(bot.secrets.values()))
    lacking = [name for name in bot.secrets.values() if name not in there]
    here = swarm.images.has(bot.image)
    return Ready(wishes.folder, wishes.name, bot.image, bool(wishes.image), here, lacking, running)


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
    channels = questions.channels(wishes, stacks, ask)
    return Choices(
        engine=wishes.engine,
        environments=[_environment(name, stack, channels.get(name), say) for name, stack in stacks.items()],
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


def _environment(name: str, stack: Stack, channel: str | None, say: Say) -> Environment:
    if stack.network is None:
        say(f"! The stack {stack.name} has no overlay network of its own; set `network` in {SETTINGS} by hand.")
    edge = next(iter(stack.of("edge")), None)
    port = next((port for port in (edge.ports if edge else ()) if port != 443), 80)
    return Environment(
        name, stack.name, stack.network or "default", [f"{one.name} ({one.kind})" for one in stack.services],
        (edge.name, port) if edge else None, channel,
    )  # fmt: skip
