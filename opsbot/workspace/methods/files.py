"""`files.*`: the three-step upload (ask for an address, send the bytes there, share), and what is there."""

import re

from opsbot.workspace import limits, uploads
from opsbot.workspace.errors import ApiError
from opsbot.workspace.hub import Hub
from opsbot.workspace.methods.method import Method, own_channel, require, thread, whole
from opsbot.workspace.records import Json, Message
from opsbot.workspace.shared_file import SharedFile

_CHANNEL = re.compile(r"[CGDZ][A-Z0-9]+$")  # the ids here are shorter than Slack's


def get_upload_url(hub: Hub, args: Json) -> Json:
    name, length, alt = str(require(args, "filename")), whole(args, "length", -1), str(args.get("alt_txt") or "")
    if length < 0:
        raise ApiError("invalid_arguments")
    if length == 0:
        raise ApiError("missing_argument")
    if length > limits.FILE_BYTES:
        raise ApiError("file_upload_size_restricted")
    if args.get("snippet_type") and length > limits.SNIPPET_BYTES:
        raise ApiError("snippet_too_large")
    if len(alt) > limits.FILE_ALT_TEXT:
        raise ApiError("alt_txt_too_large")
    made = uploads.begin(hub, name, hub.world.bot)
    made.announced, made.alt = length, alt
    return {"file_id": made.id, "upload_url": f"{hub.url}/upload/{made.id}"}


def complete_upload(hub: Hub, args: Json) -> Json:
    entries = require(args, "files")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ApiError("invalid_arguments")
    found = []
    for entry in entries:
        shared = hub.world.files.get(entry.get("id", ""))
        if shared is None or not shared.content:
            raise ApiError("file_not_found")
        found.append(shared)
    places = str(args.get("channel_id") or args.get("channels") or "")
    if not all(_CHANNEL.match(place) for place in places.split(",") if place):
        fault = "[ERROR] input must match regex pattern: ^[CGDZ][A-Z0-9]{8,}$ [json-pointer:/channel_id]"
        raise ApiError("invalid_arguments", response_metadata={"messages": [fault]})
    if places.count(",") >= limits.SHARED_CHANNELS:
        raise ApiError("channels_limit_exceeded")
    channels = [own_channel(hub, {"channel": place}) for place in places.split(",") if place]
    for shared, entry in zip(found, entries, strict=True):
        shared.title, shared.done = str(entry.get("title") or shared.name), True
    hub.world.changes += 1
    for channel in channels:
        words = args.get("initial_comment") or ""
        message = Message(channel.id, hub.world.next_ts(), hub.world.bot, words, thread_ts=thread(hub, channel, args))
        message.bot_id, message.app_id = hub.world.bot_id, hub.world.app
        uploads.share(hub, message, found)
    return {"files": [shared.as_slack() for shared in found]}


def show(hub: Hub, args: Json) -> Json:
    return {"file": _found(hub, args).as_slack(), "comments": [], "response_metadata": {"next_cursor": ""}}


def list_(hub: Hub, args: Json) -> Json:
    channel, user = args.get("channel"), args.get("user")
    fits = [
        one.as_slack()
        for one in hub.world.files.values()
        if one.done and channel in (None, *one.channels) and user in (None, one.user)
    ]
    count, number = max(1, whole(args, "count", 100)), max(1, whole(args, "page", 1))
    paging = {"count": count, "total": len(fits), "page": number, "pages": -(-len(fits) // count)}
    return {"files": fits[::-1][(number - 1) * count : number * count], "paging": paging}


def delete(hub: Hub, args: Json) -> Json:
    shared = _found(hub, args)
    if shared.user != hub.world.bot:
        raise ApiError("cant_delete_file")
    hub.world.forget_file(shared)
    return {}


def _found(hub: Hub, args: Json) -> SharedFile:
    shared = hub.world.files.get(require(args, "file", "file_not_found"))
    if shared is None or not shared.done:
        raise ApiError("file_not_found")
    return shared


METHODS = {
    "files.getUploadURLExternal": Method(get_upload_url, "files:write", tier=4),
    "files.completeUploadExternal": Method(complete_upload, "files:write", tier=4),
    "files.info": Method(show, "files:read", tier=4),
    "files.list": Method(list_, "files:read", tier=3),
    "files.delete": Method(delete, "files:write", tier=3),
}
