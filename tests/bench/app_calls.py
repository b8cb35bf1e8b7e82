"""MiniTwit's endpoints as closed-loop clients call them: each asks again as soon as it was answered, about ever new people."""

from __future__ import annotations

import http.client
import itertools
import json
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

from opsbot.demo.traffic import SIMULATOR
from tests.bench.app_clients import Address, Talk, converse
from tests.bench.load import TIMEOUT
from tests.bench.world import NotMeasured

JSON = {"Authorization": SIMULATOR, "Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
# Of all clients together, made before the first is sent; whoever has sent all of theirs begins again.
PREPARED = 4_096


@dataclass(frozen=True)
class Call:
    """One endpoint: `{user}` stands for somebody in the path and in the body. `reader`: sent by somebody logged in."""

    name: str
    method: str
    path: str
    status: int = 200
    body: str | None = None
    reader: bool = False


EDGE = Call("the edge alone", "GET", "/edge/health")
FLOOR = Call("SELECT 1", "GET", "/health/database")
CALLS = (
    Call("GET /public", "GET", "/public"),
    Call("GET /", "GET", "/", reader=True),
    Call("GET /<user>", "GET", "/{user}"),
    Call("GET /<user>/follow", "GET", "/{user}/follow", 302, reader=True),
    Call("GET /<user>/unfollow", "GET", "/{user}/unfollow", 302, reader=True),
    Call("POST /add_message", "POST", "/add_message", 302, urlencode({"text": "measured ☕"}), reader=True),
    Call("GET /logout", "GET", "/logout", 302),
    Call("GET /api/latest", "GET", "/api/latest"),
    Call("GET /api/msgs", "GET", "/api/msgs?no=100&latest=7"),
    Call("GET /api/msgs/<user>", "GET", "/api/msgs/{user}?no=100&latest=7"),
    Call("POST /api/msgs/<user>", "POST", "/api/msgs/{user}?latest=7", 204, json.dumps({"content": "measured ☕"})),
    Call("GET /api/fllws/<user>", "GET", "/api/fllws/{user}?no=100&latest=7"),
    Call("POST /api/fllws/<user> follow", "POST", "/api/fllws/{user}?latest=7", 204, json.dumps({"follow": "{user}"})),
    Call("POST /api/fllws/<user> unfollow", "POST", "/api/fllws/{user}?latest=7", 204, json.dumps({"unfollow": "{user}"})),
)  # fmt: skip


@dataclass(frozen=True)
class Site:
    """Where the application answers, names of people there, and the cookies of readers who are logged in."""

    url: str
    people: Sequence[str]
    cookies: Sequence[str]

    def ask(self, call: Call, clients: int, seconds: float) -> Talk:
        """So many clients for so long; NotMeasured if anything but the expected status came back."""
        scripts = [itertools.cycle(self._script(call, n, PREPARED // clients)) for n in range(clients)]
        load = converse(place_of(self.url), scripts, seconds, call.status)
        if load.failures or not load.seconds:
            raise NotMeasured(f"{call.name}: {len(load.failures)} requests failed, the first with {load.failures[:1]}")
        return load

    def _script(self, call: Call, number: int, length: int) -> list[bytes]:
        rng = random.Random(number)
        headers = JSON if call.path.startswith("/api/") else FORM
        if call.reader:
            headers = headers | {"Cookie": self.cookies[number % len(self.cookies)]}
        return [request(call, headers, rng.choice(self.people), rng.choice(self.people)) for _ in range(length)]


def request(call: Call, headers: Mapping[str, str], about: str = "", whom: str = "") -> bytes:
    """A call as it is sent."""
    body = call.body.replace("{user}", whom).encode() if call.body else b""
    path = call.path.replace("{user}", quote(about, safe=""))
    lines = [f"{call.method} {path} HTTP/1.1", "Host: minitwit", *(f"{name}: {headers[name]}" for name in headers)]
    if call.method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def place_of(url: str) -> Address:
    """Where to connect for an http address."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 80


def log_in(url: str, name: str) -> str:
    """Register somebody and log them in; the cookie of their session."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT)
    form = {"username": name, "email": "reader@example.org", "password": "x", "password2": "x"}
    for path, fields in (("/register", form), ("/login", {"username": name, "password": "x"})):
        connection.request("POST", path, urlencode(fields), FORM)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 302:
            raise NotMeasured(f"{path} answered {answer.status}")
    connection.close()
    return str(answer.headers["Set-Cookie"]).partition(";")[0]


def register_together(url: str, crowd: int, rounds: int) -> list[float]:
    """So many people register at the same moment, several times; the seconds of each, of all rounds."""
    seconds = list[float]()
    for turn in range(rounds):
        load = converse(place_of(url), [_registration(f"{turn} {number}") for number in range(crowd)], TIMEOUT, 204)
        if len(load.seconds) != crowd:
            raise NotMeasured(f"{crowd - len(load.seconds)} of {crowd} registrations failed: {load.failures[:1]}")
        seconds += load.seconds
    return seconds


def _registration(unique: str) -> Iterator[bytes]:
    name = f"crowd {time.time_ns()} {unique}"
    body = json.dumps({"username": name, "email": "crowd@example.org", "pwd": "a password"})
    yield request(Call("register", "POST", "/api/register", 204, body), JSON)
