"""One workspace's parts, joined: what every route and method is given."""

import secrets
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

from opsbot.workspace import seed
from opsbot.workspace.delivery import Delivery
from opsbot.workspace.limits import Meter
from opsbot.workspace.records import Json, User
from opsbot.workspace.settings import Settings
from opsbot.workspace.triggers import Triggers
from opsbot.workspace.world import World


@dataclass
class Tokens:
    """The bot's two secrets."""

    bot: str = field(default_factory=lambda: f"xoxb-{secrets.token_hex(20)}")
    app: str = field(default_factory=lambda: f"xapp-1-{secrets.token_hex(20)}")

    def __repr__(self) -> str:
        return "Tokens([REDACTED])"


@dataclass
class Trouble:
    """What is made to go wrong on purpose: the whole API away, or slow."""

    down: bool = False
    slow_seconds: float = 0.0


class Door(Protocol):
    """The port the workspace listens on."""

    async def shut_for(self, seconds: float) -> None:
        """Refuse connections for so long and cut the open ones."""


class Hub:
    """State, delivery, limits, secrets and the inspector's list of calls."""

    def __init__(self, settings: Settings, tokens: Tokens, url: str) -> None:
        self.settings = settings
        self.tokens = tokens
        self.url = url
        self.delivery = Delivery(settings)
        self.meter = Meter(settings)
        self.triggers = Triggers(settings)
        self.trouble = Trouble()
        self.door: Door | None = None
        self.calls: deque[Json] = deque(maxlen=5000)
        self.world = World(self.tell_bot)

    @property
    def ws_url(self) -> str:
        return self.url.replace("http://", "ws://", 1)

    def tell_bot(self, event: Json) -> None:
        """Deliver an event to the bot, if it is a member of the channel where it happened."""
        place = event.get("channel") or event.get("item", {}).get("channel")
        if place is None or self.world.bot in self.world.channels[place].members:
            self.delivery.event(self.event_payload(event))

    def event_payload(self, event: Json) -> Json:
        """The body of an `events_api` envelope."""
        world = self.world
        authorization: Json = {"enterprise_id": None, "team_id": world.team, "user_id": world.bot}
        authorization |= {"is_bot": True, "is_enterprise_install": False}
        shape: Json = {"type": "event_callback", "token": "", "team_id": world.team, "api_app_id": world.app}
        shape |= {"event": event, "event_id": world.new_id("Ev"), "event_time": int(time.time())}
        return shape | {"authorizations": [authorization], "is_ext_shared_channel": False}

    def response_url(self, user: str, channel: str, message_ts: str | None = None, thread_ts: str | None = None) -> str:
        """A response_url for an act of this person in this channel."""
        return f"{self.url}/respond/{self.triggers.open_reply(user, channel, message_ts, thread_ts)}"

    def by(self, person: User) -> Json:
        """What every interactive payload says about who acted and where the app is installed."""
        world = self.world
        who = {"id": person.id, "username": person.name, "name": person.name, "team_id": world.team}
        shape: Json = {"user": who, "team": {"id": world.team, "domain": seed.TEAM_DOMAIN}, "token": ""}
        return shape | {"api_app_id": world.app, "enterprise": None, "is_enterprise_install": False}
