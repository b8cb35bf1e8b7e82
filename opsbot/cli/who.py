"""Who sits at the terminal: the login that the kernel knows, mapped by opsbot.yml. Never an environment variable."""

from __future__ import annotations

import os
import pwd

from opsbot.commands.request import Actor
from opsbot.config.settings import Config


def login() -> str:
    """The name of the account that this program runs as."""
    uid = os.getuid()
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid{uid}"


def actor(config: Config, name: str | None = None) -> Actor:
    """The person behind a login; one that terminal_users does not name is a viewer."""
    name = name or login()
    return Actor("person", config.terminal_users.get(name, f"terminal:{name}"), name, config.team.timezone)
