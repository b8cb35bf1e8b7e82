"""The simulator's API under /api: JSON in, JSON out, and JSON for every error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request

from minitwit import access, accounts, latest, timelines
from minitwit.accounts import Registration
from minitwit.database import session
from minitwit.models import User
from minitwit.names import storable

DEFAULT_LIMIT = 100
LARGEST_LIMIT = 10_000
DOCUMENT = Path(__file__).with_name("openapi.json")
OPEN = frozenset({"api.get_latest", "api.document"})

api = Blueprint("api", __name__, url_prefix="/api")


class Refused(Exception):
    """A call that ends with a status and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


def error_answer(status: int, sentence: str) -> Response:
    """The body that simulators know."""
    answer = jsonify(status=status, error_msg=sentence)
    answer.status_code = status
    return answer


@api.errorhandler(Refused)
def refused(error: Refused) -> Response:
    """Any refusal of this module."""
    return error_answer(error.status, error.sentence)


@api.before_request
def admit() -> None:
    """Check the credentials, then the address; only then store `latest`, even if the call fails later."""
    if request.endpoint in OPEN:
        return
    known = access.authorised()
    if not known and request.endpoint != "api.register":
        access.refuse("credentials")
        raise Refused(403, access.NOT_AUTHORIZED)
    if not access.address_accepted(current_app.extensions["settings"].accepted, request.remote_addr):
        access.refuse("address")
        raise Refused(403, access.NOT_AUTHORIZED)
    number = latest.parse(request.args.get("latest"))
    if known and number is not None:
        latest.store(session(), number)


@api.get("/openapi.json")
def document() -> Response:
    """This API, described for programs."""
    return Response(DOCUMENT.read_bytes(), mimetype="application/json")


@api.get("/latest")
def get_latest() -> dict[str, int]:
    """The last `latest` received."""
    return {"latest": latest.read(session())}


@api.post("/register")
def register() -> Response:
    """Create an account."""
    body = _body()
    password = storable(body.get("pwd"))
    wanted = Registration(
        username=storable(body.get("username")),
        email=storable(body.get("email")),
        password=password,
        password2=password,
    )
    problem = accounts.register(session(), wanted, current_app.extensions["settings"].password_method)
    if problem:
        raise Refused(400, problem)
    return _nothing()


@api.get("/msgs")
def messages() -> Response:
    """Everybody's newest messages."""
    return _as_json(timelines.public(session(), _limit()))


@api.get("/msgs/<username>")
def messages_of_user(username: str) -> Response:
    """One user's newest messages."""
    return _as_json(timelines.of_user(session(), _user(username), _limit()))


@api.post("/msgs/<username>")
def add_message(username: str) -> Response:
    """Publish a message as that user."""
    author = _user(username)
    text = storable(_body().get("content"))
    if not text:
        raise Refused(400, "The key 'content' is missing or empty")
    timelines.write(session(), author, text)
    return _nothing()


@api.get("/fllws/<username>")
def follows(username: str) -> Response:
    """Whom that user follows."""
    return jsonify(follows=accounts.followed_names(session(), _user(username), _limit()))


@api.post("/fllws/<username>")
def change_follow(username: str) -> Response:
    """Follow or unfollow somebody as that user."""
    who, body = _user(username), _body()
    if "follow" in body:
        accounts.follow(session(), who, _user(storable(body["follow"])))
    elif "unfollow" in body:
        accounts.unfollow(session(), who, _user(storable(body["unfollow"])))
    else:
        raise Refused(400, "One of the keys 'follow' and 'unfollow' is needed")
    return _nothing()


def _body() -> dict[str, Any]:
    """The JSON object sent, whatever its content type; anything else counts as an empty one."""
    try:
        body = json.loads(request.get_data())
    except (ValueError, RecursionError):  # RecursionError: ten thousand opening brackets
        return {}
    return body if isinstance(body, dict) else {}


def _limit() -> int:
    try:
        wanted = int(request.args.get("no", DEFAULT_LIMIT))
    except ValueError:
        return DEFAULT_LIMIT
    return min(max(wanted, 0), LARGEST_LIMIT)


def _user(username: str) -> User:
    user = accounts.find_user(session(), username)
    if user is None:
        raise Refused(404, "User not found")
    return user


def _as_json(posts: list[timelines.Post]) -> Response:
    return jsonify([{"content": p.text, "pub_date": p.pub_date, "user": p.username} for p in posts])


def _nothing() -> Response:
    return Response(status=204)
