"""`reactions.*`: one emoji under a message."""

from opsbot.workspace.errors import ApiError
from opsbot.workspace.hub import Hub
from opsbot.workspace.methods.method import Method, own_channel, require
from opsbot.workspace.records import Json


def add(hub: Hub, args: Json) -> Json:
    channel = own_channel(hub, args)
    message = hub.world.message(channel.id, require(args, "timestamp", "no_item_specified"))
    hub.world.react(message, require(args, "name", "invalid_name").strip(":"), hub.world.bot)
    return {}


def remove(hub: Hub, args: Json) -> Json:
    channel = own_channel(hub, args)
    message = hub.world.message(channel.id, require(args, "timestamp", "no_item_specified"))
    if not hub.world.unreact(message, require(args, "name", "invalid_name").strip(":"), hub.world.bot):
        raise ApiError("no_reaction")
    return {}


METHODS = {
    "reactions.add": Method(add, "reactions:write"),
    "reactions.remove": Method(remove, "reactions:write"),
}
