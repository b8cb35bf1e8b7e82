"""The schema of opsbot.yml. Reference with comments: the opsbot.yml at the root of the project."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from opsbot.config import document
from opsbot.config.values import Duration, FromEnv, FromFile, Frozen, Value, missing, text

Role = Literal["viewer", "operator", "approver", "admin"]
ROLES: tuple[Role, ...] = ("viewer", "operator", "approver", "admin")


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"“{name}” is not a time zone such as Europe/Copenhagen")
    return name


Zone = Annotated[str, AfterValidator(_known_zone)]
LabelName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$")]


class Slack(Frozen):
    """Where the team talks. The API address is Slack's own unless set.

    With `http` (an address to listen on, `serve --http`) Slack calls us, signed with the signing secret; without it we
    open a socket with the app token.
    """

    bot_token: Value = FromEnv(env="SLACK_BOT_TOKEN")
    app_token: Value = FromEnv(env="SLACK_APP_TOKEN")
    signing_secret: Value = FromEnv(env="SLACK_SIGNING_SECRET")
    http: Value | None = None
    api_url: Value = FromEnv(env="SLACK_API_URL", default="https://slack.com/api/")


class Team(Frozen):
    """Who we are: the channel for what has no other, the zone, and who may do what.

    `docs` is where this project's `docs` folder can be read, such as https://github.com/team/ops/blob/main/docs.
    """

    channel: str = "#ops"
    docs: str | None = Field(default=None, pattern=r"^https?://\S+$")
    timezone: Zone = "UTC"
    roles: dict[Role, tuple[str, ...]] = {}
    default_role: Role = "viewer"

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


class Edge(Frozen):
    """The reverse proxy of an environment: its service (without the stack prefix), port, and the flag volume's path."""

    service: str = "edge"
    port: int = 80
    flag: str = "/traffic/green"


class Prometheus(Frozen):
    """What measures an environment: a service of its stack, or a server at a `url`. Where both are "", nothing does.

    `labels` tell its numbers from those of others that the same server measures.
    """

    service: Value = "prometheus"
    port: int = 9090
    url: Value = ""
    labels: dict[LabelName, str] = {}


class Environment(Frozen):
    """A named target: an engine and a stack prefix; nothing outside the prefix is ever touched.

    `stack_files` is what `stack apply` makes of it, with `stack_settings` for what they leave open.
    `roles` are had there beside those of the team. `approve_within`: how long a plan waits for its yes, where the
    playbook's own time is not wanted. `passwords`: of databases that have another one there than under `databases`.
    """

    engine: Value = "unix:///var/run/docker.sock"
    stack: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
    channel: str | None = None
    protected: bool = False
    approve_within: Duration | None = Field(default=None, gt=timedelta(0))
    roles: dict[Role, tuple[str, ...]] = {}
    edge: Edge = Edge()
    prometheus: Prometheus | None = None
    network: str = "net"
    passwords: dict[str, Value] = {}
    stack_files: tuple[Path, ...] = ()
    stack_settings: dict[str, Value] = {}

    @property
    def measured(self) -> bool:
        """Whether it is said where its Prometheus is. A variable that is not set says nothing."""
        found = self.prometheus
        return found is not None and any(not missing(one) and bool(text(one)) for one in (found.url, found.service))


class OneOff(Frozen):
    """An argv in a container of the service's own image."""

    argv: tuple[str, ...]
    timeout: Duration = timedelta(minutes=5)


class Migration(OneOff):
    """Brings the schema to the image's own state. `one_way_argv`: words added where a person lets one-way migrations run."""

    one_way_argv: tuple[str, ...] = ()


class Service(Frozen):
    """A thing operated. `secrets` maps the target file name to the Swarm secret's name without the stack prefix."""

    image: Value
    strategy: Literal["blue-green", "rolling"] = "rolling"
    port: int = 8000
    replicas: int = Field(default=2, ge=1)
    env: dict[str, str] = {}
    secrets: dict[str, str] = {}
    memory: str = "256m"
    release_path: str = "/release"
    health_path: str = "/health"
    smoke: OneOff | None = None
    migrate: Migration | None = None
    ready_within: Duration = timedelta(seconds=60)
    bake: Duration = timedelta(seconds=30)
    drain: Duration = timedelta(seconds=10)
    stop_grace: Duration = timedelta(seconds=20)


class RegistryLogin(Frozen):
    """Login of one registry host (`host` or `host:port`). `insecure`: plain http."""

    host: Value
    user: Value
    password: Value
    insecure: bool = False


class Database(Frozen):
    """A Postgres that we operate: a service of the stack and a superuser to do it with."""

    service: str = "db"
    name: str
    user: str = "postgres"
    password: Value


class Storage(Frozen):
    """The S3 bucket of backups."""

    endpoint: Value | None = None
    bucket: Value
    region: str = "us-east-1"
    key: Value
    secret: Value


