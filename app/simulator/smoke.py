"""The smoke test of a deploy: the path of a new user, as one reserved user that leaves no trace.

Every request carries the mark of `minitwit.smoke`: it is left out of the metrics, `latest` is never sent, the
user's rows are hidden from everybody else, and all of it is removed at the end, whatever happened before.
"""

from __future__ import annotations

import html
import secrets
import time
from collections.abc import Callable
from typing import Any

import requests
from minitwit import smoke as marks

LIMIT_SECONDS = 5.0


class CheckFailed(Exception):
    """One check did not see what it should; the message says what was expected and seen."""


class Visitor:
    """The reserved user's browser."""

    def __init__(self, url: str, key: str) -> None:
        now = time.time()
        self.name = marks.user_name(now, secrets.token_hex(4))
        self.password = secrets.token_hex(16)
        self.text = f"smoke test {secrets.token_hex(8)}"
        self.created = False
        self._url = url.rstrip("/")
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.headers[marks.HEADER] = marks.mark(key, self.name, now)

    def get(self, path: str, *, holds: str = "", status: int = 200) -> str:
        """The page, after checking its status and that it holds a text."""
        return self._check("GET", path, None, holds, status)

    def post(self, path: str, form: dict[str, str], *, holds: str = "", status: int = 200) -> str:
        """The page after the form's redirect, checked likewise."""
        return self._check("POST", path, form, holds, status)

    def _check(self, method: str, path: str, form: dict[str, str] | None, holds: str, status: int) -> str:
        try:
            answer = self._http.request(method, self._url + path, data=form, timeout=LIMIT_SECONDS)
        except requests.RequestException as error:
            raise CheckFailed(f"{method} {path} got no answer: {type(error).__name__}") from error
        if answer.status_code != status:
            raise CheckFailed(f"{method} {path} answered {answer.status_code}, expected {status}")
        if holds not in html.unescape(answer.text):
            raise CheckFailed(f"{method} {path} answered {status} without the text “{holds}”")
        return answer.text


def front_page(visitor: Visitor) -> None:
    """The public timeline is there."""
    visitor.get("/", holds="<h2>Public Timeline</h2>")


def deep_health(visitor: Visitor) -> None:
    """The database answers and its schema fits."""
    visitor.get("/health/deep")


def register(visitor: Visitor) -> None:
    """A new user can register."""
    form = {"username": visitor.name, "email": "smoke@example.com"}
    passwords = {"password": visitor.password, "password2": visitor.password}
    visitor.created = True  # even if the answer is lost, the user may be there
    visitor.post("/register", form | passwords, holds="You were successfully registered and can login now")


def log_in(visitor: Visitor) -> None:
    """And log in."""
    form = {"username": visitor.name, "password": visitor.password}
    visitor.post("/login", form, holds="You were logged in")


def post_message(visitor: Visitor) -> None:
    """And write."""
    visitor.post("/add_message", {"text": visitor.text}, holds="Your message was recorded")


def read_back(visitor: Visitor) -> None:
    """And see the message in both of the user's own timelines."""
    visitor.get("/", holds=visitor.text)
    visitor.get(f"/{visitor.name}", holds=visitor.text)


def hidden(visitor: Visitor) -> None:
    """Which nobody else sees."""
    if visitor.text in visitor.get("/public"):
        raise CheckFailed("the smoke test's message is visible on the public timeline")


def simulator_api(visitor: Visitor) -> None:
    """The simulator's API answers."""
    visitor.get("/api/latest", holds="latest")


def remove(visitor: Visitor) -> None:
    """Nothing is left."""
    if visitor.created:
        visitor.post("/smoke/remove", {}, status=204)
        visitor.get(f"/{visitor.name}", status=404)


CHECKS: tuple[tuple[str, Callable[[Visitor], None]], ...] = (
    ("front page", front_page),
    ("deep health", deep_health),
    ("simulator API", simulator_api),
    ("register", register),
    ("log in", log_in),
    ("post a message", post_message),
    ("read it back", read_back),
    ("hidden from others", hidden),
)


def run(url: str, key: str) -> dict[str, Any]:
    """All checks in order until one fails, then the removal. `{ok, checks: [...], failed?, message?}`."""
    visitor, started = Visitor(url, key), time.monotonic()
    results: list[dict[str, Any]] = []
    for name, check in CHECKS:
        results.append(_try(name, check, visitor))
        if not results[-1]["ok"]:
            break
    results.append(_try("remove every trace", remove, visitor))
    failed = [result for result in results if not result["ok"]]
    verdict: dict[str, Any] = {"ok": not failed, "seconds": round(time.monotonic() - started, 3)}
    if failed:
        verdict |= {"failed": failed[0]["check"], "message": failed[0]["message"]}
    return verdict | {"checks": results}


def _try(name: str, check: Callable[[Visitor], None], visitor: Visitor) -> dict[str, Any]:
    started = time.monotonic()
    try:
        check(visitor)
    except CheckFailed as error:
        return {"check": name, "ok": False, "message": f"{name} failed: {error}"}
    return {"check": name, "ok": True, "seconds": round(time.monotonic() - started, 3)}
