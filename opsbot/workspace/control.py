"""`/control/*`: what tests and the demo order: faults on the sockets and the API, and a look inside."""

import asyncio
from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from opsbot.workspace import dialogs, people
from opsbot.workspace.errors import ApiError, Refused
from opsbot.workspace.hub import Hub
from opsbot.workspace.records import Json


async def drop(hub: Hub, body: Json) -> Json:
    """Cut every socket, with no close frame."""
    links = list(hub.delivery.links)
    for link in links:
        link.drop()
    return {"ok": True, "links": len(links)}


async def freeze(hub: Hub, body: Json) -> Json:
    """Every open socket stays open but reads nothing and answers nothing (new ones are fine)."""
    for link in hub.delivery.links:
        link.freeze()
    return {"ok": True, "links": len(hub.delivery.links)}


async def disconnect(hub: Hub, body: Json) -> Json:
    """{reason?}: ask the bot to reconnect (`refresh_requested`, `warning`)."""
    return {"ok": True, "links": await hub.delivery.disconnect(body.get("reason", "refresh_requested"))}


async def rate_limit(hub: Hub, body: Json) -> Json:
    """{method, count?, retry_after?}: answer 429 to the next calls of this method (`*` = any)."""
    hub.meter.order(body["method"], int(body.get("count", 1)), int(body.get("retry_after", 1)))
    return {"ok": True}


async def down(hub: Hub, body: Json) -> Json:
    """{seconds?}: the Web API answers 503 and the sockets are cut, until `up` or so many seconds."""
    hub.trouble.down = True
    await drop(hub, {})
    if body.get("seconds"):
        hub.delivery.spawn(_up_later(hub, float(body["seconds"])))
    return {"ok": True}


async def up(hub: Hub, body: Json) -> Json:
    """Ends `down`."""
    hub.trouble.down = False
    return {"ok": True}


async def _up_later(hub: Hub, seconds: float) -> None:
    await asyncio.sleep(seconds)
    hub.trouble.down = False


async def away(hub: Hub, body: Json) -> Json:
    """{seconds}: the whole port refuses connections for so long (this control too)."""
    if hub.door is None:
        raise Refused("This workspace has no port of its own to close.")
    hub.delivery.spawn(hub.door.shut_for(float(body["seconds"])))
    return {"ok": True}


async def slow(hub: Hub, body: Json) -> Json:
    """{seconds}: every API call takes so much longer; 0 ends it."""
    hub.trouble.slow_seconds = float(body["seconds"])
    return {"ok": True}


async def forget(hub: Hub, body: Json) -> Json:
    """Empty the inspector: calls and deliveries."""
    hub.calls.clear()
    hub.delivery.log.clear()
    return {"ok": True}


async def join(hub: Hub, body: Json) -> Json:
    """{channel, user?, leave?}: put a member (default: the bot) into a channel or take them out."""
    channel, user = hub.world.channel(body["channel"]), body.get("user", hub.world.bot)
    if body.get("leave") and user in channel.members:
        channel.members.remove(user)
    elif not body.get("leave") and user not in channel.members:
        channel.members.append(user)
    return {"ok": True, "members": channel.members}


async def _messages(request: Request) -> Response:
    asked, hub = request.query_params, request.app.state.hub
    try:
        found = people.messages(hub, asked.get("channel", ""), asked.get("as"), asked.get("thread_ts"))
    except ApiError as refused:
        return JSONResponse({"ok": False, "error": refused.code}, 400)
    return JSONResponse({"ok": True, "messages": found})


async def _views(request: Request) -> Response:
    hub: Hub = request.app.state.hub
    return JSONResponse({"ok": True, "views": dialogs.views_of(hub, request.query_params.get("as", ""))})


async def _calls(request: Request) -> Response:
    hub: Hub = request.app.state.hub
    method = request.query_params.get("method")
    return JSONResponse({"ok": True, "calls": [c for c in hub.calls if method in (None, c["method"])]})


async def _deliveries(request: Request) -> Response:
    hub: Hub = request.app.state.hub
    return JSONResponse({"ok": True, "deliveries": [asdict(line) for line in hub.delivery.log]})


async def _links(request: Request) -> Response:
    hub: Hub = request.app.state.hub
    return JSONResponse({"ok": True, "links": [link.name for link in hub.delivery.links]})


_ORDERS: dict[str, people.Act] = {
    "drop": drop,
    "freeze": freeze,
    "disconnect": disconnect,
    "rate_limit": rate_limit,
    "down": down,
    "up": up,
    "away": away,
    "slow": slow,
    "forget": forget,
    "join": join,
}
_LOOKS = {"messages": _messages, "views": _views, "calls": _calls, "deliveries": _deliveries, "links": _links}

ROUTES: list[BaseRoute] = [
    *(Route(f"/control/{name}", people.route(act), methods=["POST"]) for name, act in people.ACTS.items()),
    *(Route(f"/control/{name}", people.route(act), methods=["POST"]) for name, act in _ORDERS.items()),
    *(Route(f"/control/{name}", look) for name, look in _LOOKS.items()),
]
