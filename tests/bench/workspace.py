"""How many envelopes a second the local workspace carries, and how long one takes: it must not be what is measured."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from slack_sdk import WebClient
from websockets.sync.client import connect

from tests.bench.rows import Row, percentile

PEOPLE, EACH = 8, 250
ALONE = 200
SPEAKER = "U01ALICE"


def measure(area: str) -> Sequence[Row]:
    """Envelopes a second with several people at once, and the delay of one message at a time."""
    with _ready() as ready, _acknowledged(ready) as arrived:
        seconds = _crowd(ready, arrived)
        delays = _alone(ready, arrived)
    crowd = (
        f"{PEOPLE} connections each say {EACH} things in one channel; from the first word to the last acknowledged"
        " envelope. Page, API and sockets are one program; the measuring client takes its share of the same processors."
    )
    alone = f"{ALONE} messages, one after the other, from the person's request to the envelope at the bot's socket."
    return [
        Row(area, "envelopes of the workspace", PEOPLE * EACH / seconds, "/s", crowd, 300, "higher"),
        Row(area, "words to envelope p50", percentile(delays, 0.5) * 1000, "ms", alone),
        Row(area, "words to envelope p99", percentile(delays, 0.99) * 1000, "ms", alone),
    ]


class Arrived:
    """Texts that came out of the bot's socket, each with its moment."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}
        self._changed = threading.Condition()

    def note(self, text: str) -> None:
        """One envelope more."""
        with self._changed:
            self.at[text] = time.perf_counter()
            self._changed.notify_all()

    def wait(self, count: int) -> None:
        """Until so many have come; TimeoutError after a minute."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.at) >= count, 60):
                raise TimeoutError(f"{len(self.at)} of {count} envelopes in 60 s")


@contextmanager
def _ready() -> Iterator[dict[str, str]]:
    argv = [sys.executable, "-m", "opsbot.workspace", "--no-rate-limits"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        try:
            yield json.loads(program.stdout.readline())
        finally:
            program.terminate()


@contextmanager
def _acknowledged(ready: dict[str, str]) -> Iterator[Arrived]:
    arrived = Arrived()
    web = WebClient(base_url=ready["api"])
    url = str(web.apps_connections_open(app_token=ready["app_token"])["url"])
    with connect(url, proxy=None) as socket:
        socket.recv()

        def take() -> None:
            for frame in socket:
                envelope: dict[str, Any] = json.loads(frame)
                socket.send(json.dumps({"envelope_id": envelope["envelope_id"]}))
                arrived.note(envelope["payload"]["event"]["text"])

        taking = threading.Thread(target=take)
        taking.start()
        yield arrived
        socket.close()
        taking.join()


def _crowd(ready: dict[str, str], arrived: Arrived) -> float:
    def speak(person: int) -> None:
        with _speaker(ready) as say:
            for number in range(EACH):
                say(f"{person} {number}")

    started = time.perf_counter()
    with ThreadPoolExecutor(PEOPLE) as people:
        list(people.map(speak, range(PEOPLE)))
    arrived.wait(PEOPLE * EACH)
    return max(arrived.at.values()) - started


def _alone(ready: dict[str, str], arrived: Arrived) -> list[float]:
    delays = []
    with _speaker(ready) as say:
        for number in range(ALONE):
            before = len(arrived.at)
            started = time.perf_counter()
            say(f"alone {number}")
            arrived.wait(before + 1)
            delays.append(arrived.at[f"alone {number}"] - started)
    return delays


@contextmanager
def _speaker(ready: dict[str, str]) -> Iterator[Any]:
    connection = http.client.HTTPConnection(ready["url"].removeprefix("http://"), timeout=30)

    def say(text: str) -> None:
        body = json.dumps({"user": SPEAKER, "channel": "C01OPS", "text": text})
        connection.request("POST", "/control/say", body, {"content-type": "application/json"})
        connection.getresponse().read()

    try:
        yield say
    finally:
        connection.close()
