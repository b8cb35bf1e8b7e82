"""response_url: the posts a bot may make in answer to one act, with no token."""

import json

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from opsbot.workspace import acts, blocks
from opsbot.workspace.errors import ApiError
from opsbot.workspace.hub import Hub
from opsbot.workspace.records import Json
from opsbot.workspace.triggers import Reply


async def respond(request: Request) -> Response:
    """`POST /respond/<id>`: text and blocks; `replace_original`, `delete_original`, `response_type`, `thread_ts`."""
    hub: Hub = request.app.state.hub
    if hub.trouble.down:
        return PlainTextResponse("service unavailable", 503)
    try:
        asked = json.loads(await request.body())
        if not isinstance(asked, dict):
            raise ApiError("invalid_payload")
        _apply(hub, hub.triggers.use_reply(request.path_params["id"]), asked)
    except ValueError:
        return JSONResponse({"ok": False, "error": "invalid_payload"}, 400)
    except ApiError as refused:
        status = 404 if refused.code in ("used_url", "expired_url") else 400
        return JSONResponse({"ok": False, "error": refused.code, **refused.extra}, status)
    return PlainTextResponse("ok")


def _apply(hub: Hub, reply: Reply, asked: Json) -> None:
    original = hub.world.messages[reply.channel].get(reply.message_ts or "")
    if asked.get("delete_original"):
        if original:
            hub.world.delete(original)
        return
    if not asked.get("text") and not asked.get("blocks"):
        raise ApiError("no_text")
    if asked.get("blocks"):
        blocks.check_message(asked["blocks"])
    if asked.get("replace_original") and original:
        hub.world.edit(original, text=asked.get("text", original.text), blocks=list(asked.get("blocks") or []))
    else:
        acts.answer(hub, reply.channel, reply.user, asked, reply.thread_ts)
