"""The workspace's settings: which rules it enforces and how fast its clocks run."""

from dataclasses import dataclass, field

BOT_SCOPES = (
    "app_mentions:read,channels:history,channels:join,channels:manage,channels:read,chat:write,commands,"
    "files:read,files:write,im:history,im:read,im:write,reactions:read,reactions:write,usergroups:read,users:read"
)


def _default_commands() -> dict[str, str]:
    return {"/ops": "status, deploy, rollback, backup, restore, logs, alerts"}


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
    commands: dict[str, str] = field(default_factory=_default_commands)
