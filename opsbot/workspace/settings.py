"""The workspace's settings: which rules it enforces and how fast its clocks run."""

from dataclasses import dataclass, field
from typing import Any, Literal

BOT_SCOPES = (
    "app_mentions:read,channels:history,channels:join,channels:manage,channels:read,chat:write,commands,"
    "files:read,files:write,groups:history,groups:read,groups:write,im:history,im:read,im:write,reactions:read,"
    "reactions:write,usergroups:read,users:read"
)


EVENTS = {  # what an app can subscribe to here → the scope without which it hears nothing
    "app_home_opened": "",
    "app_mention": "app_mentions:read",
    "file_shared": "files:read",
    "member_joined_channel": "channels:read",
    "member_left_channel": "channels:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "reaction_added": "reactions:read",
    "reaction_removed": "reactions:read",
}


@dataclass(frozen=True)
class Shortcut:
    """An entry of the app in a menu: of the whole workspace (`global`), or of one message (`message`)."""

    callback_id: str
    name: str
    type: Literal["global", "message"] = "global"


@dataclass(frozen=True)
class Settings:
    """Seconds everywhere, unless the name says otherwise. Defaults are Slack's, but for the redelivery pauses."""

    rate_limits: bool = True
    posts_per_second: float = 1.0  # per channel
    post_burst: int = 10
    updates_per_minute: float = 50.0
    update_burst: int = 20
    ack_seconds: float = 3.0
    # Slack waits about 0 s, 1 min and 5 min; nobody watching a demo or a test does.
    redelivery_pauses: tuple[float, ...] = (0.1, 2.0, 10.0)
    trigger_seconds: float = 3.0
    response_url_posts: int = 5
    response_url_seconds: float = 1800.0
    link_seconds: int = 18060  # announced lifetime of one socket
    most_links: int = 10
    scopes: tuple[str, ...] = tuple(BOT_SCOPES.split(","))
    events: tuple[str, ...] = tuple(EVENTS)  # what the app is subscribed to
    home_tab: bool = True
    commands: dict[str, str] = field(default_factory=lambda: {"/ops": ""})  # → usage hint: `look [AT] | go TO`
    shortcuts: tuple[Shortcut, ...] = ()

    def hears(self, event: dict[str, Any]) -> bool:
        """Whether the app is subscribed and has the scope; a direct message is `message.im`, and so on."""
        name = event["type"]
        if name == "message":
            name = {"im": "message.im", "group": "message.groups"}.get(event["channel_type"], "message.channels")
        return name in self.events and EVENTS[name] in ("", *self.scopes)
