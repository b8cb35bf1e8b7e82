"""The things of a workspace (people, channels, messages, views) and their Slack shapes."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

Json = dict[str, Any]
_FACES = (24, 32, 48, 72, 192, 512)  # pixels, as profiles name them


@dataclass
class User:
    """A member; bots are members too."""

    id: str
    name: str
    real_name: str
    tz: str = "UTC"
    is_bot: bool = False
    is_guest: bool = False
    is_admin: bool = False
    bot_id: str = ""
    title: str = ""
    image: str = ""  # a face's URL

    @property
    def email(self) -> str:
        return "" if self.is_bot else f"{self.name}@operations.example"

    def as_slack(self, team: str, *, with_address: bool = False) -> Json:
        """With `with_address` (scope users:read.email) the profile has the person's address."""
        offset = datetime.now(UTC).astimezone(ZoneInfo(self.tz)).utcoffset()
        return {
            "id": self.id,
            "team_id": team,
            "name": self.name,
            "deleted": False,
            "real_name": self.real_name,
            "tz": self.tz,
            "tz_label": self.tz,
            "tz_offset": int(offset.total_seconds()) if offset else 0,
            "profile": self._profile(team) | ({"email": self.email} if with_address and self.email else {}),
            "is_admin": self.is_admin,
            "is_owner": False,
            "is_restricted": self.is_guest,
            "is_ultra_restricted": False,
            "is_bot": self.is_bot,
            "is_app_user": self.is_bot,
        }

    def _profile(self, team: str) -> Json:
        shape: Json = {"real_name": self.real_name, "display_name": self.name, "title": self.title, "team": team}
        shape |= {"status_text": "", "status_emoji": ""}
        if self.bot_id:
            shape["bot_id"] = self.bot_id
        return shape | {f"image_{size}": self.image for size in _FACES if self.image}


@dataclass
class Channel:
    """A channel, private where it says so, or a direct conversation when `is_im`."""

    id: str
    name: str
    members: list[str]
    topic: str = ""
    is_im: bool = False
    created: int = 1_700_000_000
    purpose: str = ""
    is_archived: bool = False
    is_private: bool = False

    @property
    def kind(self) -> str:
        """As the `types` of listings name it."""
        return "im" if self.is_im else "private_channel" if self.is_private else "public_channel"

    def as_slack(self, bot: str) -> Json:
        if self.is_im:
            person = next((m for m in self.members if m != bot), bot)
            return {"id": self.id, "is_im": True, "user": person, "created": self.created, "is_archived": False}
        return {
            "id": self.id,
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": True,
            "is_group": False,
            "is_im": False,
            "is_mpim": False,
            "is_private": self.is_private,
            "is_archived": self.is_archived,
            "is_general": self.name == "general",
            "is_member": bot in self.members,
            "created": self.created,
            "num_members": len(self.members),
            "topic": {"value": self.topic, "creator": "", "last_set": 0},
            "purpose": {"value": self.purpose, "creator": "", "last_set": 0},
        }


@dataclass
class Usergroup:
    """A mentionable group of people."""

    id: str
    name: str  # the handle that people type after @
    users: list[str]
    title: str = ""
    description: str = ""
    date_delete: int = 0  # epoch seconds; not 0 = disabled
    date_create: int = 1_700_000_000
    date_update: int = 1_700_000_000

    def as_slack(self, team: str, *, with_users: bool) -> Json:
        group: Json = {"id": self.id, "team_id": team, "is_usergroup": True, "name": self.title or self.name}
        group |= {"handle": self.name, "description": self.description, "is_external": False}
        group |= {"date_create": self.date_create, "date_update": self.date_update, "auto_type": None}
        group |= {"prefs": {"channels": [], "groups": []}}
        group |= {"user_count": len(self.users), "date_delete": self.date_delete}
        return group | ({"users": list(self.users)} if with_users else {})


@dataclass
class Message:
    """One message; `only_for` makes it ephemeral. `edits` counts how often it was changed."""

    channel: str
    ts: str
    user: str
    text: str
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    thread_ts: str | None = None
    bot_id: str = ""
    app_id: str = ""
    username: str = ""
    subtype: str = ""
    only_for: str | None = None
    edits: int = 0
    edited: Json | None = None
    reactions: list[Json] = field(default_factory=list)
    files: list[Json] = field(default_factory=list)
    metadata: Json | None = None
    replies: int = 0
    reply_users: list[str] = field(default_factory=list)
    latest_reply: str = ""
    parent_user: str = ""  # who began the thread, for a reply

    def as_slack(self, team: str) -> Json:
        """The message as history and events carry it."""
        shape: Json = {"type": "message", "ts": self.ts, "user": self.user, "text": self.text, "team": team}
        optional: Json = {
            "subtype": self.subtype,
            "bot_id": self.bot_id,
            "app_id": self.app_id,
            "username": self.username,
            "blocks": self.blocks,
            "attachments": self.attachments,
            "thread_ts": self.thread_ts,
            "edited": self.edited,
            "reactions": self.reactions,
            "files": self.files,
            "metadata": self.metadata,
            "reply_count": self.replies,
            "reply_users": self.reply_users,
            "reply_users_count": len(self.reply_users),
            "latest_reply": self.latest_reply,
            "parent_user_id": self.parent_user,
        }
        return shape | {key: value for key, value in optional.items() if value}

    def as_page(self, team: str) -> Json:
        """The message as the page and the controls see it: with its channel, edits and audience."""
        shape = self.as_slack(team)
        return shape | {"channel": self.channel, "edits": self.edits, "only_for": self.only_for}


@dataclass
class View:
    """A modal (or a home tab) as one person has it open."""

    id: str
    user: str
    shape: Json
    hash: str
    root_id: str
    previous_id: str | None = None

    def as_slack(self, team: str, app: str, bot: str, state: Json | None = None) -> Json:
        fixed: Json = {
            "id": self.id,
            "team_id": team,
            "app_id": app,
            "bot_id": bot,
            "hash": self.hash,
            "root_view_id": self.root_id,
            "previous_view_id": self.previous_id,
            "state": {"values": state or {}},
        }
        defaults: Json = {"private_metadata": "", "callback_id": "", "external_id": ""}
        defaults |= {"clear_on_close": False, "notify_on_close": False, "close": None, "submit": None}
        defaults["submit_disabled"] = False
        return defaults | self.shape | fixed
