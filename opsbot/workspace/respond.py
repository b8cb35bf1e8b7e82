"""Posts that need no token: a response_url's answers to one act, and incoming webhooks, each bound to a channel."""

import json
import secrets
from collections.abc import Callable
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from opsbot.workspace import acts, blocks, limits
from opsbot.workspace.errors import ApiError, RateLimited
from opsbot.workspace.hub import Hub
from opsbot.workspace.records import Channel, Json, Message
from opsbot.workspace.triggers import Reply

_WEBHOOK_STATUS = {"is_archived": (410, "channel_is_archived"), "channel_not_found": (404, "channel_not_found")}


async def respond(request: Request) -> Response:
    """`POST /respond/<id>`: text and blocks; `replace_original`, `delete_original`, `response_type`, `thread_ts`."""
    hub: Hub = request.app.state.hub
    body = await request.body()

    def apply(asked: Json) -> Response:
        _apply(hub, hub.triggers.use_reply(request.path_params["id"]), asked)
        return PlainTextResponse("ok")

    def refuse(refused: ApiError) -> Response:
        status = 404 if refused.code in ("used_url", "expired_url") else 400
        return JSONResponse({"ok": False, "error": refused.code, **refused.extra}, status)

    return _hook(hub, "response_url", _parsed(body), apply, refuse)


async def webhook(request: Request) -> Response:
    """`POST /services/<team>/<bot>/<secret>`: a message into the webhook's channel; answers are plain text."""
    hub: Hub = request.app.state.hub
    body = await request.body()
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        body = "".join(parse_qs(body.decode("utf-8", "replace")).get("payload", [])).encode()
    path = request.path_params

    def apply(asked: Json) -> Response:
        bound = hub.world.webhooks.get(path["secret"])
        if (path["team"], path["bot"]) != (hub.world.team, hub.world.bot_id):
            return PlainTextResponse("no_team", 404)
        if bound is None:
            return PlainTextResponse("no_service", 404)
        _post(hub, hub.world.channel(bound), asked)
        return PlainTextResponse("ok")

    def refuse(refused: ApiError) -> Response:
        status, text = _WEBHOOK_STATUS.get(refused.code, (400, refused.code))
        return PlainTextResponse(text, status)

    return _hook(hub, "webhook", _parsed(body), apply, refuse)


def add_webhook(hub: Hub, channel: Channel) -> str:
    """The URL of a new incoming webhook for this channel."""
    secret = secrets.token_hex(12)
    hub.world.webhooks[secret] = channel.id
    hub.world.changes += 1
    return f"{hub.url}/services/{hub.world.team}/{hub.world.bot_id}/{secret}"


def _hook(
    hub: Hub, name: str, asked: Json | None, apply: Callable[[Json], Response], refuse: Callable[[ApiError], Response]
) -> Response:
    entry = hub.inspector.add("hook", name, sent=asked)
    if hub.trouble.down:
        answer: Response = PlainTextResponse("service unavailable", 503)
    else:
        try:
            if asked is None:
                raise ApiError("invalid_payload")
            answer = apply(asked)
        except ApiError as refused:
            answer = refuse(refused)
        except RateLimited as limited:
            answer = PlainTextResponse("rate_limited", 429, {"Retry-After": str(limited.retry_after)})
    said = bytes(answer.body).decode()
    hub.inspector.end(entry, said, "" if answer.status_code == 200 else said[:80], status=answer.status_code)
    return answer


def _parsed(body: bytes) -> Json | None:
    try:
        asked = json.loads(body)
    except ValueError:
        return None
    return asked if isinstance(asked, dict) else None


def _post(hub: Hub, channel: Channel, asked: Json) -> None:
    if channel.is_archived:
        raise ApiError("is_archived")
    _check(asked)
    hub.meter.check_post(channel.id)
    world = hub.world
    message = Message(channel.id, world.next_ts(), world.bot, asked.get("text") or "", list(asked.get("blocks") or []))
    message.attachments, message.thread_ts = list(asked.get("attachments") or []), asked.get("thread_ts")
    message.bot_id, message.app_id, message.subtype = world.bot_id, world.app, "bot_message"
    world.post(message)


def _apply(hub: Hub, reply: Reply, asked: Json) -> None:
    original = hub.world.messages[reply.channel].get(reply.message_ts or "")
    if _yes(asked, "delete_original"):
        if original:
            hub.world.delete(original)
            original = None
        if not _says(asked):
            return
    _check(asked)
    if _yes(asked, "replace_original") and original:
        kept = {"text": asked.get("text", original.text), "blocks": list(asked.get("blocks") or [])}
        hub.world.edit(original, **kept, attachments=list(asked.get("attachments") or []))
    else:
        acts.answer(hub, reply.channel, reply.user, asked, reply.thread_ts)


def _yes(asked: Json, name: str) -> bool:
    """Slack's own examples write `"true"` and `"false"`."""
    return asked.get(name) in (True, "true")


def _says(asked: Json) -> bool:
    return any(asked.get(name) for name in ("text", "blocks", "attachments"))


def _check(asked: Json) -> None:
    if not _says(asked):
        raise ApiError("no_text")
    if len(asked.get("attachments") or []) > limits.ATTACHMENTS:
        raise ApiError("too_many_attachments")
    if asked.get("blocks"):
        blocks.check_message(asked["blocks"])
