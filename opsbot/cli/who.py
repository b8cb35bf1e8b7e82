"""Who sits at the terminal: the login that the kernel knows, mapped by opsbot.yml. Never an environment variable."""

from __future__ import annotations

import os
import pwd
from contextlib import suppress

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
    id = config.terminal_users.get(name, f"terminal:{name}")
    return Actor("person", id, name, config.team.timezone, uid=os.getuid(), tty=tty())


def tty() -> str | None:
    """The terminal that this program was started at, as `/dev/pts/3`; None for one that a script or cron started."""
    for stream in (0, 1, 2):
        with suppress(OSError):
            return os.ttyname(stream)
    return None
