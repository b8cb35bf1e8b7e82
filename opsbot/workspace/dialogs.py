"""Dialogs: modals on a person's screen, their stack, what is filled in, and what the bot answers to it."""

from typing import Any

from opsbot.workspace import blocks, elements, forms, limits
from opsbot.workspace.acts import interact
from opsbot.workspace.errors import ApiError, Undelivered
from opsbot.workspace.hub import Hub
from opsbot.workspace.records import Json, View
from opsbot.workspace.world import with_ids


async def act_in_view(
    hub: Hub,
    user: str,
    view_id: str,
    action_id: str,
    *,
    value: Any = None,
    values: Json | None = None,
    block_id: str | None = None,
) -> str:
    """Use an element of an open dialog or of the Home tab that reports at once (also an input with dispatch_action)."""
    view = _own_view(hub, user, view_id)
    block, element = forms.find(view.shape["blocks"], action_id, block_id)
    given = {block["block_id"]: {element["action_id"]: value}} if forms.keeps_state(element) else {}
    payload = hub.by(hub.world.user(user)) | {
        "type": "block_actions",
        "container": {"type": "view", "view_id": view.id},
        "view": view_shape(hub, view, forms.merged(values or {}, given)),
        "trigger_id": hub.triggers.open(user, view.id),
        "actions": [forms.action(block, element, value, hub.world.next_ts())],
    }
    return await interact(hub, user, payload, view_id=view.id)


async def suggest(
    hub: Hub,
    user: str,
    action_id: str,
    typed: str,
    *,
    view_id: str | None = None,
    channel: str | None = None,
    ts: str | None = None,
    block_id: str | None = None,
) -> Json:
    """Ask the bot for the options of an external_select; answers {options (flat), option_groups?}. Raises Undelivered."""
    world = hub.world
    payload = hub.by(world.user(user)) | {"type": "block_suggestion", "action_id": action_id, "value": typed}
    if view_id:
        view = _own_view(hub, user, view_id)
        holder = view.shape["blocks"]
        payload |= {"container": {"type": "view", "view_id": view.id}, "view": view_shape(hub, view, {})}
    else:
        place = world.channel(channel or "")
        message = world.message(place.id, ts or "")
        holder = message.blocks
        payload["container"] = {"type": "message", "message_ts": message.ts, "channel_id": message.channel}
        payload |= {"channel": hub.place(place), "message": message.as_slack(world.team)}
    payload["block_id"] = forms.find(holder, action_id, block_id)[0]["block_id"]
    reply = await hub.delivery.call("interactive", payload)
    elements.check_suggestions(reply)
    groups = list(reply.get("option_groups") or [])
    flat = list(reply.get("options") or []) + [option for group in groups for option in group["options"]]
    return {"options": flat} | ({"option_groups": groups} if groups else {})


async def submit(hub: Hub, user: str, view_id: str, values: Json) -> Json:
    """Submit a dialog. Answers {"ok", "errors"?: {block_id: sentence}}; what the bot asks (update, push…) is done."""
    view = _own_view(hub, user, view_id)
    state = forms.state(view.shape["blocks"], values)
    refused = forms.faults(view.shape["blocks"], state)
    if refused:
        return {"ok": False, "errors": refused}
    urls = [
        {"block_id": block, "action_id": action, "channel_id": channel, "response_url": hub.response_url(user, channel)}
        for block, action, channel in forms.response_urls(view.shape["blocks"], state)
    ]
    shape = view_shape(hub, view, values)
    payload = hub.by(hub.world.user(user)) | {"type": "view_submission", "view": shape, "response_urls": urls}
    payload["trigger_id"] = hub.triggers.open(user, view.id)
    try:
        reply = await hub.delivery.call("interactive", payload)
        return _after_submit(hub, view, reply)
    except (Undelivered, ApiError) as failed:
        return {"ok": False, "error": failed.code, "errors": {"": "We had some trouble connecting. Try again?"}}


