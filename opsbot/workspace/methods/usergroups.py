"""`usergroups.*`: groups of people, which only some plans have (drop the scope to be without)."""

from opsbot.workspace.errors import ApiError
from opsbot.workspace.hub import Hub
from opsbot.workspace.methods.method import Method, flag, require
from opsbot.workspace.records import Json


def list_(hub: Hub, args: Json) -> Json:
    with_users = flag(args, "include_users")
    groups = hub.world.usergroups.values()
    return {"usergroups": [group.as_slack(hub.world.team, with_users=with_users) for group in groups]}


def users_list(hub: Hub, args: Json) -> Json:
    group = hub.world.usergroups.get(require(args, "usergroup", "no_such_subteam"))
    if group is None:
        raise ApiError("no_such_subteam")
    return {"users": list(group.users)}


METHODS = {
    "usergroups.list": Method(list_, "usergroups:read"),
    "usergroups.users.list": Method(users_list, "usergroups:read"),
}
