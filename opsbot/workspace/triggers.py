"""What a person's act permits the bot for a while: one modal (trigger_id), a few posts (response_url)."""

import secrets
import time
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from opsbot.workspace.errors import ApiError
from opsbot.workspace.settings import Settings

REMEMBERED_SECONDS = 3600.0  # after the end, so that a late use is still told from an unknown one
_MANY = 1000


@dataclass
class Trigger:
    """A person's act that may open one modal within seconds; `view` is the modal it came from."""

    user: str
    expires: float
    view: str | None = None
    used: bool = False


@dataclass
class Reply:
    """A response_url: where its posts go, and how many are left."""

    user: str
    channel: str
    expires: float
    left: int
    message_ts: str | None = None
    thread_ts: str | None = None


@dataclass
class Triggers:
    """All open triggers and response_urls. `clock` answers seconds."""

    settings: Settings
    clock: Callable[[], float] = time.monotonic
    _triggers: dict[str, Trigger] = field(default_factory=dict)
    _replies: dict[str, Reply] = field(default_factory=dict)

    def open(self, user: str, view: str | None = None) -> str:
        """A new trigger_id of this person."""
        id_ = f"{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        _forget_expired(self._triggers, self.clock() - REMEMBERED_SECONDS)
        self._triggers[id_] = Trigger(user, self.clock() + self.settings.trigger_seconds, view)
        return id_

    def exchange(self, id_: str) -> Trigger:
        """Use a trigger_id; ApiError when it is unknown, used, or older than its seconds."""
        trigger = self._triggers.get(id_)
        if trigger is None:
            raise ApiError("invalid_trigger_id")
        if trigger.used:
            raise ApiError("exchanged_trigger_id")
        if self.clock() > trigger.expires:
            raise ApiError("expired_trigger_id")
        trigger.used = True
        return trigger

    def open_reply(self, user: str, channel: str, message_ts: str | None = None, thread_ts: str | None = None) -> str:
        """The id of a new response_url."""
        id_ = secrets.token_urlsafe(18)
        _forget_expired(self._replies, self.clock() - REMEMBERED_SECONDS)
        expires = self.clock() + self.settings.response_url_seconds
        self._replies[id_] = Reply(user, channel, expires, self.settings.response_url_posts, message_ts, thread_ts)
        return id_

    def use_reply(self, id_: str) -> Reply:
        """Take one post off a response_url; ApiError `used_url` or `expired_url`."""
        reply = self._replies.get(id_)
        if reply is None or reply.left <= 0:
            raise ApiError("used_url")
        if self.clock() > reply.expires:
            raise ApiError("expired_url")
        reply.left -= 1
        return reply


def _forget_expired(kept: MutableMapping[str, Any], before: float) -> None:
    """Drop those that ended before this moment; they are in the order of their ends."""
    while len(kept) > _MANY and next(iter(kept.values())).expires < before:
        del kept[next(iter(kept))]
