"""HTTP to what is beside us: no proxy of the environment leads there, and an answer is bounded in time and in size."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError

MOST = 1 << 20  # bytes of a body; who looks at our parts reads a status, a number or a sentence
_PIECE = 1 << 14


@dataclass(frozen=True)
class Answer:
    """An answer, its names as `requests` has them. `content` holds at most MOST bytes."""

    status_code: int
    content: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.content.decode(errors="replace")

    def json(self) -> dict[str, Any] | None:
        """The body if it is a JSON object, else None."""
        try:
            found = json.loads(self.content)
        except ValueError:
            return None
        return found if isinstance(found, dict) else None


def get(url: str, timeout: float, *, follow: bool = False) -> Answer:
    """GET, with at most `timeout` seconds for all of it; `follow`: go where a redirect leads.

    Raises requests.Timeout if that is not enough, another requests.RequestException if nobody answers.
    """
    ends = time.monotonic() + timeout
    with requests.Session() as session:
        session.trust_env = False
        # An idle connection may be gone, and a packed body be larger than it looks.
        session.headers.update({"Connection": "close", "Accept-Encoding": "identity"})
        with session.get(url, timeout=timeout, allow_redirects=follow, stream=True) as answer:
            return Answer(answer.status_code, _body(answer, ends))


def _body(answer: requests.Response, ends: float) -> bytes:
    body = bytearray()
    try:
        # read1 gives what has come; requests' own way waits for whole pieces, each as long as the first
        while len(body) < MOST and (piece := answer.raw.read1(_PIECE)):
            body += piece
            if time.monotonic() > ends:
                raise requests.Timeout("the answer does not end")
    except ReadTimeoutError as error:
        raise requests.Timeout(str(error)) from error
    except HTTPError as error:
        raise requests.ConnectionError(str(error)) from error
    return bytes(body[:MOST])
