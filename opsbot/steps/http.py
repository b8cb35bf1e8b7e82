"""The step `http`: one request to a URL, or through an environment's edge, and what must come back."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, ClassVar, Literal

import requests
from pydantic import BaseModel, ConfigDict, Field, model_validator

from opsbot.config.values import Duration
from opsbot.errors import StepFailed
from opsbot.runs import step
from opsbot.runs.step import Context, Facts, Json, Outputs, Park, Recheck

BODY_KEPT = 2_000  # characters of the answer that later steps may look at
TRY_EVERY = 1.0  # seconds between tries with `within`
SAFE = ("GET", "HEAD")

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
            answer, wrong = self._ask(args)
            if not wrong:
                seconds = round(time.monotonic() - started, 3)
                return {"status": answer[0], "body": answer[1], "seconds": seconds}
            if time.monotonic() >= deadline:
                raise StepFailed(wrong, "Look at what answers there.", again=True)
            ctx.progress(0, 1, wrong)
            ctx.sleep(TRY_EVERY)

    def undo(self, ctx: Context, args: With, outputs: Outputs | None) -> None:
        if args.undo is None:
            return
        _, wrong = self._ask(args.undo)
        if wrong:
            raise StepFailed(f"Undoing it did not work: {wrong}", "Reverse it by hand.", again=True)

    def recheck(self, ctx: Context, args: With) -> tuple[Recheck, Outputs | None]:
        return ("not_done" if args.method in SAFE else "unknown"), None

    def _ask(self, call: Call) -> tuple[tuple[int, str], str]:
        """The answer (status, first characters), and what is wrong with it or nothing."""
        url = call.url or self._edge_url(call.environment or "").rstrip("/") + "/" + (call.path or "").lstrip("/")
        try:
            answer = requests.request(
                call.method, url, headers=call.headers, json=call.json_body, timeout=(3.05, 10), stream=True
            )
            with answer:
                text = answer.raw.read(BODY_KEPT * 4, decode_content=True).decode("utf-8", "replace")
        except (requests.RequestException, OSError) as error:
            return (0, ""), f"{url} does not answer ({type(error).__name__})."
        if answer.status_code != call.status:
            return (answer.status_code, text), f"{url} answers {answer.status_code}, not {call.status}."
        if call.contains is not None and call.contains not in text:
            return (answer.status_code, text), f"{url} answers without “{call.contains}”."
        return (answer.status_code, text[:BODY_KEPT]), ""
