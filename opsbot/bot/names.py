"""What people are called: Slack says it while the bot serves; the terminal, which does not ask Slack, takes what was kept."""

from __future__ import annotations

from opsbot import log
from opsbot.config.settings import Config
from opsbot.errors import OpsError
from opsbot.store import Store

_log = log.get(__name__)


def _key(user: str) -> str:
    return f"called:{user}"


def keep(store: Store, user: str, name: str) -> str:
    """The name, remembered for those who cannot ask Slack."""
    try:
        if store.settings.get(_key(user)) != name:
            store.settings.put(_key(user), name)
    except OpsError as error:
        _log.warning("name.not_kept", user=user, why=error)
    return name


def kept(store: Store, config: Config, user: str) -> str:
    """The name that was kept, else the login that opsbot.yml maps to this member, else the id."""
    try:
        known = store.settings.get(_key(user))
    except OpsError:
        known = None
    logins = (login for login, member in config.terminal_users.items() if member == user)
    return str(known or next(logins, user))
