"""`conversations.*`: channels, their members and their messages."""

import re

from opsbot.workspace import membership, reading
from opsbot.workspace.errors import ApiError
from opsbot.workspace.hub import Hub
from opsbot.workspace.methods.method import Method, flag, known_channel, ordinary_channel, own_channel, page, require
from opsbot.workspace.records import Json, Message

HISTORY, REPLIES = 100, 1000  # messages a page, where the caller does not say
_NAME = re.compile(r"[a-z0-9_-]{1,80}")


def list_(hub: Hub, args: Json) -> Json:
    wanted = set((args.get("types") or "public_channel").split(","))
    if not wanted <= {"public_channel", "private_channel", "mpim", "im"}:
        raise ApiError("invalid_types")
    found = [
        channel.as_slack(hub.world.bot)
        for channel in hub.world.channels.values()
        if channel.kind in wanted
        and (not channel.is_private or hub.world.bot in channel.members)
        and not (channel.is_archived and flag(args, "exclude_archived"))
    ]
    channels, metadata = page(found, args, wrong="invalid_limit")
    return {"channels": channels, "response_metadata": metadata}


def show(hub: Hub, args: Json) -> Json:
    channel = known_channel(hub, args)
    shape = channel.as_slack(hub.world.bot)
    if not flag(args, "include_num_members"):
        shape.pop("num_members", None)
    return {"channel": shape}


def history(hub: Hub, args: Json) -> Json:
    channel = own_channel(hub, args)
    roots = [m for m in hub.world.visible(channel.id, None) if m.thread_ts in (None, m.ts) or _broadcast(m)]
    roots = [message for message in reversed(roots) if _within(message, args)]
    messages, metadata = page([message.as_slack(hub.world.team) for message in roots], args, HISTORY)
    shape: Json = {"messages": messages, "has_more": bool(metadata["next_cursor"]), "pin_count": 0}
    return shape | {"response_metadata": metadata}


def replies(hub: Hub, args: Json) -> Json:
    channel = own_channel(hub, args)
    asked = hub.world.messages[channel.id].get(require(args, "ts", "thread_not_found"))
    if asked is None or asked.only_for:
        raise ApiError("thread_not_found")
    root = asked.thread_ts or asked.ts
    thread = [
        m for m in hub.world.visible(channel.id, None) if m.ts == root or (m.thread_ts == root and _within(m, args))
    ]
    messages, metadata = page([message.as_slack(hub.world.team) for message in thread], args, REPLIES)
    return {"messages": messages, "has_more": bool(metadata["next_cursor"]), "response_metadata": metadata}


def join(hub: Hub, args: Json) -> Json:
    channel = known_channel(hub, args)
    if channel.is_archived:
        raise ApiError("is_archived")
    if channel.kind != "public_channel":
        raise ApiError("method_not_supported_for_channel_type")
    extra: Json = {}
    if not membership.join(hub.world, channel, hub.world.bot):
        extra = {"warning": "already_in_channel", "response_metadata": {"warnings": ["already_in_channel"]}}
    return {"channel": channel.as_slack(hub.world.bot)} | extra


def leave(hub: Hub, args: Json) -> Json:
    channel = known_channel(hub, args)
    return {} if membership.leave(hub.world, channel, hub.world.bot) else {"not_in_channel": True}


def invite(hub: Hub, args: Json) -> Json:
    channel = ordinary_channel(hub, args)
    if channel.is_archived:
        raise ApiError("is_archived")
    users = [user for user in str(require(args, "users", "no_user")).split(",") if user]
    if hub.world.bot in users:
        raise ApiError("cant_invite_self")
    for user in users:
        if user not in hub.world.users:
            raise ApiError("user_not_found")
        if user in channel.members:
            raise ApiError("already_in_channel")
    for user in users:
        membership.join(hub.world, channel, user, hub.world.bot)
    return {"channel": channel.as_slack(hub.world.bot)}


