"""The databases of the stacks: which there are, where, and whose password is in which variable. Asks a server what it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from opsbot.errors import OpsError
from opsbot.install.discover import Found, Stack
from opsbot.install.logins import variables
from opsbot.install.places import Notes
from opsbot.install.secrets import Secrets
from opsbot.postgres.connect import MAINTENANCE, Server, session
from opsbot.runtime.swarm import Swarm

DATABASE = "OPSBOT_DB_PASSWORD"
MAIN, SUPERUSER = "main", "postgres"
_OWN = "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres' ORDER BY 1"
_PORT = 5432

Say = Callable[[str], None]


@dataclass(frozen=True)
class Database:
    """A database: its service, its name in Postgres, the superuser. `variables`: environment → variable of the password,
    for each environment that has it, the first one's first; `secrets`: variable → the Swarm secret that holds it already."""

    name: str
    service: str
    database: str
    user: str
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)

    @property
    def variable(self) -> str:
        """The variable of the password, where an environment has no other."""
        return next(iter(self.variables.values()), DATABASE)


def databases(places: Mapping[str, Stack], secrets: Secrets) -> tuple[list[Database], Notes]:
    """Every database of the environments, the first called main. A password that stands in clear text is learned.

    One variable holds one password: environments or databases with another Swarm secret, or another text, get their own.
    """
    by_service: dict[str, dict[str, Found]] = {}
    for environment, stack in places.items():
        for service in stack.of("database"):
            by_service.setdefault(service.name, {})[environment] = service
    names = _names(list(by_service))
    found = [_passwords(names[service], of, secrets) for service, of in by_service.items()]
    of_all = zip(found, by_service.values(), strict=True)
    return found, [note for one, of in of_all for note in _differences(one, of)]


def _names(services: list[str]) -> dict[str, str]:
    """Service → the database's name in opsbot.yml."""
    found: dict[str, str] = {}
    for service in services:
        name = service if found else MAIN
        found[service] = name if name not in found.values() else f"{name}-{len(found) + 1}"
    return found


def _passwords(name: str, of: Mapping[str, Found], secrets: Secrets) -> Database:
    first = next(iter(of.values()))
    base = DATABASE if name == MAIN else variables(DATABASE, [name])[name]
    named = variables(base, list(of))
    taken: dict[str, str] = {}  # what tells one password from another → its variable
    known: dict[str, str] = {}
    for environment, service in of.items():
        variable = taken.setdefault(_which(service, first), named[environment] if taken else base)
        known[environment] = variable
        if service.env.get("POSTGRES_PASSWORD"):
            secrets.learn(variable, service.env["POSTGRES_PASSWORD"])
    theirs: dict[str, str] = {}
    for environment, service in of.items():
        if service.password_secret:
            theirs.setdefault(known[environment], service.password_secret)
    user = first.env.get("POSTGRES_USER", SUPERUSER)
    return Database(name, first.name, first.env.get("POSTGRES_DB", ""), user, known, theirs)


def _which(service: Found, first: Found) -> str:
    """What tells a password from another one; where nothing does, the first one's is taken for it."""
    text, first_text = service.env.get("POSTGRES_PASSWORD"), first.env.get("POSTGRES_PASSWORD")
    return text or service.password_secret or first_text or first.password_secret or ""


def _differences(one: Database, of: Mapping[str, Found]) -> Iterator[str]:
    for environment, service in list(of.items())[1:]:
        if not (service.env.get("POSTGRES_PASSWORD") or service.password_secret):
            yield (
                f"Whether {service.full_name} has a password of its own is not known: ${one.variable} is taken for it. If it"
                f" has, write `passwords: {{{one.name}: …}}` under {environment}."
            )
        for what, mine, theirs in (
            ("superuser", one.user, service.env.get("POSTGRES_USER", SUPERUSER)),
            ("database", one.database, service.env.get("POSTGRES_DB", one.database)),
        ):
            if mine and theirs != mine:
                yield (
                    f"The {what} of {service.full_name} is {theirs}, but {mine} was taken: opsbot.yml has one for all"
                    f" environments. Give {environment} a folder of its own: --env {environment}=STACK --folder {environment}."
                )


def with_name(one: Database, told: str | None, of: Found, secrets: Secrets, swarm: Swarm, say: Say) -> Database:
    """The database with its name in Postgres: as told, as its service says, or by asking the server what it holds."""
    if told or one.database:
        return replace(one, database=told or one.database)
    held = _held(one, of, secrets, swarm, say)
    name = held[0] if held else one.user
    if len(held) > 1:
        say(f"! {of.full_name} holds {', '.join(held)}; {name} was taken. Another one: --database {one.service}=NAME.")
    return replace(one, database=name)


def _held(one: Database, of: Found, secrets: Secrets, swarm: Swarm, say: Say) -> list[str]:
    """The databases of a server, by asking it."""
    password, addresses = secrets.get(one.variable), swarm.task_addresses(of.full_name)
    if password is None or not addresses:
        why = f"without its password (${one.variable})" if password is None else "while it does not run on this node"
        say(f"! What {of.full_name} holds is not known {why}; correct `name` under databases, or say --database.")
        return []
    try:
        with session(Server(addresses[0], _PORT, one.user, password), MAINTENANCE) as asked:
            return [str(row[0]) for row in asked.rows(_OWN)]
    except OpsError as error:
        say(f"! {error.sentence()}")
        return []
