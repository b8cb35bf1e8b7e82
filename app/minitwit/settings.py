"""What the application reads from its environment, checked once at start.

Secret values come from files (Swarm secrets) or variables and are never shown by repr.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# An eighth of the time and of the memory (4 MB) of werkzeug's default, which killed a host under concurrent registrations.
# How long one takes, and 32 at once, is measured by the bench.
DEFAULT_PASSWORD_METHOD = "scrypt:4096:8:1"  # noqa: S105 - names an algorithm, holds no secret


class SettingsError(Exception):
    """A setting is missing or wrong; the message says which and what to set."""


@dataclass(frozen=True)
class Settings:
    """Everything that `create_app` needs. `accepted` None means every address may use the simulator API."""

    database_url: URL = field(repr=False)
    secret_key: str = field(repr=False)
    release_id: str = ""
    release_tag: str = "development"
    release_revision: str = ""
    password_method: str = DEFAULT_PASSWORD_METHOD
    accepted: tuple[Network, ...] | None = None
    trusted_proxies: int = 0
    pool_size: int = 4

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> Settings:
        """Read and check the settings. Raises SettingsError naming the variable at fault."""
        return cls(
            database_url=database_url(env),
            secret_key=secret_key(env),
            release_id=env.get("RELEASE_ID", ""),
            release_tag=env.get("RELEASE_TAG") or env.get("VERSION") or "development",
            release_revision=env.get("RELEASE_REVISION") or env.get("REVISION") or "",
            password_method=env.get("PASSWORD_METHOD") or DEFAULT_PASSWORD_METHOD,
            accepted=accepted_networks(env.get("ACCEPTED_IPS", "*")),
            trusted_proxies=whole_number(env, "TRUSTED_PROXIES", 0),
            pool_size=whole_number(env, "WEB_THREADS", 4),
        )


def secret_key(env: Mapping[str, str]) -> str:
    """The key that signs sessions and smoke marks, from SECRET_KEY_FILE or SECRET_KEY; never invented."""
    key = _from_file(env, "SECRET_KEY_FILE") or env.get("SECRET_KEY", "")
    if not key:
        raise SettingsError(
            "no secret key: set SECRET_KEY_FILE (or SECRET_KEY), the same for every replica, "
            "or people are logged out whenever another replica answers"
        )
    return key


def database_url(env: Mapping[str, str]) -> URL:
    """DATABASE_URL with the psycopg2 driver and, when DATABASE_PASSWORD_FILE is set, the password from it."""
    text = env.get("DATABASE_URL", "")
    if not text:
        raise SettingsError("DATABASE_URL is not set: postgresql+psycopg2://user@host/database")
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise SettingsError("DATABASE_URL is not an address: postgresql+psycopg2://user@host/database") from error
    if url.drivername in {"postgres", "postgresql"}:
        url = url.set(drivername="postgresql+psycopg2")
    password = _from_file(env, "DATABASE_PASSWORD_FILE")
    return url.set(password=password) if password else url


def accepted_networks(text: str) -> tuple[Network, ...] | None:
    """`*` or nothing accepts everybody (None); otherwise addresses and CIDR ranges between commas."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or "*" in parts:
        return None
    try:
        return tuple(ipaddress.ip_network(part, strict=False) for part in parts)
    except ValueError as error:
        raise SettingsError(f"ACCEPTED_IPS: {error}; list addresses or ranges, or * for everybody") from error


def whole_number(env: Mapping[str, str], name: str, default: int) -> int:
    """A non-negative number from the environment."""
    text = env.get(name) or str(default)
    if not text.isdecimal():
        raise SettingsError(f"{name} must be a whole number, not {text!r}")
    return int(text)


def _from_file(env: Mapping[str, str], name: str) -> str:
    path = env.get(name)
    if not path:
        return ""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"{name} names {path}, which cannot be read: {error.strerror}") from error