def create(hub: Hub, args: Json) -> Json:
    name = str(require(args, "name", "invalid_name_required"))
    if not _NAME.fullmatch(name):
        raise ApiError("invalid_name_maxlength" if len(name) > 80 else "invalid_name_specials")
    if not name.strip("_-"):
        raise ApiError("invalid_name_punctuation")
    made = membership.create(hub.world, name, private=flag(args, "is_private"))
    return {"channel": made.as_slack(hub.world.bot)}


def archive(hub: Hub, args: Json) -> Json:
    channel = ordinary_channel(hub, args)
    if channel.is_archived:
        raise ApiError("already_archived")
    if channel.name == "general":
        raise ApiError("cant_archive_general")
    channel.is_archived = True
    membership.show(hub.world, channel)
    return {}


def set_topic(hub: Hub, args: Json) -> Json:
    channel = ordinary_channel(hub, args)
    if channel.is_archived:
        raise ApiError("is_archived")
    topic = str(require(args, "topic"))
    if len(topic) > 250:
        raise ApiError("too_long")
    channel.topic = topic
    membership.show(hub.world, channel)
    return {"channel": channel.as_slack(hub.world.bot)}


def set_purpose(hub: Hub, args: Json) -> Json:
    channel = own_channel(hub, args)
    channel.purpose = str(require(args, "purpose"))
    if len(channel.purpose) > 250:
        raise ApiError("too_long")
    membership.show(hub.world, channel)
    return {"purpose": channel.purpose}


def mark(hub: Hub, args: Json) -> Json:
    channel = own_channel(hub, args)
    reading.read(hub.world, channel, hub.world.bot, str(require(args, "ts", "invalid_timestamp")))
    return {}


def members(hub: Hub, args: Json) -> Json:
    found, metadata = page([{"id": id_} for id_ in known_channel(hub, args).members], args, wrong="invalid_limit")
    return {"members": [one["id"] for one in found], "response_metadata": metadata}


def open_(hub: Hub, args: Json) -> Json:
    if args.get("channel"):
        return {"channel": known_channel(hub, args).as_slack(hub.world.bot)}
    people = [user for user in str(require(args, "users", "users_list_not_supplied")).split(",") if user]
    if len(people) != 1:
        raise ApiError("not_supported")  # conversations of several people are no part of this workspace
    there = f"D{people[0][1:]}" in hub.world.channels
    channel = hub.world.direct(hub.world.user(people[0]).id)
    return {"channel": channel.as_slack(hub.world.bot)} | ({"already_open": True, "no_op": True} if there else {})


def _broadcast(message: Message) -> bool:
    return message.subtype == "thread_broadcast"


def _within(message: Message, args: Json) -> bool:
    at, oldest, latest = float(message.ts), _moment(args, "oldest", 0.0), _moment(args, "latest", float("inf"))
    return oldest <= at <= latest if flag(args, "inclusive") else oldest < at < latest


def _moment(args: Json, name: str, otherwise: float) -> float:
    try:
        return float(args.get(name) or otherwise)
    except ValueError:
        raise ApiError(f"invalid_ts_{name}") from None


METHODS = {
    "conversations.list": Method(list_, "channels:read", tier=2),
    "conversations.info": Method(show, "channels:read", tier=3),
    "conversations.history": Method(history, "channels:history", tier=3),
    "conversations.replies": Method(replies, "channels:history", tier=3),
    "conversations.join": Method(join, "channels:join", tier=3),
    "conversations.leave": Method(leave, "channels:manage", tier=3),
    "conversations.invite": Method(invite, "channels:manage", tier=3),
    "conversations.create": Method(create, "channels:manage", tier=2),
    "conversations.archive": Method(archive, "channels:manage", tier=2),
    "conversations.setTopic": Method(set_topic, "channels:manage", tier=2),
    "conversations.setPurpose": Method(set_purpose, "channels:manage", tier=2),
    "conversations.mark": Method(mark, "channels:manage", tier=3),
    "conversations.members": Method(members, "channels:read", tier=4),
    "conversations.open": Method(open_, "im:write", tier=3),
}
