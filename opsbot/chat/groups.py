"""Usergroups: which of them a person is in, cached for a while; what Slack does not tell is nobody's membership."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping

from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import WebClient

from opsbot import log as logs
from opsbot.clock import Clock

FRESH = 120.0  # seconds until Slack is asked again
STALE = 300.0  # seconds after which an old answer is not believed any more

log = logs.get(__name__)


class Groups:
    """Who is in which usergroup. They exist on paid plans only; elsewhere roles name people."""

    def __init__(self, client: WebClient, clock: Clock) -> None:
        self._client, self._clock = client, clock
        self._guard = threading.Lock()
        self._members: Mapping[str, frozenset[str]] = {}
        self._learned = self._asked = float("-inf")

    def of(self, user: str) -> Collection[str]:
        """The usergroups of a person, each as its id and as `@handle`. Nothing while Slack has not answered for long."""
        with self._guard:
            now = self._clock.monotonic()
            if now - self._asked >= FRESH:
                self._asked = now
                self._ask()
            if self._clock.monotonic() - self._learned > STALE:
                return frozenset()
            return frozenset(name for name, members in self._members.items() if user in members)

    def _ask(self) -> None:
        try:
            found = self._client.usergroups_list(include_users=True, include_disabled=False).get("usergroups") or []
        except (SlackApiError, SlackClientError, OSError, ValueError) as error:
            log.warning("usergroups.unknown", why=error)
            return
        members: dict[str, frozenset[str]] = {}
        for group in found:
            people = frozenset(str(user) for user in group.get("users") or [])
            members[str(group["id"])] = members[f"@{group.get('handle')}"] = people
        self._members, self._learned = members, self._clock.monotonic()
