"""What Prometheus reads: requests, durations, refusals, and the size of the tables.

Under gunicorn the numbers of all workers are added up through files in PROMETHEUS_MULTIPROC_DIR.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from threading import Lock

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy import ColumnElement, Connection, Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from minitwit.models import Base, Latest, Message, User
from minitwit.names import smoke_users
from minitwit.settings import Settings

REQUESTS = Counter("minitwit_http_requests_total", "Requests answered", ["method", "route", "status"])
DURATION = Histogram(
    "minitwit_http_request_duration_seconds",
    "Time to answer, in seconds",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5),  # 0.3 s is the simulators' limit
)
IN_FLIGHT = Gauge(
    "minitwit_http_requests_in_flight",
    "Requests being answered now, without health, release and metrics",
    multiprocess_mode="livesum",
)
EVENTS = Counter("minitwit_events_total", "Registrations, messages, follows and unfollows", ["event"])
REFUSALS = Counter("minitwit_simulator_refusals_total", "Simulator calls refused", ["reason"])

# Several scrapers share one count; where counting takes long (0.2 s for three million rows), it is done less often.
COUNT_EVERY_SECONDS = 10.0
SHARE_OF_TIME = 0.005


class TableSizes(Collector):
    """Users, messages and latest, counted when scraped; left out while the database does not answer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = Lock()
        self._next = float("-inf")
        self._sizes: dict[str, float] = {}

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One gauge a table."""
        for name, value in self._fresh().items():
            yield GaugeMetricFamily(f"minitwit_{name}", f"{name} in the database", value=value)

    def _fresh(self) -> dict[str, float]:
        with self._lock:
            started = time.monotonic()
            if started > self._next:
                self._sizes = self._count()
                ended = time.monotonic()
                self._next = ended + max(COUNT_EVERY_SECONDS, (ended - started) / SHARE_OF_TIME)
            return self._sizes

    def _count(self) -> dict[str, float]:
        try:
            with self._engine.connect() as connection:
                smoke = smoke_users()
                users = _rows(connection, User) - _rows(connection, User, User.user_id.in_(smoke))
                messages = _rows(connection, Message) - _rows(connection, Message, Message.author_id.in_(smoke))
                latest = connection.scalar(select(Latest.value))
        except SQLAlchemyError:  # no number is right then, and a missing one raises an alert
            return {}
        return {"users": users, "messages": messages, "latest": -1 if latest is None else latest}


def _rows(connection: Connection, table: type[Base], *conditions: ColumnElement[bool]) -> int:
    return connection.scalar(select(func.count()).select_from(table).where(*conditions)) or 0


class ReleaseName(Collector):
    """Which release answers, as labels on a constant 1."""

    def __init__(self, settings: Settings) -> None:
        self._labels = [settings.release_id, settings.release_tag, settings.release_revision]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The one series."""
        family = GaugeMetricFamily(
            "minitwit_release", "The release that answers", labels=["release", "tag", "revision"]
        )
        family.add_metric(self._labels, 1)
        yield family


def registry(engine: Engine, settings: Settings) -> CollectorRegistry:
    """All the metrics of this application, added up across workers where there are several."""
    found = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(found)  # type: ignore[no-untyped-call] # the library leaves it untyped
    else:
        for metric in (REQUESTS, DURATION, IN_FLIGHT, EVENTS, REFUSALS):
            found.register(metric)
    found.register(TableSizes(engine))
    found.register(ReleaseName(settings))
    return found