async def close(hub: Hub, user: str, view_id: str, *, whole_stack: bool = False) -> None:
    """Close a dialog without submitting; the bot hears of it where it asked to (notify_on_close)."""
    view = _own_view(hub, user, view_id)
    shape = view_shape(hub, view, {})
    close_view(hub, view, whole_stack=whole_stack)
    if view.shape.get("notify_on_close"):
        payload = hub.by(hub.world.user(user)) | {"type": "view_closed", "view": shape, "is_cleared": whole_stack}
        try:
            await hub.delivery.call("interactive", payload)
        except Undelivered:
            return  # the dialog is closed for the person all the same, as in Slack


def new_stack(hub: Hub, user: str) -> None:
    """A new act opens a new stack: what was open before is gone from the screen."""
    for id_ in hub.world.stacks.pop(user, []):
        hub.world.views.pop(id_, None)


def open_view(hub: Hub, user: str, shape: Json) -> View:
    """Put a modal on top of what this person has open."""
    world = hub.world
    stack = world.stacks.setdefault(user, [])
    id_ = world.new_id("V")
    previous = stack[-1] if stack else None
    root = world.views[stack[0]].root_id if stack else id_
    view = View(id_, user, _stored(hub, shape), world.next_ts(), root, previous)
    world.views[id_] = view
    stack.append(id_)
    show_views(hub, user)
    return view


def update_view(hub: Hub, view: View, shape: Json) -> None:
    """Replace what a modal shows; its hash changes."""
    view.shape, view.hash = _stored(hub, shape), hub.world.next_ts()
    show_views(hub, view.user)


def close_view(hub: Hub, view: View, *, whole_stack: bool) -> None:
    """Take a modal (or all of them) off the person's screen."""
    stack = hub.world.stacks.get(view.user, [])
    gone = list(stack) if whole_stack or view.shape.get("clear_on_close") else [view.id]
    for id_ in gone:
        hub.world.views.pop(id_, None)
        if id_ in stack:
            stack.remove(id_)
    show_views(hub, view.user)


def show_views(hub: Hub, user: str) -> None:
    """Tell the person's pages which modals are open."""
    hub.feed.publish("views", only_for=user, views=views_of(hub, user))


def views_of(hub: Hub, user: str) -> list[Json]:
    """The modals this person has open, bottom first."""
    return [view_shape(hub, hub.world.views[id_], {}) for id_ in hub.world.stacks.get(user, [])]


def view_shape(hub: Hub, view: View, values: Json) -> Json:
    """A view as payloads and API answers carry it."""
    world = hub.world
    return view.as_slack(world.team, world.app, world.bot_id, forms.state(view.shape["blocks"], values))


def _stored(hub: Hub, shape: Json) -> Json:
    return shape | {"blocks": with_ids(shape.get("blocks", []))}


def _after_submit(hub: Hub, view: View, reply: Json) -> Json:
    kind = reply.get("response_action")
    if kind == "errors":
        return {"ok": False, "errors": _errors(view, reply.get("errors"))}
    if kind in ("update", "push"):
        blocks.check_view(reply.get("view"), "modal")
    if kind not in (None, "update", "push", "clear"):
        raise ApiError("invalid_arguments")
    if kind == "update":
        update_view(hub, view, reply["view"])
    elif kind == "push":
        if len(hub.world.stacks.get(view.user, [])) >= limits.MODAL_STACK:
            raise ApiError("push_limit_reached")
        open_view(hub, view.user, reply["view"])
    else:
        close_view(hub, view, whole_stack=kind == "clear")
    return {"ok": True}


def _errors(view: View, errors: Any) -> Json:
    """The bot's errors; only block_ids of this view's inputs count, as Slack refuses the whole answer otherwise."""
    inputs = {block["block_id"] for block in view.shape["blocks"] if block["type"] == "input"}
    if not isinstance(errors, dict) or not errors or not set(errors) <= inputs:
        raise ApiError("invalid_arguments")
    return errors


def _own_view(hub: Hub, user: str, view_id: str) -> View:
    view = hub.world.view(view_id)
    if view.user != user:
        raise ApiError("not_found")
    return view
