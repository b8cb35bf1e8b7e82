"""The Web API's front: reads a call as slack_sdk sends it, checks token and scope, answers in Slack's shapes."""

import asyncio
import json
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from opsbot.workspace import looks
from opsbot.workspace.errors import ApiError, RateLimited
from opsbot.workspace.hub import Hub
from opsbot.workspace.methods.catalog import METHODS
from opsbot.workspace.methods.method import Method
from opsbot.workspace.records import Json

_LISTS = ("users", "channels")  # which SDKs send as lists or joined by commas
_JSON_FIELDS = ("blocks", "attachments", "view", "files", "metadata")


async def call(request: Request) -> Response:
    """`/api/<method>`: any body slack_sdk sends; always HTTP 200, but for 429 and a workspace that is down."""
    hub: Hub = request.app.state.hub
    name = request.path_params["method"]
    args = await arguments(request)
    token = _token(request, args)
    entry = hub.inspector.add("call", name, _detail(args), args)
    if hub.trouble.slow_seconds:
        await asyncio.sleep(hub.trouble.slow_seconds)
    answer, status, headers = _answer(hub, name, args, token)
    hub.inspector.end(entry, answer, answer.get("error", ""), status=status)
    return JSONResponse(answer, status, headers)


def _detail(args: Json) -> str:
    """Where a call goes, for the inspector."""
    named = (args.get(key) for key in ("channel", "channel_id", "user", "user_id", "filename", "usergroup", "view_id"))
    return next((one for one in named if isinstance(one, str)), "")


def _answer(hub: Hub, name: str, args: Json, token: str) -> tuple[Json, int, dict[str, str]]:
    if hub.trouble.down:
        return {"ok": False, "error": "service_unavailable"}, 503, {}
    headers = {"x-oauth-scopes": ",".join(hub.settings.scopes)}
    try:
        hub.meter.check_ordered(name)
        method = METHODS.get(name)
        if method is None:
            raise ApiError("unknown_method", req_method=name)
        needed = method.scopes(hub, args)
        if needed:
            headers["x-accepted-oauth-scopes"] = ",".join(needed)
        _authorise(hub, method, token, needed)
        hub.meter.check_tier(name, method.tier)
        if "unreadable" in args:
            raise ApiError("invalid_json")
        _check_texts(args)
        return {"ok": True} | method.call(hub, args), 200, headers
    except ApiError as refused:
        return {"ok": False, "error": refused.code, **refused.extra}, 200, headers
    except RateLimited as limited:
        headers["Retry-After"] = str(limited.retry_after)
        looks.show_faults(hub)  # one of those ordered may be used up
        return {"ok": False, "error": "ratelimited"}, 429, headers


async def arguments(request: Request) -> Json:
    """Query, form, JSON or nothing, as one dict: structured fields decoded, all others text.

    `unreadable` instead when the body is labelled JSON and is no object.
    """
    args: Json = dict(request.query_params)
    body = await request.body()
    if request.headers.get("content-type", "").startswith("application/json"):
        parsed = _parsed(body.decode("utf-8", "replace") or "{}")
        args |= parsed if isinstance(parsed, dict) else {"unreadable": True}
    elif request.headers.get("content-type", "").startswith("multipart/"):
        args |= {key: value for key, value in (await request.form()).items() if isinstance(value, str)}
    else:
        args |= dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    return {key: _argument(key, value) for key, value in args.items() if value is not None}


def _argument(key: str, value: Any) -> Any:
    if key in _JSON_FIELDS:
        return _parsed(value) if isinstance(value, str) else value
    if isinstance(value, list) and key in _LISTS:
        return ",".join(map(str, value))
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str | dict | list) else str(value)


def _check_texts(args: Json) -> None:
    for key, value in args.items():
        if key in _JSON_FIELDS:
            continue
        if isinstance(value, list):
            raise ApiError("invalid_array_arg")
        if isinstance(value, dict):
            raise ApiError("invalid_arguments", response_metadata={"messages": [f"[ERROR] {key} must be a string"]})


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text  # refused later, by the field's own check


def _token(request: Request, args: Json) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else str(args.get("token", ""))


def _authorise(hub: Hub, method: Method, token: str, needed: list[str]) -> None:
    if not token:
        raise ApiError("not_authed")
    if token not in (hub.tokens.bot, hub.tokens.app):
        raise ApiError("invalid_auth")
    if token != (hub.tokens.app if method.caller == "app" else hub.tokens.bot):
        raise ApiError("not_allowed_token_type")
    lacking = [scope for scope in needed if scope not in hub.settings.scopes]
    if lacking:
        raise ApiError("missing_scope", needed=",".join(lacking), provided=",".join(hub.settings.scopes))
