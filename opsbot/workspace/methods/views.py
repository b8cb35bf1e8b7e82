"""`views.*`: modals for the person who just acted, and the app's Home."""

from opsbot.workspace import blocks, dialogs, home, limits
from opsbot.workspace.errors import ApiError
from opsbot.workspace.hub import Hub
from opsbot.workspace.methods.method import Method, require
from opsbot.workspace.records import Json, View


def open_(hub: Hub, args: Json) -> Json:
    shape = _modal(hub, args)
    trigger = hub.triggers.exchange(require(args, "trigger_id"))
    if trigger.view is None:
        dialogs.new_stack(hub, trigger.user)
    elif len(hub.world.stacks.get(trigger.user, [])) >= limits.MODAL_STACK:
        raise ApiError("push_limit_reached")
    return _answer(hub, dialogs.open_view(hub, trigger.user, shape))


def push(hub: Hub, args: Json) -> Json:
    shape = _modal(hub, args)
    trigger = hub.triggers.exchange(require(args, "trigger_id"))
    stack = hub.world.stacks.get(trigger.user, [])
    if trigger.view is None or trigger.view not in stack:
        raise ApiError("not_found")
    if len(stack) >= limits.MODAL_STACK:
        raise ApiError("push_limit_reached")
    return _answer(hub, dialogs.open_view(hub, trigger.user, shape))


def update(hub: Hub, args: Json) -> Json:
    view = _found(hub, args)
    if view.shape["type"] != "modal":
        raise ApiError("not_found")  # the Home is published, not updated
    shape = _modal(hub, args, view)
    if args.get("hash") and args["hash"] != view.hash:
        raise ApiError("hash_conflict")
    dialogs.update_view(hub, view, shape)
    return _answer(hub, view)


def publish(hub: Hub, args: Json) -> Json:
    if require(args, "user_id") not in hub.world.users:
        raise ApiError("invalid_arguments", response_metadata={"messages": ["invalid `user_id`"]})
    shape: Json = require(args, "view")
    blocks.check_view(shape, "home")
    return _answer(hub, home.publish(hub, args["user_id"], shape, args.get("hash")))


def _modal(hub: Hub, args: Json, updated: View | None = None) -> Json:
    shape: Json = require(args, "view")
    blocks.check_view(shape, "modal")
    external = shape.get("external_id")
    others = (view for view in hub.world.views.values() if view is not updated)
    if external and any(view.shape.get("external_id") == external for view in others):
        raise ApiError("duplicate_external_id")
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
    "views.open": Method(open_, tier=4),
    "views.push": Method(push, tier=4),
    "views.update": Method(update, tier=4),
    "views.publish": Method(publish, tier=4),
}
