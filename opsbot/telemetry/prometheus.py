"""Asks a Prometheus what it measured over a span of time."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests

from opsbot import direct
from opsbot.errors import OpsError, Unavailable
from opsbot.telemetry.measures import WINDOW, Measure, Query

POINTS = 240  # of a line: more than a phone has room for
SHORTEST_STEP = 5  # seconds
TIMEOUT = 6.0  # seconds for one question
LINES = 4  # of one measure: more cannot be told apart
_PORT = re.compile(r":\d+$")  # of an exporter; its host is meant


@dataclass(frozen=True)
class Span:
    """From when to when, and how many seconds lie between two points."""

    begins: datetime
    ends: datetime
    step: int

    @classmethod
    def between(cls, begins: datetime, ends: datetime) -> Span:
        """With as many points as a chart has room for."""
        return cls(begins, ends, max(SHORTEST_STEP, math.ceil((ends - begins).total_seconds() / POINTS)))


@dataclass(frozen=True)
class Series:
    """One line: (seconds since 1970, value), oldest first. Where nothing was measured there is no point."""

    name: str
    points: tuple[tuple[float, float], ...]

    @property
    def highest(self) -> tuple[float, float] | None:
        """The first point of those with the highest value; None without any."""
        return max(self.points, key=lambda point: point[1], default=None)


@dataclass(frozen=True)
class Prometheus:
    """A server at `url`; `labels` are those that the numbers of one environment carry there."""

    url: str
    labels: Mapping[str, str] = field(default_factory=dict)

    def series(self, measure: Measure, span: Span) -> list[Series]:
        """The lines of a measure that have any point: of many hosts those with the highest. Unavailable (`prometheus`)."""
        found = [one for query in measure.queries for one in self._ask(query, measure.by, span)]
        if measure.by:
            found = sorted(found, key=lambda one: one.highest or (0, 0.0), reverse=True)[:LINES]
            found.sort(key=lambda one: one.name)
        return found

    def _ask(self, query: Query, by: str, span: Span) -> Iterator[Series]:
        asked = {
            "query": query.expression(self.labels, max(WINDOW, span.step)),
            "start": f"{span.begins.timestamp():.0f}",
            "end": f"{span.ends.timestamp():.0f}",
            "step": span.step,
        }
        for one in self._result(f"{self.url.rstrip('/')}/api/v1/query_range?{urlencode(asked)}"):
            points = tuple(_points(one["values"]))
            if points:
                yield Series(_PORT.sub("", str(one["metric"].get(by, query.name))), points)

    def _result(self, url: str) -> list[dict[str, Any]]:
        try:
            answer = direct.get(url, TIMEOUT)
        except requests.Timeout as error:
            raise _silent(f"Prometheus gave no answer within {TIMEOUT:g} s.", "a shorter time may do") from error
        except requests.RequestException as error:
            at = urlsplit(url).netloc
            raise _silent(f"Prometheus does not answer at {at}.", "if it stays away, look whether it runs") from error
        told = answer.json()
        if told is not None and told.get("status") == "success":
            try:
                return [
                    {"metric": dict(one["metric"]), "values": list(one["values"])} for one in told["data"]["result"]
                ]
            except (KeyError, TypeError, ValueError) as error:
                raise _strange(answer) from error
        if told is not None and "error" in told:
            again = answer.status_code >= 500
            raise Unavailable(f"Prometheus refused: {str(told['error'])[:200]}.", code="prometheus", again=again)
        raise _strange(answer)


def _points(values: list[Any]) -> Iterator[tuple[float, float]]:
    """Without what is no number: 0/0 is NaN there, and that is nothing measured."""
    for moment, text in values:
        value = float(text)
        if math.isfinite(value):
            yield float(moment), value


def _silent(what: str, cure: str) -> OpsError:
    return Unavailable(what, f"Try again; {cure}.", code="prometheus")


def _strange(answer: direct.Answer) -> OpsError:
    if len(answer.content) >= direct.MOST:
        return Unavailable(
            "Prometheus answers more than can be drawn.", "Ask for less.", code="prometheus", again=False
        )
    what = f"What answers ({answer.status_code}) is no Prometheus."
    return Unavailable(what, "Look at environments.…prometheus in opsbot.yml.", code="prometheus", again=False)
