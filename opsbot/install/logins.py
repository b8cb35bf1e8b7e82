"""Whose login goes to which registry: a password is written for its own host and for no other. Pure but for the asking."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from opsbot.errors import UsageError, did_you_mean
from opsbot.install.places import Notes
from opsbot.runtime.images import DOCKER_HUB

REGISTRY = "OPSBOT_REGISTRY_PASSWORD"
ANY = ""  # the host of a user that was said without one


@dataclass(frozen=True)
class Login:
    """A registry's host, the user there, and the variable that holds the password."""

    host: str
    user: str
    variable: str = REGISTRY


def parse(words: Sequence[str]) -> dict[str, str]:
    """`USER` or `HOST=USER`, several of the second → host (or ANY) → user. UsageError: said twice."""
    found: dict[str, str] = {}
    for word in filter(None, words):
        host, equals, user = word.rpartition("=")
        if equals and not (host and user):
            raise UsageError(f"“{word}” is not understood.", "Write --registry-user HOST=USER, or USER alone.")
        if host in found:
            raise UsageError(f"Two users are named for {host or 'the registry'}.", "Write --registry-user HOST=USER.")
        found[host] = user
    return found


def logins(
    hosts: Sequence[str], users: Mapping[str, str], ask: Callable[[str], str] | None = None
) -> tuple[list[Login], Notes]:
    """The logins of these hosts. A user without a host is the only host's; with several hosts, who it is must be said,
    or is asked. Docker Hub without a login has public images. UsageError for a host that no image comes from."""
    for host in users:
        if host not in (ANY, *hosts):
            raise UsageError(f"No image comes from {host}.", did_you_mean(host, hosts))
    known = {host: user for host, user in users.items() if host != ANY}
    if users.get(ANY) and len(hosts) == 1:
        known.setdefault(hosts[0], users[ANY])
    if ask is not None:
        for host in hosts:
            known[host] = known.get(host) or ask(host)
    found = [(host, known[host]) for host in hosts if known.get(host)]
    notes = _whose(users.get(ANY, ""), hosts, known)
    if len(hosts) == 1:
        return [Login(host, user) for host, user in found], notes
    names = variables(REGISTRY, [host for host, _ in found])
    return [Login(host, user, names[host]) for host, user in found], notes


def variables(base: str, names: Sequence[str]) -> dict[str, str]:
    """Name → a variable of its own: `ghcr.io` → BASE_GHCR_IO."""
    found: dict[str, str] = {}
    for name in names:
        made = f"{base}_{re.sub(r'[^A-Z0-9]+', '_', name.upper()).strip('_')}"
        found[name] = made if made not in found.values() else f"{made}_{len(found) + 1}"
    return found


def silent(hosts: Sequence[str], found: Sequence[Login]) -> list[str]:
    """The hosts without a login, but for Docker Hub."""
    known = [one.host for one in found]
    return [host for host in hosts if host not in known and host != DOCKER_HUB]


def _whose(user: str, hosts: Sequence[str], known: Mapping[str, str]) -> Notes:
    if len(hosts) < 2:
        return []
    left = [host for host in hosts if not known.get(host) and host != DOCKER_HUB]
    if not user or user in known.values():
        return [f"No login is known for {host}. Say --registry-user {host}=USER, if it needs one." for host in left]
    host = (left or hosts)[0]
    variable = variables(REGISTRY, [host])[host]
    both = (
        f"Images come from {' and '.join(hosts)}, and whose login {user} is was not said: it was given to none of them."
    )
    return [f"{both} Say --registry-user {host}={user}; its password is read from ${variable}."]
