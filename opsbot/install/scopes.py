"""The one table of what the bot asks of Slack, and which permission each needs. The app's manifest, `init` and `doctor` read it.

Scopes as in Slack's reference of methods and events. A test compares the table with the calls in `chat/`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

COMMAND = "/ops"
SOCKET_SCOPE = "connections:write"  # of the app-level token; a manifest cannot ask for it
PRIVATE_SCOPE = "groups:read"  # not asked for: only `doctor` would use it, for a channel that is private


@dataclass(frozen=True)
class Need:
    """A method of the Web API, an event or a feature, the scope that it needs of a bot ("" = none), and what for."""

    name: str
    scope: str = ""
    why: str = ""


METHODS = (
    Need("auth.test", "", "who we are"),
    Need("chat.postMessage", "chat:write", "answers, plans, alerts"),
    Need("chat.postEphemeral", "chat:write", "answers for one person"),
    Need("chat.update", "chat:write", "one live message per run"),
    Need("conversations.history", "channels:history", "finds its own post again when Slack's answer was lost"),
    Need("conversations.info", "channels:read", "a channel's name"),
    Need("conversations.join", "channels:join", "joins the channels that opsbot.yml names"),
    Need("conversations.list", "channels:read", "a channel's id"),
    Need("conversations.replies", "channels:history", "the same in a thread"),
    Need("files.completeUploadExternal", "files:write", "charts"),
    Need("files.getUploadURLExternal", "files:write", "charts"),
    Need("usergroups.list", "usergroups:read", "roles by usergroup"),
    Need("users.info", "users:read", "a person's name and time zone, and who is a guest"),
    Need("users.list", "users:read", "the same for everybody, once"),
    Need("views.open", "", "forms"),
    Need("views.publish", "", "the Home tab"),
    Need("views.update", "", "forms that change"),
)
EVENTS = (
    Need("app_home_opened", "", "the Home tab"),
    Need("app_mention", "app_mentions:read", "@opsbot deploy v2 to staging"),
    Need("message.im", "im:history", "direct messages"),
)
FEATURES = (Need(f"the command {COMMAND}", "commands", "slash commands"),)
ALL = (*METHODS, *EVENTS, *FEATURES)


def bot_scopes() -> list[str]:
    """Every scope that the bot's token needs, in order."""
    return sorted({need.scope for need in ALL if need.scope})


def missing(granted: Iterable[str]) -> dict[str, list[str]]:
    """Scope that is not granted → what does not work without it, in words."""
    held = set(granted)
    found: dict[str, list[str]] = {}
    for need in ALL:
        if need.scope and need.scope not in held and need.why not in found.setdefault(need.scope, []):
            found[need.scope].append(need.why)
    return found
