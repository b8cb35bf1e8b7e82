"""Routes by which a person acts, for the page (`/page/<act>`) and for tests (`/control/<act>`): JSON in, JSON out."""

import json
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from opsbot.workspace import acts, dialogs
from opsbot.workspace.errors import ApiError, Refused, Undelivered
from opsbot.workspace.hub import Hub
from opsbot.workspace.records import Json

Act = Callable[[Hub, Json], Awaitable[Json]]


async def say(hub: Hub, body: Json) -> Json:
    """{user, channel, text, thread_ts?} → {ok, ts}; a text that starts with `/` is a slash command."""
    if body["text"].startswith("/"):
        command, _, text = body["text"].partition(" ")
        return await slash(hub, body | {"command": command, "text": text})
    message = acts.say(hub, body["user"], body["channel"], body["text"], body.get("thread_ts"))
    return {"ok": True, "ts": message.ts}


async def slash(hub: Hub, body: Json) -> Json:
    """{user, channel, command, text?, thread_ts?} → {ok, result}."""
    where = (body["user"], body["channel"], body["command"], body.get("text", ""))
    result = await acts.slash(hub, *where, thread_ts=body.get("thread_ts"))
    return {"ok": result == "ok", "result": result}


async def click(hub: Hub, body: Json) -> Json:
    """{user, channel, ts, action_id, value?, block_id?, state?} → {ok, result}."""
    where = (body["user"], body["channel"], body["ts"], body["action_id"])
    chosen: Json = {key: body.get(key) for key in ("value", "block_id", "state")}
    result = await acts.click(hub, *where, **chosen)
    return {"ok": result == "ok", "result": result}


async def act(hub: Hub, body: Json) -> Json:
    """{user, view_id, action_id, value?, values?} → {ok, result}: an element of an open dialog."""
    where = (body["user"], body["view_id"], body["action_id"])
    result = await dialogs.act_in_view(hub, *where, value=body.get("value"), values=body.get("values"))
    return {"ok": result == "ok", "result": result}


async def submit(hub: Hub, body: Json) -> Json:
    """{user, view_id, values} → {ok, errors?}."""
    return await dialogs.submit(hub, body["user"], body["view_id"], body.get("values", {}))


async def close(hub: Hub, body: Json) -> Json:
    """{user, view_id, whole_stack?} → {ok}."""
    await dialogs.close(hub, body["user"], body["view_id"], whole_stack=bool(body.get("whole_stack")))
    return {"ok": True}


async def suggest(hub: Hub, body: Json) -> Json:
    """{user, action_id, typed, view_id? | channel, ts} → {ok, options}."""
    place = {key: body.get(key) for key in ("view_id", "channel", "ts")}
    try:
        options = await dialogs.suggest(hub, body["user"], body["action_id"], body.get("typed", ""), **place)
    except Undelivered as failed:
        return {"ok": False, "error": failed.code, "options": []}
    return {"ok": True, "options": options}


async def react(hub: Hub, body: Json) -> Json:
    """{user, channel, ts, name} → {ok}."""
    channel = hub.world.channel(body["channel"])
    hub.world.react(hub.world.message(channel.id, body["ts"]), body["name"], body["user"])
    return {"ok": True}


ACTS: dict[str, Act] = {
    "say": say,
    "slash": slash,
    "click": click,
    "act": act,
    "submit": submit,
    "close": close,
    "suggest": suggest,
    "react": react,
}


def route(act: Act) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint around an act: a refusal is HTTP 400 with a sentence or Slack's code in `error`."""

    async def endpoint(request: Request) -> Response:
        try:
            body = json.loads(await request.body() or b"{}")
            if not isinstance(body, dict):
                raise Refused("The body must be a JSON object.")
            return JSONResponse(await act(request.app.state.hub, body))
        except KeyError as missing:
            return JSONResponse({"ok": False, "error": f"missing field: {missing.args[0]}"}, 400)
        except ValueError:
            return JSONResponse({"ok": False, "error": "The body is not JSON."}, 400)
        except Refused as refused:
            return JSONResponse({"ok": False, "error": refused.sentence}, 400)
        except ApiError as refused:
            return JSONResponse({"ok": False, "error": refused.code, **refused.extra}, 400)

    return endpoint


def messages(hub: Hub, channel: str, person: str | None, thread_ts: str | None = None) -> list[Json]:
    """A channel's messages in order as this person sees them, each with `edits` and `only_for`."""
    place = hub.world.channel(channel)
    shown = [message.as_page(hub.world.team) for message in hub.world.visible(place.id, person)]
    return [m for m in shown if thread_ts is None or thread_ts in (m["ts"], m.get("thread_ts"))]
