"""Unread marks: how far each person has read in each channel, and what they have not seen yet."""

from opsbot.workspace.records import Channel, Json, Message
from opsbot.workspace.world import World

_EVERYBODY = ("<!here>", "<!channel>", "<!everyone>")


def marks(world: World, channel: Channel, person: str) -> Json:
    """{last_read, latest, unread, mentions} of a channel for one person; replies in threads are not counted."""
    last_read = world.read.get(person, {}).get(channel.id, "0")
    seen = [message for message in world.visible(channel.id, person) if not _in_thread(message)]
    unread = [message for message in seen if message.ts > last_read and message.user != person]
    named = unread if channel.is_im else [message for message in unread if _names(world, message, person)]
    latest = seen[-1].ts if seen else ""
    return {"last_read": last_read, "latest": latest, "unread": len(unread), "mentions": len(named)}


def read(world: World, channel: Channel, person: str, ts: str = "") -> Json:
    """Mark a channel read up to a message (default: the latest); answers the marks. The person's pages are told."""
    latest = marks(world, channel, person)["latest"]
    world.read.setdefault(person, {})[channel.id] = ts or latest or "0"
    world.changes += 1
    after = marks(world, channel, person)
    world.feed.publish("read", only_for=person, channel=channel.id, **after)
    return after


def _in_thread(message: Message) -> bool:
    return message.thread_ts not in (None, message.ts) and message.subtype != "thread_broadcast"


def _names(world: World, message: Message, person: str) -> bool:
    groups = [f"<!subteam^{group.id}" for group in world.usergroups.values() if person in group.users]
    return any(mark in message.text for mark in (f"<@{person}", *groups, *_EVERYBODY))
