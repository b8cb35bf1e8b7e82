"""The text of an opsbot.yml for what was found: commented, short, without a secret in it. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from opsbot.install.databases import Database
from opsbot.install.logins import Login, silent
from opsbot.install.places import REHEARSING
from opsbot.install.secrets import S3, SLACK, SLACK_HTTP

IN_IMAGE = "opsbot"
HTTP_LISTEN, HTTP_PORT = "OPSBOT_SLACK_LISTEN", 8095


@dataclass(frozen=True)
class Environment:
    """A stack to operate. `found`: what runs there, for the comment; `edge`: service and port of the reverse proxy."""

    name: str
    stack: str
    network: str
    found: Sequence[str] = ()
    edge: tuple[str, int] | None = None
    channel: str | None = None


@dataclass(frozen=True)
class Choices:
    """Everything that the file says. `services`: name → image without tag; `elsewhere`: service → environments in which
    another image runs; `hosts`: the registries of the images."""

    engine: str
    environments: Sequence[Environment]
    services: Mapping[str, str]
    elsewhere: Mapping[str, Sequence[str]] = field(default_factory=dict)
    hosts: Sequence[str] = ()
    logins: Sequence[Login] = ()
    insecure: Sequence[str] = ()
    databases: Sequence[Database] = ()
    channel: str = "#ops"
    timezone: str = "UTC"
    admins: Sequence[str] = ()
    login: str = "root"
    bucket: str | None = None
    endpoint: str | None = None
    region: str = "us-east-1"
    http: str = ""  # where Slack reaches the bot; empty: Socket Mode

    @property
    def variables(self) -> list[str]:
        """The names of every secret that the file reads from outside."""
        passwords = [variable for one in self.databases for variable in (one.variable, *one.variables.values())]
        names = [
            *(SLACK_HTTP if self.http else SLACK),
            *(one.variable for one in self.logins),
            *passwords,
            *(S3 if self.bucket else ()),
        ]
        return list(dict.fromkeys(names))


def text(choices: Choices) -> str:
    """The whole file."""
    parts = [_head(choices), _environments(choices), _services(choices), _registries(choices)]
    parts += [_databases(choices), _storage(choices), _schedules(choices)]
    return "\n\n".join("\n".join(lines) for part in parts if (lines := list(part))) + "\n"


def settings_lines(text: str) -> int:
    """How many lines say something: neither empty nor a comment."""
    return sum(bool(line.strip()) and not line.strip().startswith("#") for line in text.splitlines())


def _head(choices: Choices) -> Iterator[str]:
    yield "# opsbot.yml, written by `opsbot init`. Change what you like, then say `opsbot doctor`."
    yield "# No secret is in here: each is read from a variable, or from the file that the variable with _FILE names,"
    yield "# which is how the bot's own service gets them from Swarm. Every key is explained in the project's opsbot.yml."
    yield ""
    yield "team:"
    yield f"  channel: {_quoted(choices.channel)}  # where runs and alerts go"
    yield f"  timezone: {choices.timezone}"
    if choices.admins:
        yield f"  roles: {{admin: [{', '.join(choices.admins)}]}}  # Slack user ids; approver and operator are roles too"
        logins = ", ".join(f"{login}: {choices.admins[0]}" for login in dict.fromkeys((choices.login, IN_IMAGE)))
        yield f"terminal_users: {{{logins}}}  # login: who that is; {IN_IMAGE} is the account inside the bot's container"
    else:
        logins = ", ".join(f"'terminal:{login}'" for login in dict.fromkeys((choices.login, IN_IMAGE)))
        yield f"  roles: {{admin: [{logins}]}}  # add Slack user ids; {IN_IMAGE} is the account in the bot's container"
    if choices.http:
        yield f"# A proxy passes {choices.http}/slack/events on to this address."
        yield f'slack: {{http: {{env: {HTTP_LISTEN}, default: "127.0.0.1:{HTTP_PORT}"}}}}'
    yield 'store: {env: OPSBOT_STORE, default: "sqlite:///opsbot.db"}'
    yield 'listen: {env: OPSBOT_LISTEN, default: "127.0.0.1:8090"}'


def _environments(choices: Choices) -> Iterator[str]:
    yield "environments:  # a target: an engine and a stack; nothing outside the stack's prefix is touched"
    for one in choices.environments:
        yield f"  {one.name}:"
        yield f"    engine: {{env: OPSBOT_ENGINE, default: {_quoted(choices.engine)}}}"
        yield f"    stack: {one.stack}" + (f"  # found: {', '.join(one.found)}" if one.found else "")
        yield f"    network: {one.network}"
        if one.edge:
            yield f"    edge: {{service: {one.edge[0]}, port: {one.edge[1]}}}"
        if one.channel:
            yield f"    channel: {_quoted(one.channel)}"
        else:
            yield f'    # channel: "#ops-{one.name}"  # one of its own; without it, {choices.channel}'
        passwords = {db.name: db.variables.get(one.name, db.variable) for db in choices.databases}
        own = [
            f"{db.name}: {{env: {passwords[db.name]}}}" for db in choices.databases if passwords[db.name] != db.variable
        ]
        if own:
            yield f"    passwords: {{{', '.join(own)}}}  # another one than under databases"
        if one.name not in REHEARSING:
            yield from _protection(choices)


def _protection(choices: Choices) -> Iterator[str]:
    if len(choices.admins) > 1:
        yield "    protected: true  # deploys and restores need a second person's yes"
    else:
        yield "    # protected: true  # once there is a second person: deploys and restores then need a yes"


def _services(choices: Choices) -> Iterator[str]:
    if not choices.services:
        yield "# services:  # none was found: an image of your own that a replicated service of the stack runs"
        return
    yield "services:  # updated in place; `opsbot adopt` takes what runs under management and restarts nothing"
    for name, image in choices.services.items():
        places = choices.elsewhere.get(name)
        other = f"  # another image runs in {', '.join(places)}: a deploy there brings this one" if places else ""
        yield f"  {name}: {{image: {_quoted(image)}}}{other}"


def _registries(choices: Choices) -> Iterator[str]:
    if choices.logins:
        yield "registries:"
    for number, one in enumerate(choices.logins, 1):
        name = "main" if number == 1 else f"other{number}"
        more = ", insecure: true" if one.host in choices.insecure else ""
        login = f"user: {_quoted(one.user)}, password: {{env: {one.variable}}}"
        yield f"  {name}: {{host: {_quoted(one.host)}, {login}{more}}}"
    for host in silent(choices.hosts, choices.logins):
        yield f"# No login of {host} was said: if it needs one, add it under registries, with a password of its own."


def _databases(choices: Choices) -> Iterator[str]:
    if not choices.databases:
        return
    yield "databases:  # the user must be a superuser: backups hold roles, restores make databases"
    for one in choices.databases:
        name, user = _quoted(one.database), _quoted(one.user)
        password = f"{{env: {one.variable}}}"
        yield f"  {one.name}: {{service: {one.service}, name: {name}, user: {user}, password: {password}}}"


def _storage(choices: Choices) -> Iterator[str]:
    if not choices.bucket:
        return
    yield "storage:  # the bucket of backups"
    if choices.endpoint:
        yield f"  endpoint: {_quoted(choices.endpoint)}"
    yield f"  bucket: {_quoted(choices.bucket)}"
    if not choices.endpoint:
        yield f"  region: {choices.region}"
    yield f"  key: {{env: {S3[0]}}}"
    yield f"  secret: {{env: {S3[1]}}}"


def _schedules(choices: Choices) -> Iterator[str]:
    if not (choices.databases and choices.bucket):
        return
    pairs = [
        (place.name, one.name)
        for place in choices.environments
        for one in choices.databases
        if not one.variables or place.name in one.variables
    ]
    yield "schedules:  # five cron fields in the team's zone"
    for number, (place, name) in enumerate(pairs):
        cron = f'"{number * 20 % 60} */3 * * *"'
        yield f"  backup-{name}-{place}: {{do: backup {name} on {place}, cron: {cron}}}"
    yield "probes:  # a backup that is late is an alert"
    for place, name in pairs:
        look = f"{{environment: {place}, database: {name}, under: 7h}}"
        yield f"  backup-{name}-{place}: {{backup_age: {look}, every: 5m, fail_after: 1}}"


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
