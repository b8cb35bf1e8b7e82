"""`usergroups.*`: groups of people, which only some plans have (drop the scope to be without)."""

import time
from typing import Any

from opsbot.workspace.errors import ApiError
from opsbot.workspace.hub import Hub
from opsbot.workspace.methods.method import Method, flag, require
from opsbot.workspace.records import Json, Usergroup


def list_(hub: Hub, args: Json) -> Json:
    with_users, disabled = flag(args, "include_users"), flag(args, "include_disabled")
    groups = [group for group in hub.world.usergroups.values() if disabled or not group.date_delete]
    return {"usergroups": [group.as_slack(hub.world.team, with_users=with_users) for group in groups]}


def users_list(hub: Hub, args: Json) -> Json:
    return {"users": list(_found(hub, args).users)}


def users_update(hub: Hub, args: Json) -> Json:
    group, users = _found(hub, args), _users(require(args, "users", "no_users_provided"))
    if not all(user in hub.world.users for user in users):
        raise ApiError("invalid_users")
    group.users = users
    return _changed(hub, group)


def create(hub: Hub, args: Json) -> Json:
    title = str(require(args, "name"))
    handle = str(args.get("handle") or title.lower().replace(" ", "-"))
    if any(handle == group.name for group in hub.world.usergroups.values()):
        raise ApiError("handle_already_exists" if args.get("handle") else "name_already_exists")
    group = Usergroup(hub.world.new_id("S"), handle, [], title, str(args.get("description") or ""))
    group.date_create = int(time.time())
    hub.world.usergroups[group.id] = group
    return _changed(hub, group)


def update(hub: Hub, args: Json) -> Json:
    group = _found(hub, args)
    handle = str(args.get("handle") or group.name)
    if any(handle == other.name for other in hub.world.usergroups.values() if other is not group):
        raise ApiError("handle_already_exists")
    group.name, group.title = handle, str(args.get("name") or group.title)
    group.description = str(args.get("description") or group.description)
    return _changed(hub, group)


def disable(hub: Hub, args: Json) -> Json:
    group = _found(hub, args)
    group.date_delete = int(time.time())
    return _changed(hub, group)


def enable(hub: Hub, args: Json) -> Json:
    group = _found(hub, args)
    group.date_delete = 0
    return _changed(hub, group)


def _found(hub: Hub, args: Json) -> Usergroup:
    group = hub.world.usergroups.get(require(args, "usergroup", "no_such_subteam"))
    if group is None:
        raise ApiError("no_such_subteam")
    return group


def _users(given: Any) -> list[str]:
    return [user for user in (given if isinstance(given, list) else str(given).split(",")) if user]


def _changed(hub: Hub, group: Usergroup) -> Json:
    hub.world.changes += 1
    group.date_update = int(time.time())
    return {"usergroup": group.as_slack(hub.world.team, with_users=True)}


METHODS = {
    "usergroups.list": Method(list_, "usergroups:read", tier=2),
    "usergroups.users.list": Method(users_list, "usergroups:read", tier=2),
    "usergroups.users.update": Method(users_update, "usergroups:write", tier=2),
    "usergroups.create": Method(create, "usergroups:write", tier=2),
    "usergroups.update": Method(update, "usergroups:write", tier=2),
    "usergroups.disable": Method(disable, "usergroups:write", tier=2),
    "usergroups.enable": Method(enable, "usergroups:write", tier=2),
}
