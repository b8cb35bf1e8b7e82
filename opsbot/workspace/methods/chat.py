"""`chat.*`: post, edit, delete, whisper."""

import json
from typing import Any

from opsbot.workspace import blocks, limits
from opsbot.workspace.errors import ApiError
from opsbot.workspace.hub import Hub
from opsbot.workspace.methods.method import Method, flag, known_channel, own_channel, require, thread
from opsbot.workspace.records import Channel, Json, Message


def post_message(hub: Hub, args: Json) -> Json:
    args = _with_markdown(args)
    anywhere = "chat:write.public" in hub.settings.scopes
    channel = known_channel(hub, args) if anywhere else own_channel(hub, args)
    _check_content(args)
    thread(hub, channel, args)
    if channel.is_archived:
        raise ApiError("is_archived")
    hub.meter.check_post(channel.id)
    message = hub.world.post(_written(hub, channel, args))
    return {"channel": channel.id, "ts": message.ts, "message": message.as_slack(hub.world.team)}


def post_ephemeral(hub: Hub, args: Json) -> Json:
    args = _with_markdown(args)
    channel = own_channel(hub, args)
    user = require(args, "user", "invalid_arguments")
    if user not in channel.members:
        raise ApiError("user_not_in_channel")
    _check_content(args)
    thread(hub, channel, args)
    hub.meter.check_post(channel.id)
    message = _written(hub, channel, args)
    message.only_for = user
    return {"message_ts": hub.world.post(message).ts}


def update(hub: Hub, args: Json) -> Json:
    args = _with_markdown(args)
    channel = own_channel(hub, args)
    message = hub.world.message(channel.id, require(args, "ts", "message_not_found"))
    if message.only_for:
        raise ApiError("message_not_found")
    if message.bot_id != hub.world.bot_id:
        raise ApiError("cant_update_message")
    if channel.is_archived:
        raise ApiError("is_inactive")
    _check_content(args, limits.UPDATE_TEXT)
    hub.meter.check_update()
    # A field that is not given keeps what was there; an empty list removes it, and so do new words the old blocks.
    changed = {name: args[name] for name in ("text", "blocks", "attachments", "metadata") if args.get(name) is not None}
    hub.world.edit(message, **({"blocks": []} if args.get("text") else {}) | changed)
    shape = message.as_slack(hub.world.team)
    return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": shape}


def delete(hub: Hub, args: Json) -> Json:
    channel = own_channel(hub, args)
    message = hub.world.message(channel.id, require(args, "ts", "message_not_found"))
    if message.bot_id != hub.world.bot_id or message.only_for:
        raise ApiError("cant_delete_message")
    hub.world.delete(message)
    return {"channel": channel.id, "ts": message.ts}


def get_permalink(hub: Hub, args: Json) -> Json:
    channel = known_channel(hub, args)
    message = hub.world.message(channel.id, require(args, "message_ts", "message_not_found"))
    link = f"{hub.url}/archives/{channel.id}/p{message.ts.replace('.', '')}"
    return {"channel": channel.id, "permalink": link}


def _with_markdown(args: Json) -> Json:
    """`markdown_text` is a block of its own, and the words of the notification."""
    words = args.get("markdown_text")
    if not words:
        return args
    if args.get("text") or args.get("blocks"):
        raise ApiError("markdown_text_conflict")
    if len(words) > limits.MARKDOWN_TEXT:
        raise ApiError("msg_too_long")
    return args | {"text": words, "blocks": [{"type": "markdown", "text": words}]}


def _check_content(args: Json, most: int = limits.TEXT) -> None:
    if not args.get("text") and not args.get("blocks") and not args.get("attachments"):
        raise ApiError("no_text")
    if len(args.get("text") or "") > most and "markdown_text" not in args:
        raise ApiError("msg_too_long")
    if args.get("blocks"):
        blocks.check_message(args["blocks"])
    _check_attachments(args.get("attachments") or [])
    _check_metadata(args.get("metadata"))


def _check_attachments(attachments: Any) -> None:
    if not isinstance(attachments, list) or not all(isinstance(one, dict) for one in attachments):
        raise ApiError("invalid_attachments")
    if len(attachments) > limits.ATTACHMENTS:
        raise ApiError("too_many_attachments")
    for one in attachments:
        if one.get("blocks"):
            blocks.check_message(one["blocks"])


def _check_metadata(metadata: Any) -> None:
    if not metadata:
        return
    shaped = isinstance(metadata, dict) and isinstance(metadata.get("event_payload"), dict)
    if not shaped or not isinstance(metadata.get("event_type"), str):
        raise ApiError("invalid_metadata_format")
    if len(json.dumps(metadata).encode()) > limits.METADATA_BYTES:
        raise ApiError("metadata_too_large")


def _written(hub: Hub, channel: Channel, args: Json) -> Message:
    world = hub.world
    message = Message(channel.id, world.next_ts(), world.bot, args.get("text") or "")
    message.blocks, message.attachments = list(args.get("blocks") or []), list(args.get("attachments") or [])
    message.thread_ts, message.metadata = args.get("thread_ts"), args.get("metadata")
    message.bot_id, message.app_id = world.bot_id, world.app
    if message.thread_ts and flag(args, "reply_broadcast"):
        message.subtype = "thread_broadcast"
    return message


METHODS = {
    "chat.postMessage": Method(post_message, "chat:write"),
    "chat.postEphemeral": Method(post_ephemeral, "chat:write", tier=4),
    "chat.update": Method(update, "chat:write"),
    "chat.delete": Method(delete, "chat:write", tier=3),
    "chat.getPermalink": Method(get_permalink),
}
