"""The mark that proves a request comes from our own smoke test, and the removal of what that test wrote.

The mark is `<epoch>:<user>:<hmac>` in the header X-Smoke, keyed on the secret that only the application's
containers share. It grants three things to that one reserved user: registering, staying out of the request
metrics, and removing itself.
"""

from __future__ import annotations

import hashlib
import hmac
import time

from flask import Blueprint, Response, abort, current_app, g, request
from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from minitwit.database import session, together
from minitwit.models import Follower, Message, User
from minitwit.names import SMOKE_PREFIX, is_smoke_user

HEADER = "X-Smoke"
VALID_SECONDS = 300
# A smoke test that died before removing its user is cleaned up by the next one, once it is surely over.
LEFTOVER_SECONDS = 600

smoke = Blueprint("smoke", __name__)


def user_name(now: float, unique: str) -> str:
    """The reserved name of one smoke test; it carries its time so that leftovers can be told."""
    return f"{SMOKE_PREFIX}-{int(now)}-{unique}"


def mark(key: str, username: str, now: float) -> str:
    """The header's value for `username` at `now`."""
    return f"{int(now)}:{username}:{_signature(key, int(now), username)}"


def proven_user(key: str, header: str | None, now: float) -> str | None:
    """The reserved user that the header proves, or None for a missing, wrong or old mark."""
    sent, _, rest = (header or "").partition(":")
    username, _, signature = rest.rpartition(":")
    if not (sent.isascii() and sent.isdecimal() and len(sent) < 12 and is_smoke_user(username)):
        return None
    if abs(now - int(sent)) > VALID_SECONDS:
        return None
    right = _signature(key, int(sent), username)
    return username if hmac.compare_digest(right.encode(), signature.encode("utf-8", "replace")) else None


def _signature(key: str, sent: int, username: str) -> str:
    text = f"minitwit smoke:{sent}:{username}".encode("utf-8", "replace")
    return hmac.new(key.encode(), text, hashlib.sha256).hexdigest()


def recognise() -> None:
    """Note on this request which smoke user it comes from, if any."""
    key = str(current_app.secret_key)
    g.smoke_user = proven_user(key, request.headers.get(HEADER), time.time())


@smoke.post("/smoke/remove")
def remove() -> Response:
    """Remove the proven user and all it wrote, and old leftovers; 404 for everybody else."""
    if not g.smoke_user:
        abort(404)
    _remove_users(session(), {g.smoke_user, *_leftovers(session(), time.time())})
    return Response(status=204)


def _leftovers(db: Session, now: float) -> list[str]:
    names = db.scalars(select(User.username).where(User.username.startswith(SMOKE_PREFIX, autoescape=True)))
    return [name for name in names if _is_old(name, now)]


def _is_old(username: str, now: float) -> bool:
    parts = username.split("-")
    return len(parts) > 1 and parts[1].isdecimal() and now - int(parts[1]) > LEFTOVER_SECONDS


def _remove_users(db: Session, names: set[str]) -> None:
    together(db)
    ids = list(db.scalars(select(User.user_id).where(User.username.in_(names))))
    db.execute(delete(Message).where(Message.author_id.in_(ids)))
    db.execute(delete(Follower).where(or_(Follower.who_id.in_(ids), Follower.whom_id.in_(ids))))
    db.execute(delete(User).where(User.user_id.in_(ids)))
    db.commit()
