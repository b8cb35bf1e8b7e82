"""Which user names are reserved, and which text a column can hold."""

from __future__ import annotations

from sqlalchemy import Select, select

from minitwit.models import SMOKE_USERS, User

SMOKE_PREFIX = "_smoke"
RESERVED = frozenset(
    {"public", "login", "logout", "register", "add_message", "api", "health", "metrics", "static", "release"}
    | {"smoke", "favicon.ico", "robots.txt"}
    | {"grafana"}  # where there is one, the edge sends /grafana/follow to it
)
# Beyond this a name no longer fits a Postgres index row (2,704 bytes) in the worst encoding.
LONGEST_NAME = 500


def is_reserved(username: str) -> bool:
    """Whether a page of this name could not be reached: its first segment is one of our routes, or a path."""
    return username in {".", ".."} or "/" in username or username in RESERVED


def is_smoke_user(username: str) -> bool:
    """Whether the name belongs to the smoke test, whose rows nobody else may see."""
    return username.startswith(SMOKE_PREFIX)


def smoke_users() -> Select[int]:
    """The ids of the smoke test's users, whose rows are in no public list."""
    return select(User.user_id).where(SMOKE_USERS)


def storable(text: object) -> str:
    """`text` if it is text that Postgres can hold (no NUL, no lone surrogate), else the empty string."""
    if not isinstance(text, str) or "\x00" in text:
        return ""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return ""
    return text
