"""`users.*`: the members."""

from opsbot.workspace.hub import Hub
from opsbot.workspace.methods.method import Method, page, require
from opsbot.workspace.records import Json


def show(hub: Hub, args: Json) -> Json:
    return {"user": hub.world.user(require(args, "user", "user_not_found")).as_slack(hub.world.team)}


def list_(hub: Hub, args: Json) -> Json:
    found, metadata = page([user.as_slack(hub.world.team) for user in hub.world.users.values()], args)
    return {"members": found, "response_metadata": metadata}


def conversations(hub: Hub, args: Json) -> Json:
    who = args.get("user") or hub.world.bot
    joined = [c.as_slack(hub.world.bot) for c in hub.world.channels.values() if who in c.members and not c.is_im]
    found, metadata = page(joined, args)
    return {"channels": found, "response_metadata": metadata}


METHODS = {
    "users.info": Method(show, "users:read"),
    "users.list": Method(list_, "users:read"),
    "users.conversations": Method(conversations, "channels:read"),
}
