"""`/` and `/page/*`: the page, what it starts from, and its live feed."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from opsbot.workspace import dialogs, people, seed
from opsbot.workspace.errors import ApiError
from opsbot.workspace.feed import Change
from opsbot.workspace.hub import Hub

_STATIC = Path(__file__).parent / "static"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' http: https: data:"
)


async def front(request: Request) -> Response:
    """The page itself, which runs no script but its own."""
    return FileResponse(_STATIC / "index.html", headers={"content-security-policy": _POLICY})


async def start(request: Request) -> Response:
    """`GET /page/start?as=U…`: people, channels, commands and the person's open dialogs."""
    hub: Hub = request.app.state.hub
    world, person = hub.world, request.query_params.get("as", "")
    channels = [c.as_slack(world.bot) for c in world.channels.values() if person in c.members or not person]
    answer = {
        "team": seed.TEAM_NAME,
        "bot": world.bot,
        "users": [user.as_slack(world.team) for user in world.users.values()],
        "channels": channels,
        "groups": [group.as_slack(world.team, with_users=True) for group in world.usergroups.values()],
        "commands": hub.settings.commands,
        "links": len(hub.delivery.links),
        "views": dialogs.views_of(hub, person),
    }
    return JSONResponse(answer)


async def messages(request: Request) -> Response:
    """`GET /page/messages?channel=C…&as=U…`."""
    asked = request.query_params
    try:
        found = people.messages(request.app.state.hub, asked.get("channel", ""), asked.get("as"))
    except ApiError as refused:
        return JSONResponse({"ok": False, "error": refused.code}, 400)
    return JSONResponse({"ok": True, "messages": found})


async def feed(request: Request) -> Response:
    """`GET /page/feed?as=U…`: server-sent events, one JSON change each."""
    hub: Hub = request.app.state.hub
    queue = hub.world.feed.listen(request.query_params.get("as", ""))  # before the headers: nothing is missed
    return StreamingResponse(
        _changes(hub, queue), media_type="text/event-stream", headers={"cache-control": "no-store"}
    )


async def _changes(hub: Hub, queue: asyncio.Queue[Change | None]) -> AsyncIterator[str]:
    try:
        yield "retry: 1000\n\n"
        while (change := await queue.get()) is not None:
            yield f"data: {json.dumps(change)}\n\n"
    finally:
        hub.world.feed.leave(queue)


ROUTES: list[BaseRoute] = [
    Route("/", front),
    Route("/archives/{rest:path}", front),
    Mount("/static", StaticFiles(directory=_STATIC)),
    Route("/page/start", start),
    Route("/page/messages", messages),
    Route("/page/feed", feed),
    *(Route(f"/page/{name}", people.route(act), methods=["POST"]) for name, act in people.ACTS.items()),
]
