"""The Web API calls that show modals and home pages. What cannot be shown is said in the log and answered, never raised."""

from __future__ import annotations

from typing import Any

from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import WebClient

from opsbot import log as logs
from opsbot.chat.views import View

log = logs.get(__name__)

_TROUBLE = (SlackApiError, SlackClientError, OSError, ValueError)


class Screen:
    """What one person sees beside messages."""

    def __init__(self, client: WebClient) -> None:
        self._client = client

    def open(self, trigger: str, view: View) -> str | None:
        """Open a modal; its id, or None where that is not possible any more: a trigger lives for three seconds."""
        try:
            opened: Any = self._client.views_open(trigger_id=trigger, view=view)
        except _TROUBLE as error:
            log.warning("view.not_opened", why=error)
            return None
        return str(opened["view"]["id"])

    def update(self, view: str, shown: View) -> bool:
        """Show something else in a modal; False where it is closed."""
        try:
            self._client.views_update(view_id=view, view=shown)
        except _TROUBLE as error:
            log.warning("view.not_updated", why=error)
            return False
        return True

    def publish(self, user: str, view: View) -> bool:
        """Show a person's home page."""
        try:
            self._client.views_publish(user_id=user, view=view)
        except _TROUBLE as error:
            log.warning("home.not_published", user=user, why=error)
            return False
        return True
