"""Routes by which a person acts, for the page (`/page/<act>`) and for tests (`/control/<act>`): JSON in, JSON out."""

import json
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from opsbot.workspace import acts, amends, dialogs, home, reading
from opsbot.workspace.errors import ApiError, Refused, Undelivered
from opsbot.workspace.hub import Hub
from opsbot.workspace.records import Json

Act = Callable[[Hub, Json], Awaitable[Json]]


async def say(hub: Hub, body: Json) -> Json:
    """{user, channel, text, thread_ts?, broadcast?} → {ok, ts}; a text that starts with `/` is a slash command."""
    if body["text"].startswith("/"):
        command, _, text = body["text"].partition(" ")
        return await slash(hub, body | {"command": command, "text": text})
    where = (body["user"], body["channel"], body["text"], body.get("thread_ts"))
    message = acts.say(hub, *where, broadcast=bool(body.get("broadcast")))
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
    """{user, view_id, action_id, value?, values?, block_id?} → {ok, result}: an element of a dialog or the Home."""
    where = (body["user"], body["view_id"], body["action_id"])
    chosen: Json = {key: body.get(key) for key in ("value", "values", "block_id")}
    result = await dialogs.act_in_view(hub, *where, **chosen)
    return {"ok": result == "ok", "result": result}


async def submit(hub: Hub, body: Json) -> Json:
    """{user, view_id, values} → {ok, errors?}."""
    return await dialogs.submit(hub, body["user"], body["view_id"], body.get("values", {}))


async def close(hub: Hub, body: Json) -> Json:
    """{user, view_id, whole_stack?} → {ok}."""
    await dialogs.close(hub, body["user"], body["view_id"], whole_stack=bool(body.get("whole_stack")))
    return {"ok": True}


async def suggest(hub: Hub, body: Json) -> Json:
    """{user, action_id, typed, view_id? | channel, ts, block_id?} → {ok, options, option_groups?}."""
    place = {key: body.get(key) for key in ("view_id", "channel", "ts", "block_id")}
    try:
        found = await dialogs.suggest(hub, body["user"], body["action_id"], body.get("typed", ""), **place)
    except Undelivered as failed:
        return {"ok": False, "error": failed.code, "options": []}
    return {"ok": True, **found}


async def react(hub: Hub, body: Json) -> Json:
    """{user, channel, ts, name, remove?} → {ok}."""
    where = (body["user"], body["channel"], body["ts"], body["name"])
    amends.react(hub, *where, remove=bool(body.get("remove")))
    return {"ok": True}


async def edit(hub: Hub, body: Json) -> Json:
    """{user, channel, ts, text} → {ok}: one's own message."""
    amends.edit(hub, body["user"], body["channel"], body["ts"], body["text"])
    return {"ok": True}


async def delete(hub: Hub, body: Json) -> Json:
    """{user, channel, ts} → {ok}: one's own message."""
    amends.delete(hub, body["user"], body["channel"], body["ts"])
    return {"ok": True}


async def dismiss(hub: Hub, body: Json) -> Json:
    """{user, channel, ts} → {ok}: a message that this person alone sees."""
    amends.dismiss(hub, body["user"], body["channel"], body["ts"])
    return {"ok": True}


async def read(hub: Hub, body: Json) -> Json:
    """{user, channel, ts?} → {ok, last_read, unread, mentions}; without ts everything."""
    person, channel = hub.world.user(body["user"]), hub.world.channel(body["channel"])
    return {"ok": True} | reading.read(hub.world, channel, person.id, body.get("ts") or "")


async def look_home(hub: Hub, body: Json) -> Json:
    """{user, tab?: home or messages} → {ok, view}: the bot hears `app_home_opened`."""
    person = hub.world.user(body["user"])
    return {"ok": True, "view": home.opened(hub, person.id, body.get("tab", "home"))}


async def shortcut(hub: Hub, body: Json) -> Json:
    """{user, callback_id, channel?, ts?} → {ok, result}."""
    where = (body["user"], body["callback_id"], body.get("channel", ""), body.get("ts", ""))
    result = await acts.shortcut(hub, *where)
    return {"ok": result == "ok", "result": result}


ACTS: dict[str, Act] = {
    "say": say,
    "slash": slash,
    "click": click,
    "act": act,
    "submit": submit,
    "close": close,
    "suggest": suggest,
    "react": react,
    "edit": edit,
    "delete": delete,
    "dismiss": dismiss,
    "read": read,
    "home": look_home,
    "shortcut": shortcut,
}


_TEXTS = (
    "user,channel,ts,text,thread_ts,command,action_id,block_id,view_id,typed,name,tab,callback_id,"
    "method,reason,event_id,url,events,commands,interactivity,options"
)
_KINDS: dict[str, type] = {**dict.fromkeys(_TEXTS.split(","), str), "values": dict, "state": dict}


def route(act: Act) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint around an act: a refusal is HTTP 400 with a sentence or Slack's code in `error`."""

    async def endpoint(request: Request) -> Response:
        try:
            body = json.loads(await request.body() or b"{}")
        except ValueError:
            return JSONResponse({"ok": False, "error": "The body is not JSON."}, 400)
        if not isinstance(body, dict):
            return JSONResponse({"ok": False, "error": "The body must be a JSON object."}, 400)
        return await answered(request.app.state.hub, act, body)

    return endpoint


async def answered(hub: Hub, act: Act, body: Json) -> Response:
    """What an act answers, or its refusal."""
    wrong = [key for key, kind in _KINDS.items() if not isinstance(body.get(key, kind()), kind | None)]
    if wrong:
        return JSONResponse({"ok": False, "error": f"{wrong[0]} has a value of the wrong kind"}, 400)
    sent = {key: value for key, value in body.items() if value is not None or key not in _KINDS}  # null: not sent
    try:
        return JSONResponse(await act(hub, sent))
    except KeyError as missing:
        return JSONResponse({"ok": False, "error": f"missing field: {missing.args[0]}"}, 400)
    except (TypeError, ValueError):  # a number that is none, or a value that its element cannot hold
        return JSONResponse({"ok": False, "error": "A field has a value of the wrong kind."}, 400)
    except Refused as refused:
        return JSONResponse({"ok": False, "error": refused.sentence}, 400)
    except ApiError as refused:
        return JSONResponse({"ok": False, "error": refused.code, "meaning": refused.meaning, **refused.extra}, 400)


def messages(
    hub: Hub, channel: str, person: str | None, thread_ts: str | None = None, before: str = "", limit: int = 0
) -> list[Json]:
    """A channel's messages in order as this person sees them, each with `edits` and `only_for`.

    With `before` only those of an earlier ts, with `limit` only the last so many.
    """
    place = hub.world.channel(channel)
    seen = [m for m in hub.world.visible(place.id, person) if thread_ts in (None, m.ts, m.thread_ts)]
    wanted = [message for message in seen if not before or message.ts < before]
    return [message.as_page(hub.world.team) for message in wanted[-limit:]]
