"""The bytes of files: the address that an upload is sent to, the address that a file is read from, sharing."""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from opsbot.workspace import limits
from opsbot.workspace.errors import Refused
from opsbot.workspace.hub import Hub
from opsbot.workspace.records import Json, Message
from opsbot.workspace.shared_file import SharedFile, picture_kind

FORM_BYTES = 10_000  # what a form adds around a file's bytes
TOO_LARGE = f"A file may have {limits.FILE_BYTES} bytes at most."


def begin(hub: Hub, name: str, user: str) -> SharedFile:
    """A file that has a name and an address, and no bytes yet."""
    id_ = hub.world.new_id("F")
    made = SharedFile(id_, name, user, f"{hub.url}/files/{id_}")
    hub.world.files[id_] = made
    return made


def share(hub: Hub, message: Message, files: list[SharedFile]) -> Message:
    """Post files with a message; the bot hears of each as `file_shared` beside the message itself."""
    world = hub.world
    for one in files:
        one.done = True
        if message.channel not in one.channels:
            one.channels.append(message.channel)
    message.files, message.subtype = [one.as_slack() for one in files], "file_share"
    world.post(message)
    for one in files:
        event: Json = {"type": "file_shared", "channel_id": message.channel, "file_id": one.id, "user_id": one.user}
        hub.tell_bot(event | {"file": {"id": one.id}, "event_ts": message.ts})
    return message


async def person_upload(hub: Hub, request: Request) -> Json:
    """`POST /page/upload?user=&channel=&name=&text=&thread_ts=` with the bytes as body → {ok, ts, file}."""
    asked, world = request.query_params, hub.world
    place = world.channel(asked["channel"])
    user = world.user(asked["user"])
    if user.id not in place.members:
        raise Refused(f"{user.name} is not in #{place.name}.")
    content = await _body(request)
    if not content:
        raise Refused("The file is empty.")
    made = begin(hub, asked["name"], user.id)
    made.content = content
    words = world.typed(asked.get("text", ""))
    posted = Message(place.id, world.next_ts(), user.id, words, thread_ts=asked.get("thread_ts") or None)
    share(hub, posted, [made])
    return {"ok": True, "ts": posted.ts, "file": made.as_slack()}


async def upload(request: Request) -> Response:
    """`/upload/<id>`: a file's bytes, raw or as a form, to the address that files.getUploadURLExternal gave."""
    hub: Hub = request.app.state.hub
    shared = hub.world.files.get(request.path_params["id"])
    if shared is None or shared.done:
        return PlainTextResponse("no such upload", 404)
    try:
        content = await _body(request)
    except Refused as refused:
        return PlainTextResponse(refused.sentence, 413)
    if len(content) != shared.announced:
        return PlainTextResponse(f"{shared.announced} bytes were announced, and {len(content)} came", 400)
    shared.content = content
    hub.world.changes += 1
    return PlainTextResponse(f"OK - {len(content)}")


async def download(request: Request) -> Response:
    """`/files/<id>`: a file's bytes, for the browser to show and never to run."""
    hub: Hub = request.app.state.hub
    shared = hub.world.files.get(request.path_params["id"])
    if shared is None or not shared.done:
        return PlainTextResponse("no such file", 404)
    media = shared.kind[2] if picture_kind(shared.content) else "text/plain; charset=utf-8"
    headers = {"x-content-type-options": "nosniff", "content-security-policy": "default-src 'none'; sandbox"}
    if "download" in request.query_params:
        headers["content-disposition"] = f"attachment; filename*=UTF-8''{quote(shared.name, safe='')}"
    return Response(shared.content, media_type=media, headers=headers)


async def _body(request: Request) -> bytes:
    if int(request.headers.get("content-length") or 0) > limits.FILE_BYTES + FORM_BYTES:
        raise Refused(TOO_LARGE)
    if request.headers.get("content-type", "").startswith("multipart/"):
        parts = [part for part in (await request.form()).values() if not isinstance(part, str)]
        content = await parts[0].read() if parts else b""
    else:
        content = await request.body()
    if len(content) > limits.FILE_BYTES:
        raise Refused(TOO_LARGE)
    return content
