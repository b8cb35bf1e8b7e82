"""One workspace's parts, joined: what every route and method is given."""

import secrets
import time
from dataclasses import dataclass, field
from typing import Protocol

from opsbot.workspace import seed
from opsbot.workspace.delivery import Delivery
from opsbot.workspace.feed import Feed
from opsbot.workspace.inspector import Inspector
from opsbot.workspace.limits import Meter
from opsbot.workspace.records import Channel, Json, User
from opsbot.workspace.settings import Settings
from opsbot.workspace.triggers import Triggers
from opsbot.workspace.world import World


@dataclass
class Tokens:
    """The app's three secrets: the bot's token, the app's for sockets, and what signed HTTP is signed with."""

    bot: str = field(default_factory=lambda: f"xoxb-{secrets.token_hex(20)}")
    app: str = field(default_factory=lambda: f"xapp-1-{secrets.token_hex(20)}")
    signing: str = field(default_factory=lambda: secrets.token_hex(16))

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
    """State, delivery, limits, secrets and the inspector."""

    def __init__(self, settings: Settings, tokens: Tokens, url: str) -> None:
        self.settings = settings
        self.tokens = tokens
        self.url = url
        self.feed = Feed()
        self.inspector = Inspector(self.feed)
        self.delivery = Delivery(settings, self.inspector, tokens.signing)
        self.meter = Meter(settings)
        self.triggers = Triggers(settings)
        self.trouble = Trouble()
        self.door: Door | None = None
        self.world = World(self.tell_bot, self.feed)

    @property
    def ws_url(self) -> str:
        return self.url.replace("http://", "ws://", 1)

    def show_links(self) -> None:
        """Tell the pages how many sockets are open."""
        self.feed.publish("links", count=len(self.delivery.sockets.links), door=self.delivery.door)

    def tell_bot(self, event: Json) -> None:
        """Deliver an event to the bot, if it is subscribed and a member of the channel where it happened."""
        place = event.get("channel") or event.get("channel_id") or event.get("item", {}).get("channel")
        if isinstance(place, str) and self.world.bot not in self.world.channels[place].members:
            return
        if self.settings.hears(event):
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

    def place(self, channel: Channel) -> Json:
        """A channel as acts name it."""
        unnamed = {"im": "directmessage", "private_channel": "privategroup"}
        return {"id": channel.id, "name": unnamed.get(channel.kind, channel.name)}

    def by(self, person: User) -> Json:
        """What every interactive payload says about who acted and where the app is installed."""
        world = self.world
        who = {"id": person.id, "username": person.name, "name": person.name, "team_id": world.team}
        shape: Json = {"user": who, "team": {"id": world.team, "domain": seed.TEAM_DOMAIN}, "token": ""}
        return shape | {"api_app_id": world.app, "enterprise": None, "is_enterprise_install": False}
