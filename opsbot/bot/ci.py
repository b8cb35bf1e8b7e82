"""CI's door: who holds the token may ask for a few changes, as the actor CI, and look how they end."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from opsbot.commands.doorstep import Doorstep
from opsbot.commands.reply import HEARD_BEFORE, Reply
from opsbot.commands.request import Actor, Request
from opsbot.config.settings import Ci
from opsbot.errors import OpsError
from opsbot.log import json_of, redactor
from opsbot.runs.plan import NOTHING
from opsbot.web import CI as PATH
from opsbot.web import FROM

DOOR = PATH.strip("/")
CI = Actor("ci", "ci:ci", "CI")
SHOWN = 40  # characters of a word that CI may not say
LONGEST = 300  # characters of a command
REFUSED, NOT_UNDERSTOOD = 3, 2  # exit codes of replies

_AS_KEPT = asdict(CI)

Answer = tuple[int, Mapping[str, str], bytes]


class Door:
    """Answers `POST /ci` and `GET /ci/RUN`. Without a token nobody gets in.

    `handle` is the front; `look(run)` answers its status and a sentence. The same command for the same `source` (the
    address of one attempt of CI's own run) is carried out once, however often it is sent; another attempt asks anew.
    What is so already needs no run: 200, as CI has what it wants. Whom the door itself turns away, `doorstep` hears of.
    """

    def __init__(
        self,
        token: str,
        settings: Ci,
        handle: Callable[[Request], Reply],
        look: Callable[[str], tuple[str, str]],
        doorstep: Doorstep,
    ) -> None:
        self._token, self._settings, self._handle, self._look = token, settings, handle, look
        self._doorstep = doorstep

    def __call__(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Status, headers, body."""
        given = headers.get("authorization", "").encode("utf-8", "replace")
        same = hmac.compare_digest(given, f"Bearer {self._token}".encode())  # in any case: the time tells nothing
        source = headers.get(FROM, "")
        if not self._token or not same:
            why = "The token is not right."
            self._doorstep.refused(DOOR, "token", why, source)
            return _json(401, {"code": "token", "text": why}, {"WWW-Authenticate": "Bearer"})
        if method == "GET" and path.startswith(f"{PATH}/"):
            return self._tell(path.removeprefix(f"{PATH}/"))
        if method == "POST" and path == PATH:
            return self._ask(body, source)
        return _json(
            405, {"code": "method", "text": f"POST {PATH} asks, GET {PATH}/RUN looks."}, {"Allow": "GET, POST"}
        )

    def _tell(self, run: str) -> Answer:
        try:
            status, text = self._look(run)
        except OpsError as error:
            return _json(503 if error.again else 404, {"code": error.code, "text": error.sentence()})
        return _json(200, {"status": status, "text": text})

    def _ask(self, body: bytes, source: str) -> Answer:
        try:
            command, attempt = _asked(body)
        except ValueError as error:
            self._doorstep.refused(DOOR, "shape", str(error), source, _AS_KEPT)
            return _json(400, {"code": "shape", "text": str(error)})
        said = next(iter(command.split()), "")
        if said.lower() not in self._settings.may:
            why = f"CI may say {', '.join(self._settings.may) or 'nothing'}."
            told = redactor.clean(said)[:SHOWN]
            self._doorstep.refused(DOOR, "not_allowed", f"{why} It said “{told}”.", source, _AS_KEPT)
            return _json(403, {"code": "not_allowed", "text": why})
        key = f"ci:{hashlib.sha256(f'{attempt} {command}'.encode()).hexdigest()}" if attempt else None
        return _answer(self._handle(Request(CI, "web", text=command, key=key)))


def _answer(reply: Reply) -> Answer:
    """A reply as CI is told it. `reply.run`: that was begun now, or when the same was asked before."""
    text, code = reply.text, reply.code
    if reply.run:
        return _json(202, {"run": reply.run, "text": text})
    if code == HEARD_BEFORE:  # the first of them is still being planned, or its refusal was lost on the way
        return _json(503, {"code": code, "text": f"This was asked before, and there is no run of it. {text}"})
    if reply.ok or code == NOTHING:
        return _json(200, {"code": code, "text": text})
    status = {REFUSED: 403, NOT_UNDERSTOOD: 400}.get(reply.exit_code, 503 if _again(reply) else 422)
    return _json(status, {"code": code, "text": text})


def _again(reply: Reply) -> bool:
    """Whether trying again can help."""
    return isinstance(reply.json, Mapping) and bool(reply.json.get("again"))


def _asked(body: bytes) -> tuple[str, str]:
    try:
        asked: Any = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ValueError("That is not JSON.") from error
    command = asked.get("command") if isinstance(asked, dict) else None
    source = asked.get("source", "") if isinstance(asked, dict) else ""
    if not isinstance(command, str) or not isinstance(source, str) or len(command) > LONGEST:
        raise ValueError('Send {"command": "deploy v2 to staging", "source": "the address of your run and attempt"}.')
    if any("\ud800" <= letter <= "\udfff" for letter in command + source):
        raise ValueError("That is no text: a half of a letter stands in it.")
    return command, source


def _json(status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Answer:
    return status, {"Content-Type": "application/json", **(headers or {})}, json_of(body).encode(errors="replace")
