"""Around every request: its id, its time, its line in the log, its count in the metrics."""

from __future__ import annotations

import logging
import re
import time
import uuid

from flask import Flask, Response, g, request

from minitwit import metrics
from minitwit.settings import Settings

# The public simulators give a request 0.3 s; a slower one was lost to them.
SLOW_SECONDS = 0.3
QUIET_ROUTES = frozenset({"/health", "/health/deep", "/health/database", "/health/address", "/release", "/metrics"})
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"})

log = logging.getLogger("minitwit.request")


def watch_requests(app: Flask, settings: Settings) -> None:
    """Register what runs before and after each request. Call before anything else registers such things."""
    answered_by = settings.release_id or settings.release_tag

    def finish(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.request_id
        response.headers["X-Release"] = answered_by
        _record(response, time.perf_counter() - g.started)
        return response

    app.before_request(_begin)
    app.after_request(finish)
    app.teardown_request(_end)


def route() -> str:
    """The matched route's pattern, so that names of users never become metric labels."""
    return request.url_rule.rule if request.url_rule else "unmatched"


def _begin() -> None:
    g.started = time.perf_counter()
    sent = request.headers.get("X-Request-Id", "")
    g.request_id = sent if re.fullmatch(r"[\w.:-]{1,64}", sent, re.ASCII) else uuid.uuid4().hex
    g.smoke_user = None
    g.counted = request.path not in QUIET_ROUTES
    if g.counted:
        metrics.IN_FLIGHT.inc()


def _end(_error: BaseException | None) -> None:
    if g.pop("counted", False):
        metrics.IN_FLIGHT.dec()


def _record(response: Response, seconds: float) -> None:
    method = request.method if request.method in METHODS else "OTHER"
    if not g.smoke_user:
        metrics.REQUESTS.labels(method, route(), response.status_code).inc()
        metrics.DURATION.labels(method, route()).observe(seconds)
    log.log(
        _level(seconds),
        "%s %s %s", request.method, request.path, response.status_code,
        extra={
            "action": "request", "method": request.method, "path": request.path, "route": route(),
            "status": response.status_code, "seconds": round(seconds, 4), "request_id": g.request_id,
            "address": request.remote_addr, **({"smoke": True} if g.smoke_user else {}),
        },
    )  # fmt: skip


def _level(seconds: float) -> int:
    if seconds > SLOW_SECONDS:
        return logging.WARNING
    return logging.DEBUG if request.path in QUIET_ROUTES else logging.INFO
