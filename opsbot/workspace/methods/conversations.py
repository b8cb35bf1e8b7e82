"""`conversations.*`: channels, their members and their messages."""

from opsbot.workspace.errors import ApiError
from opsbot.workspace.hub import Hub
from opsbot.workspace.methods.method import Method, flag, own_channel, page, require
from opsbot.workspace.records import Json, Message


def list_(hub: Hub, args: Json) -> Json:
    wanted = set((args.get("types") or "public_channel").split(","))
    found = [
        channel.as_slack(hub.world.bot)
        for channel in hub.world.channels.values()
        if ("im" if channel.is_im else "public_channel") in wanted
    ]
    channels, metadata = page(found, args)
    return {"channels": channels, "response_metadata": metadata}


def show(hub: Hub, args: Json) -> Json:
    channel = hub.world.channel(require(args, "channel", "channel_not_found"))
    return {"channel": channel.as_slack(hub.world.bot)}


def history(hub: Hub, args: Json) -> Json:
    channel = own_channel(hub, args)
    roots = [m for m in hub.world.visible(channel.id, None) if m.thread_ts in (None, m.ts)]
    roots = [message for message in reversed(roots) if _within(message, args)]
    messages, metadata = page([message.as_slack(hub.world.team) for message in roots], args)
    return {"messages": messages, "has_more": bool(metadata["next_cursor"]), "response_metadata": metadata}


def replies(hub: Hub, args: Json) -> Json:
    channel = own_channel(hub, args)
    ts = require(args, "ts", "thread_not_found")
    if ts not in hub.world.messages[channel.id]:
        raise ApiError("thread_not_found")
    thread = [m for m in hub.world.visible(channel.id, None) if ts in (m.ts, m.thread_ts)]
    messages, metadata = page([message.as_slack(hub.world.team) for message in thread], args, 1000)
    return {"messages": messages, "has_more": bool(metadata["next_cursor"]), "response_metadata": metadata}


def join(hub: Hub, args: Json) -> Json:
    channel = hub.world.channel(require(args, "channel", "channel_not_found"))
    if hub.world.bot not in channel.members:
        channel.members.append(hub.world.bot)
        hub.world.changes += 1
        hub.world.feed.publish("channel", channel=channel.as_slack(hub.world.bot))
    return {"channel": channel.as_slack(hub.world.bot)}


def members(hub: Hub, args: Json) -> Json:
    channel = hub.world.channel(require(args, "channel", "channel_not_found"))
    found, metadata = page([{"id": id_} for id_ in channel.members], args)
    return {"members": [one["id"] for one in found], "response_metadata": metadata}


def open_(hub: Hub, args: Json) -> Json:
    people = str(require(args, "users", "users_list_not_supplied")).split(",")
    if len(people) != 1:
        raise ApiError("not_supported")  # conversations of several people are no part of this workspace
    channel = hub.world.direct(hub.world.user(people[0]).id)
    return {"channel": channel.as_slack(hub.world.bot)}


def _within(message: Message, args: Json) -> bool:
    oldest, latest = str(args.get("oldest") or "0"), str(args.get("latest") or "")
    if flag(args, "inclusive"):
        return float(message.ts) >= float(oldest) and (not latest or float(message.ts) <= float(latest))
    return float(message.ts) > float(oldest) and (not latest or float(message.ts) < float(latest))


METHODS = {
    "conversations.list": Method(list_, "channels:read"),
    "conversations.info": Method(show, "channels:read"),
    "conversations.history": Method(history, "channels:history"),
    "conversations.replies": Method(replies, "channels:history"),
    "conversations.join": Method(join, "channels:join"),
    "conversations.members": Method(members, "channels:read"),
    "conversations.open": Method(open_, "im:write"),
}
