"""`POST /control/*`: what tests, the demo and curious people order: faults on the sockets and the API, the bot's door."""

import asyncio

from starlette.routing import BaseRoute, Route

from opsbot.workspace import looks, membership, people, respond
from opsbot.workspace.errors import Refused
from opsbot.workspace.hub import Hub
from opsbot.workspace.records import Json
from opsbot.workspace.signed import RequestUrls


async def drop(hub: Hub, body: Json) -> Json:
    """Cut every socket, with no close frame."""
    links = list(hub.delivery.sockets.links)
    for link in links:
        link.drop()
    return {"ok": True, "links": len(links)}


async def freeze(hub: Hub, body: Json) -> Json:
    """Every open socket stays open but reads nothing and answers nothing (new ones are fine)."""
    for link in hub.delivery.sockets.links:
        link.freeze()
    return {"ok": True, "links": len(hub.delivery.sockets.links)}


async def disconnect(hub: Hub, body: Json) -> Json:
    """{reason?}: ask the bot to reconnect (`refresh_requested`, `warning`, `link_disabled`)."""
    reason = body.get("reason", "refresh_requested")
    return {"ok": True, "links": await hub.delivery.sockets.disconnect(reason, hub.delivery.spawn)}


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
    looks.show_faults(hub)


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


async def redeliver(hub: Hub, body: Json) -> Json:
    """{n? | event_id?, reason?}: the event (default: the newest) once more, with its next retry number."""
    event_id = body.get("event_id", "")
    if "n" in body:
        entry = hub.inspector.entry(int(body["n"]))
        event_id = entry.more.get("event_id", "") if entry else ""
        if not event_id:
            raise Refused("This line is no event; only events are delivered again.")
    done = await hub.delivery.again(event_id, body.get("reason", ""))
    if done is None:
        raise Refused("There is no such event to deliver again.")
    return {"ok": True, **done}


async def clear(hub: Hub, body: Json) -> Json:
    """Ends every fault that lasts; frozen sockets are cut, because nothing else can thaw them."""
    hub.trouble.down, hub.trouble.slow_seconds = False, 0.0
    hub.meter.ordered.clear()
    for link in [link for link in hub.delivery.sockets.links if link.frozen]:
        link.drop()
    return {"ok": True}


async def http(hub: Hub, body: Json) -> Json:
    """{url | events, commands, interactivity, options?; verify?}: deliver there, signed; {} goes back to sockets."""
    named = {key: body[key] for key in ("url", "events", "commands", "interactivity", "options") if body.get(key)}
    urls = RequestUrls.of(**named) if named else None
    await hub.delivery.use_http(urls, verify=body.get("verify", True))
    hub.world.changes += 1
    hub.show_links()
    return {"ok": True, "door": hub.delivery.door}


async def webhook(hub: Hub, body: Json) -> Json:
    """{channel}: a new incoming webhook → {url}."""
    return {"ok": True, "url": respond.add_webhook(hub, hub.world.channel(body["channel"]))}


async def forget(hub: Hub, body: Json) -> Json:
    """Empty the inspector: calls and deliveries."""
    hub.inspector.forget()
    return {"ok": True}


async def join(hub: Hub, body: Json) -> Json:
    """{channel, user?, leave?}: put a member (default: the bot) into a channel or take them out."""
    channel, user = hub.world.channel(body["channel"]), hub.world.user(body.get("user", hub.world.bot))
    if body.get("leave"):
        membership.leave(hub.world, channel, user.id)
    else:
        membership.join(hub.world, channel, user.id)
    return {"ok": True, "members": channel.members}


async def person(hub: Hub, body: Json) -> Json:
    """{name}: somebody new, in #general → {id}. Pages that are open know them when they are loaded again."""
    return {"ok": True, "id": membership.newcomer(hub.world, str(body["name"])).id}


async def channel(hub: Hub, body: Json) -> Json:
    """{name, private?}: a new channel with the bot and everybody in it → {id}."""
    made = membership.create(hub.world, str(body["name"]), private=bool(body.get("private")))
    made.members = list(hub.world.users)
    membership.show(hub.world, made)
    return {"ok": True, "id": made.id}


def _fault(name: str, order: people.Act) -> people.Act:
    """An order that is seen in the inspector and on the pages."""

    async def noted(hub: Hub, body: Json) -> Json:
        entry = hub.inspector.add("fault", name, _words(body), body)
        try:
            answer = await order(hub, body)
        except Refused as refused:
            hub.inspector.end(entry, error=refused.sentence)
            raise
        hub.inspector.end(entry, answer)
        looks.show_faults(hub)
        return answer

    return noted


def _words(body: Json) -> str:
    return ", ".join(f"{key} {value}" for key, value in body.items() if value is not None)


_FAULTS: dict[str, people.Act] = {
    "drop": drop,
    "freeze": freeze,
    "disconnect": disconnect,
    "rate_limit": rate_limit,
    "down": down,
    "up": up,
    "away": away,
    "slow": slow,
    "redeliver": redeliver,
    "clear": clear,
}
_ORDERS: dict[str, people.Act] = {
    **{name: _fault(name, order) for name, order in _FAULTS.items()},
    "http": http,
    "webhook": webhook,
    "forget": forget,
    "join": join,
    "channel": channel,
    "person": person,
}
ROUTES: list[BaseRoute] = [
    *(Route(f"/control/{name}", people.route(act), methods=["POST"]) for name, act in people.ACTS.items()),
    *(Route(f"/control/{name}", people.route(act), methods=["POST"]) for name, act in _ORDERS.items()),
    *looks.ROUTES,
]
