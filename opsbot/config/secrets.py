"""Every secret that opsbot.yml names, known for redaction before anything else is done with it."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote

from opsbot.config.settings import Config
from opsbot.config.values import Value, missing, secret, text
from opsbot.log import Secret


def know(config: Config) -> None:
    """From now on none of them is printed, logged or stored; also those that nobody has used yet. What is not set is passed over."""
    for value in _secrets(config):
        if missing(value) is None:
            secret(value)
    if missing(config.store) is None:
        _know_password(text(config.store))


def _secrets(config: Config) -> Iterator[Value]:
    yield from (config.slack.bot_token, config.slack.app_token, config.slack.signing_secret)
    yield from (registry.password for registry in config.registries.values())
    yield from (database.password for database in config.databases.values())
    if config.storage is not None:
        yield from (config.storage.key, config.storage.secret)
    if config.alertmanager is not None:
        yield config.alertmanager.token
    if config.ci is not None:
        yield config.ci.token


def _know_password(url: str) -> None:
    """The password of `postgresql+psycopg2://user:password@host/name`, as it is written there and as it is sent."""
    _, _, rest = url.partition("://")
    login, at, _ = rest.rpartition("@")
    _, _, password = login.partition(":")
    if at and password:
        Secret(password)
        Secret(unquote(password))
