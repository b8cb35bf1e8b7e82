"""What a Web API method is, and the checks that many of them share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from opsbot.workspace import limits
from opsbot.workspace.errors import ApiError
from opsbot.workspace.hub import Hub
from opsbot.workspace.records import Channel, Json

_FAMILIES = {"private_channel": "groups", "im": "im"}
_RIGHTS = {"read": "read", "history": "history", "manage": "write"}  # of channels → of the other families


@dataclass(frozen=True)
class Method:
    """`call(hub, args)` answers the fields beside `ok`, or raises ApiError / RateLimited. `tier`: see `limits.TIERS`."""

    call: Callable[[Hub, Json], Json]
    scope: str = ""
    tier: int = 0
    caller: Literal["bot", "app"] = "bot"

    def scopes(self, hub: Hub, args: Json) -> list[str]:
        """What this call needs: of private channels a scope of `groups:`, of direct conversations one of `im:`."""
        family, _, right = self.scope.partition(":")
        if family != "channels" or right not in _RIGHTS:
            return [self.scope] if self.scope else []
        needed = {"public_channel": self.scope} | {kind: f"{name}:{_RIGHTS[right]}" for kind, name in _FAMILIES.items()}
        return [needed[kind] for kind in _kinds(hub, args) if kind in needed] or [self.scope]


def _kinds(hub: Hub, args: Json) -> list[str]:
    """The kinds of conversation that a call is about; a private one without the bot is not there for it."""
    if flag(args, "is_private"):
        return ["private_channel"]
    place = hub.world.place(str(args.get("channel") or ""))
    if place is None:
        return str(args.get("types") or "").split(",")
    return [place.kind] if hub.world.bot in place.members else []


def require(args: Json, name: str, code: str = "invalid_arguments") -> Any:
    """The argument, or ApiError `code` when it is missing."""
    value = args.get(name)
    if value in (None, ""):
        messages = [f"[ERROR] missing required field: {name}"]
        raise ApiError(code, response_metadata={"messages": messages})
    return value


def whole(args: Json, name: str, otherwise: int) -> int:
    """A whole number, which form bodies carry as text."""
    try:
        return int(args.get(name) or otherwise)
    except (TypeError, ValueError):
        raise ApiError("invalid_arguments") from None


def flag(args: Json, name: str) -> bool:
    """A boolean as JSON or forms carry it."""
    return str(args.get(name)).lower() in ("1", "true")


def known_channel(hub: Hub, args: Json) -> Channel:
    """The channel argument; ApiError `channel_not_found` also for a private channel without the bot."""
    channel = hub.world.channel(require(args, "channel", "channel_not_found"))
    if channel.is_private and hub.world.bot not in channel.members:
        raise ApiError("channel_not_found")
    return channel


def own_channel(hub: Hub, args: Json) -> Channel:
    """The same, where the bot is a member; ApiError `not_in_channel` where it is not."""
    channel = known_channel(hub, args)
    if hub.world.bot not in channel.members:
        raise ApiError("not_in_channel")
    return channel


def ordinary_channel(hub: Hub, args: Json) -> Channel:
    """The same where it is no direct conversation; ApiError `method_not_supported_for_channel_type` where it is."""
    channel = own_channel(hub, args)
    if channel.is_im:
        raise ApiError("method_not_supported_for_channel_type")
    return channel


def thread(hub: Hub, channel: Channel, args: Json) -> str | None:
    """The thread_ts argument, a message of this channel; ApiError `thread_not_found` where it is none."""
    ts = args.get("thread_ts")
    if ts and ts not in hub.world.messages[channel.id]:
        raise ApiError("thread_not_found")
    return str(ts) if ts else None


def page(
    items: list[Json], args: Json, otherwise: int = 100, wrong: str = "invalid_arguments"
) -> tuple[list[Json], Json]:
    """One page of a listing and its `response_metadata`; the cursor is a position. ApiError `wrong` for no number."""
    if not str(args.get("limit") or 0).lstrip("-").isdecimal():
        raise ApiError(wrong)
    cursor, limit = (
        str(args.get("cursor") or "0"),
        min(max(limits.PAGE, otherwise), max(1, whole(args, "limit", otherwise))),
    )
    if not cursor.isdecimal() or int(cursor) > len(items):
        raise ApiError("invalid_cursor")
    start = int(cursor)
    more = start + limit < len(items)
    return items[start : start + limit], {"next_cursor": str(start + limit) if more else ""}
