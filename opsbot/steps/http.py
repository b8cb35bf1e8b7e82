"""The step `http`: one request to a URL, or through an environment's edge, and what must come back.

A request that changes something is sent once: when its answer is lost nobody knows whether it took effect.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, ClassVar, Literal

import requests
from pydantic import BaseModel, ConfigDict, Field, model_validator
from urllib3.exceptions import HTTPError, NewConnectionError

from opsbot.config.values import Duration
from opsbot.errors import StepFailed
from opsbot.runs import step
from opsbot.runs.step import Context, Facts, Json, Outputs, Park, Recheck

BODY_KEPT = 2_000  # characters of the answer that later steps may look at
BODY_SECONDS = 30.0  # within which the part of an answer that is looked at must have come
TRY_EVERY = 1.0  # seconds between tries with `within`
SAFE = ("GET", "HEAD")
LOOK = "Look at what answers there."

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


class Call(BaseModel):
    """A request. `path` goes through the edge of `environment`; `url` goes anywhere."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: Method = "GET"
    url: str | None = None
    environment: str | None = None
    path: str | None = None
    headers: dict[str, str] = {}
    json_body: Any = Field(default=None, alias="json")
    status: int = 200
    contains: str | None = None

    @model_validator(mode="after")
    def _one_address(self) -> Call:
        if (self.url is None) == (self.path is None):
            raise ValueError("give either url, or path with environment")
        if self.path is not None and self.environment is None:
            raise ValueError("path needs environment")
        if self.url is not None and not self.url.startswith(("http://", "https://", "{{")):
            raise ValueError("url begins with http:// or https://")
        return self


class Http:
    """`http: {url | environment + path, method, status, contains, within, undo}`. GET and HEAD change nothing."""

    class With(step.With, Call):
        within: Duration = timedelta(0)
        undo: Call | None = None

        @model_validator(mode="after")
        def _sent_once(self) -> Http.With:
            if self.within and self.method not in SAFE:
                raise ValueError(f"within sends again until the answer is right, so {self.method} cannot have it")
            return self

    outputs: ClassVar[tuple[str, ...]] = ("status", "body", "seconds")
    mutates: ClassVar[bool] = True

    def __init__(self, edge_url: Callable[[str], str]) -> None:
        self._edge_url = edge_url

    def changes(self, given: Mapping[str, Json]) -> bool:
        return given.get("method", "GET") not in SAFE

    def reversible(self, given: Mapping[str, Json]) -> bool:
        return not self.changes(given) or given.get("undo") is not None

    def facts(self, ctx: Context, args: With) -> Facts:
        return Facts()

    def run(self, ctx: Context, args: With) -> Outputs | Park:
        deadline = time.monotonic() + args.within.total_seconds()
        while True:
            started = time.monotonic()
            try:
                status, body = self._ask(args)
                return {"status": status, "body": body, "seconds": round(time.monotonic() - started, 3)}
            except StepFailed as failed:
                if time.monotonic() >= deadline:
                    raise
                ctx.progress(0, 1, failed.what)
            ctx.sleep(TRY_EVERY)

    def undo(self, ctx: Context, args: With, outputs: Outputs | None) -> None:
        if args.undo is None:
            return
        try:
            self._ask(args.undo)
        except StepFailed as failed:
            what = f"Undoing it did not work: {failed.what}"
            raise StepFailed(what, "Reverse it by hand.", code=failed.code, again=failed.again) from failed

    def recheck(self, ctx: Context, args: With) -> tuple[Recheck, Outputs | None]:
        return ("not_done" if args.method in SAFE else "unknown"), None

    def _ask(self, call: Call) -> tuple[int, str]:
        """Status and first characters of the right answer; StepFailed for any other, `unknown` when it was lost."""
        url = call.url or self._edge_url(call.environment or "").rstrip("/") + "/" + (call.path or "").lstrip("/")
        safe = call.method in SAFE
        try:
            status, text = _send(call, url)
        except (requests.RequestException, OSError) as error:
            if safe or _never_sent(error):
                raise StepFailed(f"{url} does not answer ({type(error).__name__}).", LOOK, again=True) from error
            what = f"{url} took the {call.method} and its answer was lost ({type(error).__name__})."
            raise StepFailed(what, "Look whether it took effect; it was not sent again.", code="unknown") from error
        if status != call.status:
            raise StepFailed(f"{url} answers {status}, not {call.status}.", LOOK, again=safe)
        if call.contains is not None and call.contains not in text:
            raise StepFailed(f"{url} answers without “{call.contains}”.", LOOK, again=safe)
        return status, text[:BODY_KEPT]


def _send(call: Call, url: str) -> tuple[int, str]:
    """One request. Through the edge never by a proxy; redirects are followed only where nothing can happen twice."""
    follow = call.method in SAFE and not 300 <= call.status < 400
    with requests.Session() as session:
        session.trust_env = call.path is None
        answer = session.request(
            call.method, url, headers=call.headers, json=call.json_body, timeout=(3.05, 10), stream=True,
            allow_redirects=follow,
        )  # fmt: skip
        with answer:
            return answer.status_code, _beginning(answer).decode("utf-8", "replace")


def _beginning(answer: requests.Response) -> bytes:
    """What will be looked at, as far as it comes; requests.Timeout if it trickles."""
    ends, body = time.monotonic() + BODY_SECONDS, b""
    try:
        while len(body) < BODY_KEPT * 4 and (piece := answer.raw.read1(BODY_KEPT, decode_content=True)):
            body += piece
            if time.monotonic() > ends:
                raise requests.Timeout("the answer does not end")
    except HTTPError as error:
        raise requests.ConnectionError(str(error)) from error
    return body


def _never_sent(error: Exception) -> bool:
    """Whether the connection was not even made."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, NewConnectionError)
