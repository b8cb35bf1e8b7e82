"""MiniTwit's endpoints as closed-loop clients call them: each asks again as soon as it was answered, about ever new people."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

from opsbot.demo.traffic import SIMULATOR
from tests.bench.load import TIMEOUT, Load
from tests.bench.world import NotMeasured

JSON = {"Authorization": SIMULATOR, "Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class Call:
    """One endpoint: `{user}` stands for somebody in the path and in the body. `reader`: sent by somebody logged in."""

    name: str
    method: str
    path: str
    status: int = 200
    body: str | None = None
    reader: bool = False


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

    def ask(self, call: Call, clients: int, seconds: float) -> Load:
        """So many clients for so long; NotMeasured if anything but the expected status came back."""
        load, ends = Load(), time.monotonic() + seconds
        threads = [threading.Thread(target=self._client, args=(call, n, ends, load)) for n in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        load.lasted = seconds
        if load.failures or not load.seconds:
            raise NotMeasured(f"{call.name}: {len(load.failures)} requests failed, the first with {load.failures[:1]}")
        return load

    def _client(self, call: Call, number: int, ends: float, load: Load) -> None:
        rng = random.Random(number)
        headers = JSON if call.path.startswith("/api/") else FORM
        if call.reader:
            headers = headers | {"Cookie": self.cookies[number % len(self.cookies)]}
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=TIMEOUT)
        while (started := time.monotonic()) < ends and not load.failures:
            status = one(connection, call, rng.choice(self.people), rng.choice(self.people), headers)
            if status != call.status:
                load.failures.append(f"status {status}")
            load.seconds.append(time.monotonic() - started)
        connection.close()


def one(
    connection: http.client.HTTPConnection, call: Call, about: str, whom: str, headers: Mapping[str, str]
) -> int | str:
    """Send one request and read its answer: the status, or what went wrong."""
    body = call.body.replace("{user}", whom).encode() if call.body else None
    try:
        connection.request(call.method, call.path.replace("{user}", quote(about, safe="")), body, dict(headers))
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    return answer.status


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
    together, seconds = threading.Barrier(crowd), list[float]()

    def person(number: int) -> None:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT)
        for turn in range(rounds):
            body = {
                "username": f"crowd {time.time_ns()} {number} {turn}",
                "email": "crowd@example.org",
                "pwd": "a password",
            }
            together.wait(TIMEOUT * 2)
            started = time.monotonic()
            call = Call("register", "POST", "/api/register", 204, json.dumps(body))
            if one(connection, call, "", "", JSON) == call.status:
                seconds.append(time.monotonic() - started)
        connection.close()

    threads = [threading.Thread(target=person, args=(n,)) for n in range(crowd)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(seconds) != crowd * rounds:
        raise NotMeasured(f"{crowd * rounds - len(seconds)} of {crowd * rounds} registrations failed")
    return seconds
