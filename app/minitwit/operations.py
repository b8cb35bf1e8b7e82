"""What the operators and their bot read: health, release, metrics."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from minitwit import schema
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
