"""`views.*`: modals for the person who just acted."""

from opsbot.workspace import blocks, dialogs, limits
from opsbot.workspace.errors import ApiError
from opsbot.workspace.hub import Hub
from opsbot.workspace.methods.method import Method, require
from opsbot.workspace.records import Json, View


def open_(hub: Hub, args: Json) -> Json:
    shape = _modal(args)
    trigger = hub.triggers.exchange(require(args, "trigger_id"))
    if trigger.view is None:
        hub.world.stacks[trigger.user] = []  # a new act opens a new stack
    return _answer(hub, dialogs.open_view(hub, trigger.user, shape))


def push(hub: Hub, args: Json) -> Json:
    shape = _modal(args)
    trigger = hub.triggers.exchange(require(args, "trigger_id"))
    stack = hub.world.stacks.get(trigger.user, [])
    if trigger.view is None or trigger.view not in stack:
        raise ApiError("invalid_trigger_id")
    if len(stack) >= limits.MODAL_STACK:
        raise ApiError("push_limit_reached")
    return _answer(hub, dialogs.open_view(hub, trigger.user, shape))


def update(hub: Hub, args: Json) -> Json:
    shape = _modal(args)
    view = _found(hub, args)
    if args.get("hash") and args["hash"] != view.hash:
        raise ApiError("hash_conflict")
    dialogs.update_view(hub, view, shape)
    return _answer(hub, view)


def publish(hub: Hub, args: Json) -> Json:
    user = hub.world.user(require(args, "user_id"))
    shape = args.get("view")
    blocks.check_view(shape)
    id_ = f"VHOME{user.id}"
    view = View(id_, user.id, shape or {}, hub.world.next_ts(), id_)
    dialogs.update_view(hub, view, view.shape)
    hub.world.views[id_] = view
    return _answer(hub, view)


def _modal(args: Json) -> Json:
    shape: Json = require(args, "view")
    blocks.check_view(shape)
    return shape


def _found(hub: Hub, args: Json) -> View:
    if args.get("view_id"):
        return hub.world.view(args["view_id"])
    external = require(args, "external_id")
    found = [view for view in hub.world.views.values() if view.shape.get("external_id") == external]
    if not found:
        raise ApiError("not_found")
    return found[-1]


def _answer(hub: Hub, view: View) -> Json:
    return {"view": dialogs.view_shape(hub, view, {})}


METHODS = {
    "views.open": Method(open_),
    "views.push": Method(push),
    "views.update": Method(update),
    "views.publish": Method(publish),
}
