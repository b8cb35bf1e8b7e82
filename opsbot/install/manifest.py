"""The Slack app's manifest: the whole app in one text, and the link that makes the app of it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import yaml

from opsbot.commands.hint import HINT
from opsbot.install import scopes

_CREATE = "https://api.slack.com/apps?new_app=1&manifest_yaml="
_PATH = "/slack/events"


def manifest(name: str, http: str | None = None) -> dict[str, Any]:
    """The manifest of an app of that name. `http`: the address that Slack reaches us at; without it, Socket Mode."""
    url = f"{http.rstrip('/')}{_PATH}" if http else None
    at = {"request_url": url} if url else {}
    command = {
        "command": scopes.COMMAND,
        **({"url": url} if url else {}),
        "description": "Deploy, roll back, back up, look",
        "usage_hint": HINT,
        "should_escape": True,
    }
    return {
        "display_information": {"name": name, "description": "Runs the team's runbooks on Docker Swarm"},
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": name, "always_online": True},
            "slash_commands": [command],
        },
        "oauth_config": {"scopes": {"bot": scopes.bot_scopes()}},
        "settings": {
            "event_subscriptions": {**at, "bot_events": [need.name for need in scopes.EVENTS]},
            "interactivity": {
                "is_enabled": True,
                **at,
                **({"message_menu_options_url": url} if url else {}),
            },
            "org_deploy_enabled": False,
            "socket_mode_enabled": url is None,
            "token_rotation_enabled": False,
        },
    }


def as_yaml(found: dict[str, Any]) -> str:
    """The text to paste."""
    return yaml.safe_dump(found, sort_keys=False, allow_unicode=True, width=100)


def link(found: dict[str, Any]) -> str:
    """Opens Slack's page for a new app with the manifest filled in."""
    return _CREATE + quote(as_yaml(found), safe="")
