"""`GET /control/*`: a look inside for tests and pages: messages, views, calls, deliveries, sockets, faults."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from opsbot.workspace import dialogs, home, people
from opsbot.workspace.errors import ApiError
from opsbot.workspace.hub import Hub
from opsbot.workspace.records import Json


def faults(hub: Hub) -> Json:
    """What is made to go wrong now."""
    frozen = sum(link.frozen for link in hub.delivery.sockets.links)
    shape: Json = {"down": hub.trouble.down, "slow_seconds": hub.trouble.slow_seconds}
    return shape | {"rate_limits": hub.meter.orders(), "frozen": frozen}


def show_faults(hub: Hub) -> None:
    """Tell the pages."""
    hub.feed.publish("faults", faults=faults(hub))


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


async def shown_home(request: Request) -> Response:
    """`GET …/home?as=U…`: what the bot published for this person."""
    hub: Hub = request.app.state.hub
    return JSONResponse({"ok": True, "view": home.shown(hub, request.query_params.get("as", ""))})


async def _calls(request: Request) -> Response:
    hub: Hub = request.app.state.hub
    method = request.query_params.get("method")
    found = [
        {"method": e.name, "args": e.sent, "ok": e.ok, "error": e.error, "status": e.more["status"]}
        | {"at": e.at, "ms": e.ms}
        for e in hub.inspector.entries("call")
        if "status" in e.more and method in (None, e.name)
    ]
    return JSONResponse({"ok": True, "calls": found})


async def _deliveries(request: Request) -> Response:
    hub: Hub = request.app.state.hub
    found = [
        {key: e.more[key] for key in ("envelope_id", "link", "via", "attempt", "outcome")}
        | {"kind": e.name, "detail": e.detail, "seconds": round(e.ms / 1000, 4)}
        for e in hub.inspector.entries("envelope")
        if e.more["outcome"] != "waiting"
    ]
    return JSONResponse({"ok": True, "deliveries": found})


async def _links(request: Request) -> Response:
    hub: Hub = request.app.state.hub
    return JSONResponse({"ok": True, "links": [link.name for link in hub.delivery.sockets.links]})


async def _faults(request: Request) -> Response:
    return JSONResponse({"ok": True, **faults(request.app.state.hub)})


_LOOKS = {
    "messages": _messages,
    "views": _views,
    "home": shown_home,
    "calls": _calls,
    "deliveries": _deliveries,
    "links": _links,
    "faults": _faults,
}

ROUTES: list[BaseRoute] = [Route(f"/control/{name}", look) for name, look in _LOOKS.items()]
