"""What the operators and their bot read: health, release, metrics."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from minitwit import access, schema
from minitwit.database import engine
from minitwit.settings import Settings

operations = Blueprint("operations", __name__)


@operations.get("/health")
def health() -> dict[str, str]:
    """Whether this process serves; asks nothing else, so that a database outage restarts nobody."""
    return {"status": "ok"}


@operations.get("/health/deep")
def deep_health() -> tuple[dict[str, Any], int]:
    """Whether the database answers and its schema fits this code; 503 with the reason otherwise."""
    try:
        with engine().connect() as connection:
            connection.execute(select(1))
            at = schema.current(connection)
    except SQLAlchemyError as error:
        current_app.logger.warning("the database does not answer: %s", type(error).__name__)
        return {"status": "failed", "database": "does not answer"}, 503
    state = schema.compare(at)
    found = {"database": "ok", "schema": {"expected": schema.head(), "current": at, "state": state}}
    if state in {"expected", "ahead"}:
        return {"status": "ok", **found}, 200
    return {"status": "failed", **found}, 503


@operations.get("/health/database")
def database_health() -> tuple[dict[str, str], int]:
    """Whether the database answers one question, whatever its schema; 503 otherwise."""
    try:
        with engine().connect() as connection:
            connection.execute(select(1))
    except SQLAlchemyError as error:
        current_app.logger.warning("the database does not answer: %s", type(error).__name__)
        return {"status": "failed", "database": "does not answer"}, 503
    return {"status": "ok", "database": "ok"}, 200


@operations.get("/health/address")
def seen_address() -> dict[str, Any]:
    """Which address this caller is seen with, and whether ACCEPTED_IPS admits it: to be asked before it is set.

    `address` is what counts; `peer` is the other end of the connection, a proxy of ours where `trusted_proxies`
    is right. Where both are one behind a proxy, TRUSTED_PROXIES is too low.
    """
    settings: Settings = current_app.extensions["settings"]
    return {
        "address": request.remote_addr,
        "peer": request.environ.get("werkzeug.proxy_fix.orig", request.environ).get("REMOTE_ADDR"),
        "forwarded_for": request.headers.get("X-Forwarded-For", ""),
        "trusted_proxies": settings.trusted_proxies,
        "accepted": access.address_accepted(settings.accepted, request.remote_addr),
    }


@operations.get("/release")
def release() -> dict[str, str]:
    """Which release answers; a rollout is judged by this."""
    settings: Settings = current_app.extensions["settings"]
    return {
        "release": settings.release_id,
        "tag": settings.release_tag,
        "revision": settings.release_revision,
        "schema": schema.head(),
    }


@operations.get("/metrics")
def metrics_page() -> Response:
    """All metrics in Prometheus' text format."""
    return Response(generate_latest(current_app.extensions["metrics"]), content_type=CONTENT_TYPE_LATEST)