class Alertmanager(Frozen):
    """Who may report alerts, and where, if not at the bot's own address (`listen`). After `silent_after` it is missed.

    The address is inside: /metrics is told there too.
    """

    token: Value
    listen: Value | None = None
    silent_after: Duration = timedelta(minutes=3)


class Ci(Frozen):
    """What CI may say with its token, at the bot's own address (`listen`): the first words of commands. It has an operator's rights."""

    token: Value
    may: tuple[str, ...] = ("deploy",)


class Schedule(Frozen):
    """A command at times: five cron fields in the team's zone. A run missed by less than `catch_up` is made up for."""

    do: str
    cron: str
    catch_up: Duration = timedelta(hours=1)


class Freeze(Frozen):
    """A window in which changes are refused: it begins at the cron times in `timezone` (the team's, if none is named) and
    is over when `length` has passed, whatever clocks do meanwhile."""

    cron: str
    length: Duration
    timezone: Zone | None = None
    environments: tuple[str, ...] = ()
    reason: str = "a freeze window of opsbot.yml"


class Http(Frozen):
    """GET a URL, or a path through an environment's edge; the status and, if given, a text are expected."""

    url: Value | None = None
    environment: str | None = None
    path: str = "/"
    status: int = 200
    contains: str | None = None

    @model_validator(mode="after")
    def _one_target(self) -> Http:
        if (self.url is None) == (self.environment is None):
            raise ValueError("give either url or environment")
        return self


class ReplicaCount(Frozen):
    """As many running replicas as the live release of a service should have."""

    environment: str
    service: str


class BackupAge(Frozen):
    """The newest complete backup of a database is younger than this."""

    environment: str
    database: str
    under: Duration


class Probe(Frozen):
    """One health check and how many failures in a row make it an alert."""

    http: Http | None = None
    replicas: ReplicaCount | None = None
    backup_age: BackupAge | None = None
    every: Duration = timedelta(seconds=15)
    timeout: Duration = timedelta(seconds=5)
    fail_after: int = Field(default=3, ge=1)
    recover_after: int = Field(default=2, ge=1)
    channel: str | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Probe:
        if sum(kind is not None for kind in (self.http, self.replicas, self.backup_age)) != 1:
            raise ValueError("a probe needs exactly one of http, replicas, backup_age")
        return self

    @property
    def environment(self) -> str | None:
        """The environment that the probe looks at, if it names one."""
        kind = self.http or self.replicas or self.backup_age
        return kind.environment if kind else None


class Config(Frozen):
    """The whole of opsbot.yml."""

    team: Team = Team()
    slack: Slack = Slack()
    store: Value = "sqlite:///opsbot.db"
    playbooks: Path = Path("playbooks")
    listen: Value | None = None
    terminal_users: dict[str, str] = {}
    environments: dict[str, Environment] = {}
    stack_settings: dict[str, Value] = {}
    services: dict[str, Service] = {}
    registries: dict[str, RegistryLogin] = {}
    databases: dict[str, Database] = {}
    storage: Storage | None = None
    alertmanager: Alertmanager | None = None
    ci: Ci | None = None
    schedules: dict[str, Schedule] = {}
    freezes: dict[str, Freeze] = {}
    probes: dict[str, Probe] = {}

    @model_validator(mode="after")
    def _names_exist(self) -> Config:
        for name, place in self.environments.items():
            if unknown := next((one for one in place.passwords if one not in self.databases), None):
                raise ValueError(f"environment {name} has a password of a database that does not exist: {unknown}")
        for name, freeze in self.freezes.items():
            for environment in freeze.environments:
                if environment not in self.environments:
                    raise ValueError(f"freeze {name} names an environment that does not exist: {environment}")
        for name, probe in self.probes.items():
            if probe.environment is not None and probe.environment not in self.environments:
                raise ValueError(f"probe {name} names an environment that does not exist: {probe.environment}")
        return self

    def missing_values(self) -> list[str]:
        """Every `$NAME` or file that the settings refer to and that is not there, in order of appearance."""
        return list(dict.fromkeys(name for value in self._wanted() if (name := missing(value))))

    def needed_variables(self) -> list[str]:
        """Every variable that the settings refer to without a default, set or not, in order of appearance."""
        named = (value for value in self._wanted() if isinstance(value, FromEnv) and value.default is None)
        return list(dict.fromkeys(value.env for value in named))

    def _wanted(self) -> Iterator[Value]:
        unused = self.slack.signing_secret if self.slack.http is None else self.slack.app_token
        return (value for value in _values(self) if value is not unused)


def load(path: Path) -> Config:
    """Read opsbot.yml; ConfigError names file, line and cure."""
    return document.load(path).parse(Config)


def _values(node: object) -> Iterator[Value]:
    if isinstance(node, FromEnv | FromFile):
        yield node
    elif isinstance(node, Frozen):
        for name in type(node).model_fields:
            yield from _values(getattr(node, name))
    elif isinstance(node, dict):
        for value in node.values():
            yield from _values(value)
