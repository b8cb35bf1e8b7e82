"""What the containers of a Swarm service wrote, all of them together, oldest first; bounded in lines, bytes and time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from opsbot.errors import NotFound
from opsbot.runtime.swarm import Swarm

MOST_LINES = 2_000  # of each container, the newest
MOST_BYTES = 4_000_000
SECONDS = 4.0
Said = tuple[datetime | None, str]


@dataclass(frozen=True)
class Written:
    """`cut`: there was more than may be read at once, so lines are missing."""

    lines: tuple[Said, ...]
    cut: bool = False


def written(swarm: Swarm, service: str, since: datetime) -> Written:
    """The lines since that moment, in the order of their times. NotFound if there is no such service."""
    found = swarm.service(service)
    if found is None:
        raise NotFound(f"{service} does not run.", "`status` says what does.", code="not_running")
    tty = bool(found["Spec"]["TaskTemplate"]["ContainerSpec"].get("TTY", False))
    body, cut = _bounded(swarm, service, since, tty)
    said = [_said(line) for line in body.decode(errors="replace").splitlines()]
    fresh = [one for one in said if one[0] is None or one[0] >= since]
    return Written(tuple(sorted(fresh, key=lambda one: one[0] or since)), cut or len(said) >= MOST_LINES)


def _bounded(swarm: Swarm, service: str, since: datetime, tty: bool) -> tuple[bytes, bool]:
    pieces: list[bytes] = []
    size, until = 0, time.monotonic() + SECONDS
    for piece in _pieces(swarm, service, since, tty):
        pieces.append(piece)
        size += len(piece)
        if size > MOST_BYTES or time.monotonic() > until:
            return b"".join(pieces)[:MOST_BYTES], True
    return b"".join(pieces), False


def _pieces(swarm: Swarm, service: str, since: datetime, tty: bool) -> Iterator[bytes]:
    asked = {
        "stdout": True, "stderr": True, "timestamps": True, "since": int(since.timestamp()), "tail": MOST_LINES,
    }  # fmt: skip
    with swarm.speaking():
        api: Any = swarm.api
        # docker-py's own service_logs never closes an answer that is not read to its end
        with closing(api._get(api._url("/services/{0}/logs", service), params=asked, stream=True)) as answer:
            api._raise_for_status(answer)
            yield from api._get_result_tty(True, answer, tty)


def _said(line: str) -> Said:
    """`2026-03-31T14:05:00.123456789Z text`: the engine writes nanoseconds."""
    stamp, _, text = line.partition(" ")
    try:
        return datetime.fromisoformat(f"{stamp[:26].rstrip('Z')}+00:00"), text
    except ValueError:
        return None, line
