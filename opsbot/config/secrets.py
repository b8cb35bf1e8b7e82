"""Every secret that opsbot.yml names, known for redaction before anything else is done with it.

Also which of them cannot be blanked well.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal
from urllib.parse import unquote

from opsbot.config.settings import Config
from opsbot.config.values import Value, missing, secret, text
from opsbot.errors import ConfigError
from opsbot.log import SHORTEST, Redactor, Secret, redactor

Weakness = Literal["short", "ordinary"]

# What people leave as it was, and words that our own messages are made of.
_ORDINARY = """
access account admin administrator alertmanager backup change-me changeit changeme container database default deploy docker
example guest letmein localhost master minio minioadmin minitwit monitor operator opsbot passw0rd passwort password password1
postgres postgresql private production public qwerty readonly registry release restore rollback sample secret secrets service
simulator slackbot staging status superuser system testing tester topsecret username welcome
123456 1234567 12345678 123456789 1234567890
"""
ORDINARY = frozenset(_ORDINARY.split())


def know(config: Config) -> None:
    """From now on none of them is printed, logged or stored; also those that nobody has used yet. What is not set is passed over."""
    for _, value in _named(config):
        if missing(value) is None:
            secret(value)
    for password in _passwords(config):
        Secret(password)
    for _, value, weakness in _weak(config):
        if weakness == "ordinary":
            redactor.ordinary(value)


def weak(config: Config) -> Iterator[tuple[str, Weakness]]:
    """Which settings hold a secret that is too short to be blanked, or a word that is blanked where it is none."""
    return ((name, weakness) for name, _, weakness in _weak(config))


def held_in(config: Config, told: str) -> list[str]:
    """The settings whose secret stands in a text, in whatever form; an ordinary word is none."""
    ordinary = {name for name, weakness in weak(config) if weakness == "ordinary"}
    found = []
    for name, value in _values(config).items():
        alone = Redactor()
        alone.add(value)
        if name not in ordinary and alone.holds(told):
            found.append(name)
    return found


def require_strength(config: Config) -> None:
    """ConfigError (code `short_secret`) that names the settings whose secret is too short to be kept out of messages."""
    if short := [name for name, weakness in weak(config) if weakness == "short"]:
        raise ConfigError(
            f"Too short to be a secret, so I could not keep it out of messages and logs: {', '.join(short)}.",
            f"Give {'each' if len(short) > 1 else 'it'} at least {SHORTEST} characters and start again.",
            code="short_secret",
        )


def _weak(config: Config) -> Iterator[tuple[str, str, Weakness]]:
    """Setting, value, weakness. Where nothing is set (a database that trusts its network), nothing can be told."""
    known = ORDINARY | _own_words(config)
    for name, value in _values(config).items():
        if value and len(value) < SHORTEST:
            yield name, value, "short"
        elif value.lower() in known:
            yield name, value, "ordinary"


def _values(config: Config) -> dict[str, str]:
    """Setting → secret, of those that are set."""
    values = {name: text(value) for name, value in _named(config) if missing(value) is None}
    if passwords := _passwords(config):
        values["store"] = passwords[0]
    return values


def _named(config: Config) -> Iterator[tuple[str, Value]]:
    """Setting → value."""
    slack = config.slack
    yield from (("slack.bot_token", slack.bot_token), ("slack.app_token", slack.app_token))
    yield "slack.signing_secret", slack.signing_secret
    for name, registry in config.registries.items():
        yield f"registries.{name}.password", registry.password
    for name, database in config.databases.items():
        yield f"databases.{name}.password", database.password
    for place, environment in config.environments.items():
        for name, password in environment.passwords.items():
            yield f"environments.{place}.passwords.{name}", password
    if config.storage is not None:
        yield from (("storage.key", config.storage.key), ("storage.secret", config.storage.secret))
    if config.alertmanager is not None:
        yield "alertmanager.token", config.alertmanager.token
    if config.ci is not None:
        yield "ci.token", config.ci.token


def _own_words(config: Config) -> frozenset[str]:
    """Names that occur in nearly every message."""
    words = {*config.environments, *config.services, *config.databases, *config.schedules, *config.probes}
    words |= {environment.stack for environment in config.environments.values()}
    words |= {
        word for database in config.databases.values() for word in (database.name, database.user, database.service)
    }
    words |= set(_places_and_logins(config))
    return frozenset(word.lower() for word in words)


def _places_and_logins(config: Config) -> Iterator[str]:
    """Hosts, repositories, buckets, and who is who there and here."""
    images = (service.image for service in config.services.values())
    stored = (config.storage.bucket, config.storage.region) if config.storage is not None else ()
    logins = (value for registry in config.registries.values() for value in (registry.host, registry.user))
    for value in (*images, *stored, *logins):
        if missing(value) is None:
            yield from (text(value), *text(value).split("/"))
    roles = (config.team.roles, *(environment.roles for environment in config.environments.values()))
    for members in (config.terminal_users, *(one for role in roles for one in role.values())):
        yield from (word for member in members for word in (member, member.removeprefix("terminal:")))


def _passwords(config: Config) -> tuple[str, ...]:
    """The password of `postgresql+psycopg2://user:password@host/name`, as it is sent, and as it is written there."""
    if missing(config.store) is not None:
        return ()
    _, _, rest = text(config.store).partition("://")
    login, at, _ = rest.rpartition("@")
    _, _, password = login.partition(":")
    return (unquote(password), password) if at and password else ()
