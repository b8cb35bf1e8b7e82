"""`users.*`: the members."""

from opsbot.workspace.errors import ApiError
from opsbot.workspace.faces import with_face
from opsbot.workspace.hub import Hub
from opsbot.workspace.methods.method import Method, page, require
from opsbot.workspace.records import Json, User


def show(hub: Hub, args: Json) -> Json:
    return {"user": _shape(hub, hub.world.user(require(args, "user", "user_not_found")))}


def list_(hub: Hub, args: Json) -> Json:
    found, metadata = page([_shape(hub, user) for user in hub.world.users.values()], args)
    return {"members": found, "response_metadata": metadata}


def conversations(hub: Hub, args: Json) -> Json:
    who = args.get("user") or hub.world.bot
    wanted = set((args.get("types") or "public_channel").split(","))
    joined = [
        channel.as_slack(hub.world.bot)
        for channel in hub.world.channels.values()
        if who in channel.members and channel.kind in wanted
    ]
    found, metadata = page(joined, args, wrong="invalid_limit")
    return {"channels": found, "response_metadata": metadata}


def lookup_by_email(hub: Hub, args: Json) -> Json:
    address = str(require(args, "email", "users_not_found")).lower()
    found = next((user for user in hub.world.users.values() if user.email == address), None)
    if found is None:
        raise ApiError("users_not_found")
    return {"user": _shape(hub, found)}


def get_presence(hub: Hub, args: Json) -> Json:
    return {"presence": "away" if hub.world.user(require(args, "user", "user_not_found")).is_bot else "active"}


def profile_get(hub: Hub, args: Json) -> Json:
    return {"profile": _shape(hub, hub.world.user(args.get("user") or hub.world.bot))["profile"]}


def _shape(hub: Hub, user: User) -> Json:
    with_address = "users:read.email" in hub.settings.scopes
    return with_face(hub.url, user).as_slack(hub.world.team, with_address=with_address)


METHODS = {
    "users.info": Method(show, "users:read", tier=4),
    "users.list": Method(list_, "users:read", tier=2),
    "users.conversations": Method(conversations, "channels:read", tier=3),
    "users.lookupByEmail": Method(lookup_by_email, "users:read.email", tier=3),
    "users.getPresence": Method(get_presence, "users:read", tier=3),
    "users.profile.get": Method(profile_get, "users.profile:read", tier=4),
}
