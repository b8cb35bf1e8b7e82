"""`reactions.*`: one emoji under a message."""

import re

from opsbot.workspace.errors import ApiError
from opsbot.workspace.hub import Hub
from opsbot.workspace.methods.method import Method, own_channel, require
from opsbot.workspace.records import Channel, Json, Message

DIFFERENT = 23  # emoji on one message, beyond which Slack refuses
_TS = re.compile(r"\d+\.\d+")
_EMOJI = re.compile(r"[a-z0-9_+'-]{1,100}(::skin-tone-[2-6])?")


def add(hub: Hub, args: Json) -> Json:
    channel = own_channel(hub, args)
    message = _message(hub, channel, args)
    name = _name(args)
    if channel.is_archived:
        raise ApiError("is_archived")
    if len(message.reactions) >= DIFFERENT and name not in [one["name"] for one in message.reactions]:
        raise ApiError("too_many_emoji")
    hub.world.react(message, name, hub.world.bot)
    return {}


def remove(hub: Hub, args: Json) -> Json:
    channel = own_channel(hub, args)
    message = _message(hub, channel, args)
    if not hub.world.unreact(message, _name(args), hub.world.bot):
        raise ApiError("no_reaction")
    return {}


def get(hub: Hub, args: Json) -> Json:
    channel = own_channel(hub, args)
    message = _message(hub, channel, args)
    return {"type": "message", "channel": channel.id, "message": message.as_slack(hub.world.team)}


def _message(hub: Hub, channel: Channel, args: Json) -> Message:
    ts = str(require(args, "timestamp", "no_item_specified"))
    if not _TS.fullmatch(ts):
        raise ApiError("bad_timestamp")
    return hub.world.message(channel.id, ts)


def _name(args: Json) -> str:
    name = str(require(args, "name", "invalid_name")).strip(":")
    if not _EMOJI.fullmatch(name):
        raise ApiError("invalid_name")
    return name


METHODS = {
    "reactions.add": Method(add, "reactions:write", tier=3),
    "reactions.get": Method(get, "reactions:read", tier=3),
    "reactions.remove": Method(remove, "reactions:write", tier=2),
}
