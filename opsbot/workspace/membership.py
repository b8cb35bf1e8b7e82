"""Channels as things that change: made, joined, left, archived, given a topic; pages and the bot are told. Newcomers."""

import time

from opsbot.workspace.errors import ApiError
from opsbot.workspace.records import Channel, Json, User
from opsbot.workspace.world import World


def create(world: World, name: str, *, private: bool = False) -> Channel:
    """A new channel with the bot in it; ApiError `name_taken`."""
    if any(channel.name == name for channel in world.channels.values()):
        raise ApiError("name_taken")
    made = Channel(world.new_id("C"), name, [world.bot], created=int(time.time()), is_private=private)
    world.channels[made.id] = made
    world.messages[made.id] = {}
    show(world, made)
    return made


def newcomer(world: World, name: str) -> User:
    """A new person, who joins #general; ApiError `name_taken`."""
    if any(user.name == name for user in world.users.values()):
        raise ApiError("name_taken")
    made = User(world.new_id("U"), name, name.title())
    world.users[made.id] = made
    join(world, world.channel("#general"), made.id)
    return made


def join(world: World, channel: Channel, user: str, inviter: str = "") -> bool:
    """Put a member in; False when they are there already. The bot hears `member_joined_channel`."""
    if user in channel.members:
        return False
    channel.members.append(user)
    extra = {"inviter": inviter} if inviter else {}
    _tell(world, "member_joined_channel", channel, user, extra)
    show(world, channel)
    return True


def leave(world: World, channel: Channel, user: str) -> bool:
    """Take a member out; False when they are not there. The bot hears `member_left_channel` while it is a member."""
    if user not in channel.members:
        return False
    channel.members.remove(user)
    _tell(world, "member_left_channel", channel, user, {})
    show(world, channel)
    return True


def show(world: World, channel: Channel) -> None:
    """Tell the pages that a channel changed."""
    world.changes += 1
    world.publish("channel", channel, channel=channel.as_slack(world.bot))


def _tell(world: World, kind: str, channel: Channel, user: str, extra: Json) -> None:
    where: Json = {"channel": channel.id, "channel_type": "G" if channel.is_private else "C", "team": world.team}
    event: Json = {"type": kind, "user": user} | where
    world.tell_bot(event | extra | {"event_ts": world.next_ts()})
