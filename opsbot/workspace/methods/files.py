"""`files.*`: the three-step upload (ask for an address, send the bytes there, share)."""

from opsbot.workspace.errors import ApiError
from opsbot.workspace.hub import Hub
from opsbot.workspace.methods.method import Method, own_channel, require, whole
from opsbot.workspace.records import Json, Message, SharedFile


def get_upload_url(hub: Hub, args: Json) -> Json:
    name = str(require(args, "filename"))
    if whole(args, "length", 0) <= 0:
        raise ApiError("invalid_arguments")
    id_ = hub.world.new_id("F")
    hub.world.files[id_] = SharedFile(id_, name, hub.world.bot, f"{hub.url}/files/{id_}")
    return {"file_id": id_, "upload_url": f"{hub.url}/upload/{id_}"}


def complete_upload(hub: Hub, args: Json) -> Json:
    found = []
    for entry in require(args, "files"):
        shared = hub.world.files.get(entry.get("id", ""))
        if shared is None or not shared.content:
            raise ApiError("file_not_found")
        shared.title, shared.done = entry.get("title") or shared.name, True
        found.append(shared.as_slack())
    places = args.get("channel_id") or args.get("channels") or ""
    for place in filter(None, str(places).split(",")):
        _share(hub, args, place, found)
    return {"files": found}


def show(hub: Hub, args: Json) -> Json:
    shared = hub.world.files.get(require(args, "file", "file_not_found"))
    if shared is None:
        raise ApiError("file_not_found")
    return {"file": shared.as_slack()}


def _share(hub: Hub, args: Json, place: str, files: list[Json]) -> None:
    world = hub.world
    channel = own_channel(hub, {"channel": place})
    message = Message(channel.id, world.next_ts(), world.bot, args.get("initial_comment") or "")
    message.thread_ts, message.files, message.subtype = args.get("thread_ts"), files, "file_share"
    message.bot_id, message.app_id = world.bot_id, world.app
    world.post(message)


METHODS = {
    "files.getUploadURLExternal": Method(get_upload_url, "files:write"),
    "files.completeUploadExternal": Method(complete_upload, "files:write"),
    "files.info": Method(show, "files:read"),
}
