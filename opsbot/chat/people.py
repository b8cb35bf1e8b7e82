"""Who and where: Slack's users and channels, looked up once and remembered for a while."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from zoneinfo import available_timezones

from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import WebClient

from opsbot import log as logs
from opsbot.clock import Clock
from opsbot.commands.request import Actor

log = logs.get(__name__)

FRESH = 600.0  # seconds that a user's name, zone and guest mark are believed
STALE = 1800.0  # seconds after which nobody is believed not to be a guest any more: Slack did not tell for so long
SOON = 5.0  # seconds until channels are asked for again after a failure
PAGES = 10  # of 200: enough for the channels of a large workspace

_NOT_FOR_US = ("missing_scope", "channel_not_found")  # of a private channel

_TROUBLE = (SlackApiError, SlackClientError, OSError, ValueError)


class People:
    """Actors from Slack user ids. `team` is ours: whoever belongs to another one is a guest."""

    def __init__(self, client: WebClient, clock: Clock, timezone: str) -> None:
        self._client, self._clock, self._timezone = client, clock, timezone
        self._known: dict[str, tuple[float, Actor]] = {}
        self.team = ""

    def actor(self, user: str, team: str) -> Actor:
        """The person behind an id. Someone of whom Slack tells us nothing, now or not long ago, is a guest."""
        at, actor = self._known.get(user, (0.0, None))
        doubtful = bool(self.team and team and team != self.team)
        if actor is None or at + FRESH < self._clock.monotonic():
            told = self._ask(user)
            doubtful |= told is None and (actor is None or at + STALE < self._clock.monotonic())
            actor = told or actor or Actor("person", user, user, self._timezone)
        return replace(actor, guest=True) if doubtful else actor

    def learn(self) -> None:
        """Remember the first page of users, so that their first command is answered as fast as the next."""
        try:
            members: list[dict[str, Any]] = self._client.users_list(limit=200).get("members") or []
        except _TROUBLE as error:
            log.warning("people.unknown", why=error)
            return
        for member in members:
            self._remember(member)

    def _ask(self, user: str) -> Actor | None:
        try:
            found: dict[str, Any] | None = self._client.users_info(user=user).get("user")
        except _TROUBLE as error:
            log.warning("people.unknown", user=user, why=error)
            return None
        return self._remember(found) if found else None

    def _remember(self, found: dict[str, Any]) -> Actor:
        profile = found.get("profile") or {}
        name = profile.get("display_name") or found.get("real_name") or found.get("name") or found["id"]
        zone = found.get("tz")
        guest = any(
            found.get(mark) for mark in ("is_restricted", "is_ultra_restricted", "is_stranger", "is_bot", "deleted")
        )
        zone = zone if zone in available_timezones() else self._timezone
        actor = Actor("person", str(found["id"]), str(name), zone, guest=guest)
        self._known[actor.id] = (self._clock.monotonic(), actor)
        return actor


class Channels:
    """Channel names (with `#`) and ids, both ways."""

    def __init__(self, client: WebClient, clock: Clock) -> None:
        self._client, self._clock = client, clock
        self._ids: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._untold: dict[str, float] = {}  # id → no question before that moment of the monotonic clock
        self._asked = -FRESH
        self._guard = threading.Lock()

    def id(self, channel: str) -> str:
        """The id of `#name` (an id stays as it is); the name itself while Slack does not tell."""
        if channel.startswith("#") and channel not in self._ids:
            self.learn()
        return self._ids.get(channel, channel)

    def name(self, channel: str) -> str | None:
        """`#name` of an id, or None for direct messages and what Slack does not tell."""
        asked = channel in self._names or self._untold.get(channel, 0.0) > self._clock.monotonic()
        if not asked and not channel.startswith("D"):
            self._ask(channel)
        return self._names.get(channel)

    def learn(self) -> None:
        """Read the list of channels, at most every ten minutes."""
        with self._guard:
            if self._asked + FRESH > self._clock.monotonic():
                return
            try:
                for found in self._pages():
                    self._remember(found)
                self._asked = self._clock.monotonic()
            except _TROUBLE as error:
                self._asked = self._clock.monotonic() - FRESH + SOON
                log.warning("channels.unknown", why=error)

    def join(self, channel: str) -> None:
        """Be a member of a public channel; said in the log when that is not possible."""
        try:
            self._client.conversations_join(channel=self.id(channel))
        except _TROUBLE as error:
            log.warning("channels.not_joined", channel=channel, why=error, fix="Invite the bot to the channel.")

    def _ask(self, channel: str) -> None:
        try:
            found: dict[str, Any] | None = self._client.conversations_info(channel=channel).get("channel")
        except _TROUBLE as error:
            soon = not isinstance(error, SlackApiError) or error.response.get("error") not in _NOT_FOR_US
            self._untold[channel] = self._clock.monotonic() + (SOON if soon else FRESH)
            log.warning("channels.unknown", channel=channel, why=error)
            return
        if found:
            self._remember(found)

    def _pages(self) -> Iterator[dict[str, Any]]:
        cursor = ""
        for _ in range(PAGES):
            answer = self._client.conversations_list(limit=200, cursor=cursor, exclude_archived=True)
            yield from answer.get("channels") or []
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return

    def _remember(self, found: dict[str, Any]) -> None:
        if found.get("name"):
            self._ids[f"#{found['name']}"] = str(found["id"])
            self._names[str(found["id"])] = f"#{found['name']}"
