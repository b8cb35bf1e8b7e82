"""All state of one workspace, in memory: who is there, what was said, which dialogs are open.

Every change is published to the feed (for pages) and, where the bot may see it, told to the bot.
"""

import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any

from opsbot.workspace import seed, text
from opsbot.workspace.errors import ApiError
from opsbot.workspace.feed import Feed
from opsbot.workspace.records import Channel, Json, Message, User, Usergroup, View
from opsbot.workspace.shared_file import SharedFile

_CHANNEL_TYPES = {"im": "im", "private_channel": "group", "public_channel": "channel"}  # as events name them


class World:
    """State and its lookups; lookups raise ApiError with Slack's code. Not thread-safe: one event loop owns it."""

    team = seed.TEAM
    app = seed.APP
    bot = seed.BOT
    bot_id = seed.BOT_ID

    def __init__(self, tell_bot: Callable[[Json], None], feed: Feed) -> None:
        self.tell_bot = tell_bot
        self.feed = feed
        self.users: dict[str, User] = {user.id: user for user in seed.users()}
        self.channels: dict[str, Channel] = {channel.id: channel for channel in seed.channels()}
        self.usergroups: dict[str, Usergroup] = {group.id: group for group in seed.usergroups()}
        self.messages: dict[str, dict[str, Message]] = {id_: {} for id_ in self.channels}
        self.views: dict[str, View] = {}
        self.stacks: dict[str, list[str]] = {}  # person → ids of the modals they have open, bottom first
        self.files: dict[str, SharedFile] = {}
        self.webhooks: dict[str, str] = {}  # secret → channel
        self.homes: dict[str, View] = {}  # person → what the bot published for them
        self.read: dict[str, dict[str, str]] = {}  # person → channel → ts of the last message they read
        self.changes = 0
        self._last_ts = 0

    # lookups

    def user(self, id_: str) -> User:
        if id_ not in self.users:
            raise ApiError("user_not_found")
        return self.users[id_]

    def channel(self, name: str) -> Channel:
        """By id, `#name` or name; a member's id opens the direct conversation with the bot."""
        if name in self.users and name != self.bot:
            return self.direct(name)
        found = self.place(name)
        if found is None:
            raise ApiError("channel_not_found")
        return found

    def place(self, name: str) -> Channel | None:
        """The same without making one."""
        plain = name.removeprefix("#")
        named = (one for one in self.channels.values() if one.name == plain and not one.is_im)
        return self.channels.get(name) or next(named, None)

    def direct(self, person: str, *, quietly: bool = False) -> Channel:
        """The direct conversation between this person and the bot, made when it is not there."""
        id_ = f"D{person[1:]}"
        if id_ not in self.channels:
            self.channels[id_] = Channel(id_, id_, [person, self.bot], is_im=True)
            self.messages[id_] = {}
            self.changes += 1
            if not quietly:
                self.feed.publish("channel", only_for=person, channel=self.channels[id_].as_slack(self.bot))
        return self.channels[id_]

    def message(self, channel: str, ts: str) -> Message:
        found = self.messages[channel].get(ts)
        if found is None:
            raise ApiError("message_not_found")
        return found

    def view(self, id_: str) -> View:
        """An open modal, or somebody's home."""
        home = next((view for view in self.homes.values() if view.id == id_), None)
        if id_ not in self.views and home is None:
            raise ApiError("not_found")
        return home or self.views[id_]

    def visible(self, channel: str, person: str | None) -> Iterator[Message]:
        """A channel's messages in order, ephemeral ones only for the person they were for."""
        for message in self.messages[channel].values():
            if message.only_for in (None, person):
                yield message

    def names(self) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
        """Name → id of people, channels and groups, as mentions need them."""
        people = {user.name: user.id for user in self.users.values()}
        channels = {one.name: one.id for one in self.channels.values() if one.kind == "public_channel"}
        groups = {group.name: group.id for group in self.usergroups.values() if not group.date_delete}
        return people, channels, groups

    def typed(self, words: str, *, labels: bool = False) -> str:
        """What a person typed, as Slack stores it."""
        return text.typed(words, *self.names(), labels=labels)

    def next_ts(self) -> str:
        """A timestamp never given before: seconds with six decimals, as text."""
        self._last_ts = max(self._last_ts + 1, time.time_ns() // 1000)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    # changes

    def post(self, message: Message) -> Message:
        """Store a new message, show it, and tell the bot unless it is ephemeral."""
        message.blocks = with_ids(message.blocks)
        parent = self.messages[message.channel].get(message.thread_ts or "")
        if parent and parent.thread_ts:  # an answer to a reply belongs to the reply's thread
            parent = self.messages[message.channel].get(parent.thread_ts, parent)
            message.thread_ts = parent.ts
        self.messages[message.channel][message.ts] = message
        if parent and parent is not message and not message.only_for:
            parent.thread_ts, message.parent_user = parent.ts, parent.user
            self._count(parent)
        self._show(message)
        if not message.only_for:
            self.tell_bot(self._event(message, **message.as_slack(self.team)))
        return message

    def edit(self, message: Message, **fields: Any) -> None:
        """Change a message in place; the bot is told as `message_changed`."""
        before = message.as_slack(self.team)
        if "blocks" in fields:
            fields["blocks"] = with_ids(fields["blocks"])
        for name, value in fields.items():
            setattr(message, name, value)
        message.edits += 1
        message.edited = {"user": message.user, "ts": self.next_ts()}
        self._show(message)
        if not message.only_for:
            after = message.as_slack(self.team)
            event = self._event(message, subtype="message_changed", previous_message=before)
            self.tell_bot(event | {"message": after, "hidden": True, "ts": message.edited["ts"]})

    def delete(self, message: Message) -> None:
        """Remove a message; the bot is told as `message_deleted`."""
        del self.messages[message.channel][message.ts]
        self.changes += 1
        place = self.channels[message.channel]
        self.publish("deleted", place, message.only_for, channel=message.channel, ts=message.ts)
        parent = self.messages[message.channel].get(message.thread_ts or "")
        if parent:
            self._count(parent)
        if not message.only_for:
            fields: Json = {"deleted_ts": message.ts, "previous_message": message.as_slack(self.team)}
            event = self._event(message, subtype="message_deleted", **fields)
            self.tell_bot(event | {"hidden": True, "ts": self.next_ts()})

    def react(self, message: Message, name: str, user: str) -> None:
        """Add a reaction; ApiError `already_reacted` when it is there."""
        mine = next((r for r in message.reactions if r["name"] == name), None)
        if mine and user in mine["users"]:
            raise ApiError("already_reacted")
        if mine is None:
            mine = {"name": name, "users": [], "count": 0}
            message.reactions.append(mine)
        mine["users"].append(user)
        mine["count"] = len(mine["users"])
        self._show(message)
        self._tell_reaction("reaction_added", message, name, user)

    def unreact(self, message: Message, name: str, user: str) -> bool:
        """Take a reaction away; False when it is not there."""
        mine = next((r for r in message.reactions if r["name"] == name and user in r["users"]), None)
        if mine is None:
            return False
        mine["users"].remove(user)
        mine["count"] = len(mine["users"])
        if not mine["users"]:
            message.reactions.remove(mine)
        self._show(message)
        self._tell_reaction("reaction_removed", message, name, user)
        return True

    def _tell_reaction(self, kind: str, message: Message, name: str, user: str) -> None:
        item = {"type": "message", "channel": message.channel, "ts": message.ts}
        event: Json = {"type": kind, "user": user, "reaction": name, "item": item}
        self.tell_bot(event | {"item_user": message.user, "event_ts": self.next_ts()})

    def forget_file(self, shared: SharedFile) -> None:
        """Delete a file; messages that showed it say that it is gone."""
        del self.files[shared.id]
        self.changes += 1
        for place in shared.channels:
            for message in self.messages[place].values():
                if any(one["id"] == shared.id for one in message.files):
                    gone = {"id": shared.id, "mode": "tombstone", "name": "This file was deleted."}
                    message.files = [gone if one["id"] == shared.id else one for one in message.files]
                    self._show(message)

    def whisper(self, channel: str, person: str, text: str, thread_ts: str | None = None) -> Message:
        """A sentence of the workspace itself (Slackbot's), seen by one person."""
        message = Message(channel, self.next_ts(), "USLACKBOT", text, thread_ts=thread_ts, only_for=person)
        message.username = "Slackbot"
        return self.post(message)

    def new_id(self, letter: str) -> str:
        return letter + secrets.token_hex(5).upper()

    def publish(self, kind: str, place: Channel, only_for: str | None = None, **fields: Any) -> None:
        """Tell the pages of everybody who may see a channel, or of one person alone."""
        for reader in place.members if place.is_private and only_for is None else [only_for]:
            self.feed.publish(kind, only_for=reader, **fields)

    def _count(self, parent: Message) -> None:
        """Bring a thread's first message up to date with its replies."""
        replies = [
            one
            for one in self.messages[parent.channel].values()
            if one.thread_ts == parent.ts and one is not parent and not one.only_for
        ]
        parent.replies = len(replies)
        parent.reply_users = list(dict.fromkeys(one.user for one in replies))
        parent.latest_reply = replies[-1].ts if replies else ""
        if not replies:
            parent.thread_ts = None
        self._show(parent)

    def _show(self, message: Message) -> None:
        self.changes += 1
        place = self.channels[message.channel]
        self.publish("message", place, message.only_for, message=message.as_page(self.team))

    def _event(self, message: Message, **fields: Any) -> Json:
        kind = _CHANNEL_TYPES[self.channels[message.channel].kind]
        place: Json = {"type": "message", "channel": message.channel, "channel_type": kind}
        return place | fields | {"event_ts": message.ts}


def with_ids(blocks: list[Json]) -> list[Json]:
    """Blocks as Slack stores them: every block has a `block_id`, every interactive element an `action_id`."""
    stored = []
    for block in blocks:
        named: Json = {"block_id": secrets.token_urlsafe(3)} | block
        for key in ("accessory", "element"):
            if isinstance(named.get(key), dict):
                named[key] = _with_action_id(named[key])
        if named.get("type") == "actions":
            named["elements"] = [_with_action_id(element) for element in named["elements"]]
        stored.append(named)
    return stored


def _with_action_id(element: Json) -> Json:
    return element if element.get("type") == "image" else {"action_id": secrets.token_urlsafe(3)} | element
