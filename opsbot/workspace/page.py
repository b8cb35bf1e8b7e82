"""`/` and `/page/*`: the page, what it starts from, and its live feed."""

import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path

from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from opsbot.workspace import dialogs, faces, home, looks, people, reading, seed, uploads
from opsbot.workspace.errors import ApiError
from opsbot.workspace.feed import Queue
from opsbot.workspace.hub import Hub
from opsbot.workspace.records import Json

_STATIC = Path(__file__).parent / "static"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' http: https: data:;"
    " frame-ancestors 'none'; base-uri 'none'"
)


async def front(request: Request) -> Response:
    """The page itself, which runs no script but its own."""
    return FileResponse(_STATIC / "index.html", headers={"content-security-policy": _POLICY})


async def start(request: Request) -> Response:
    """`GET /page/start?as=U…`: people, channels with unread marks, commands, faults, the person's views."""
    hub: Hub = request.app.state.hub
    world, person = hub.world, request.query_params.get("as", "")
    app: Json = {"id": world.app, "name": world.users[world.bot].name, "bot": world.bot, "home": hub.settings.home_tab}
    if person in world.users:
        app["dm"] = world.direct(person, quietly=True).id
    answer = {
        "team": seed.TEAM_NAME,
        "bot": world.bot,
        "app": app,
        "users": [faces.with_face(hub.url, user).as_slack(world.team) for user in world.users.values()],
        "channels": _channels(hub, person),
        "groups": [g.as_slack(world.team, with_users=True) for g in world.usergroups.values() if not g.date_delete],
        "commands": hub.settings.commands,
        "shortcuts": [asdict(one) for one in hub.settings.shortcuts],
        "links": len(hub.delivery.sockets.links),
        "door": hub.delivery.door,
        "views": dialogs.views_of(hub, person),
        "home": home.shown(hub, person),
        "faults": looks.faults(hub),
    }
    return JSONResponse(answer)


def _channels(hub: Hub, person: str) -> list[Json]:
    world = hub.world
    mine = [c for c in world.channels.values() if person in c.members or (not person and c.kind == "public_channel")]
    extra = [reading.marks(world, channel, person) | {"members": channel.members} for channel in mine]
    return [channel.as_slack(world.bot) | more for channel, more in zip(mine, extra, strict=True)]


async def messages(request: Request) -> Response:
    """`GET /page/messages?channel=C…&as=U…&thread_ts=…&before=ts&limit=n`."""
    asked, hub = request.query_params, request.app.state.hub
    where = (asked.get("channel", ""), asked.get("as"), asked.get("thread_ts"), asked.get("before", ""))
    try:
        found = people.messages(hub, *where, _whole(request, "limit", 0))
    except ApiError as refused:
        return JSONResponse({"ok": False, "error": refused.code}, 400)
    return JSONResponse({"ok": True, "messages": found})


async def inspector(request: Request) -> Response:
    """`GET /page/inspector?after=0&limit=200`: the newest entries after a number, oldest first."""
    hub: Hub = request.app.state.hub
    found = [entry.summary() for entry in hub.inspector.entries(after=_whole(request, "after", 0))]
    newest = found[-_whole(request, "limit", 200) :]
    return JSONResponse({"ok": True, "entries": newest, "last": hub.inspector.last})


def _whole(request: Request, name: str, otherwise: int) -> int:
    given = request.query_params.get(name, "")
    return int(given) if given.isdecimal() else otherwise


async def inspected(request: Request) -> Response:
    """`GET /page/inspector/<n>`: one entry with what was sent and answered."""
    entry = request.app.state.hub.inspector.entry(request.path_params["n"])
    if entry is None:
        return JSONResponse({"ok": False, "error": "This entry is not kept any more."}, 404)
    return JSONResponse({"ok": True, "entry": entry.whole()})


async def upload(request: Request) -> Response:
    """`POST /page/upload?…` with a file's bytes; see `uploads.person_upload`."""

    async def act(hub: Hub, body: Json) -> Json:
        return await uploads.person_upload(hub, request)

    return await people.answered(request.app.state.hub, act, {})


async def feed(request: Request) -> Response:
    """`GET /page/feed?as=U…`: server-sent events, one JSON change each; with `inspector=1` those of the wire too."""
    hub: Hub = request.app.state.hub
    asked = request.query_params
    inspects = asked.get("inspector") == "1"
    queue = hub.feed.listen(asked.get("as", ""), inspects=inspects)  # before the headers: nothing is missed
    return StreamingResponse(
        _changes(hub, queue), media_type="text/event-stream", headers={"cache-control": "no-store"}
    )


async def _changes(hub: Hub, queue: Queue) -> AsyncIterator[str]:
    try:
        yield "retry: 1000\n\n"
        while (change := await queue.get()) is not None:
            yield f"data: {json.dumps(change)}\n\n"
    finally:
        hub.feed.leave(queue)


_SMALLER = [Middleware(GZipMiddleware, compresslevel=5)]
ROUTES: list[BaseRoute] = [
    Route("/", front, middleware=_SMALLER),
    Route("/archives/{rest:path}", front),
    Mount("/static", StaticFiles(directory=_STATIC), middleware=_SMALLER),
    Route("/page/start", start),
    Route("/page/messages", messages),
    Route("/page/home", looks.shown_home, methods=["GET"]),
    Route("/page/inspector", inspector),
    Route("/page/inspector/{n:int}", inspected),
    Route("/page/upload", upload, methods=["POST"]),
    Route("/page/feed", feed),
    *(Route(f"/page/{name}", people.route(act), methods=["POST"]) for name, act in people.ACTS.items()),
]
