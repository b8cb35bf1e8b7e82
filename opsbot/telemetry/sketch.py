"""A chart as data, before anybody draws it: what stands where, between 0 and 1, and every word in it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from opsbot.telemetry import scale
from opsbot.telemetry.measures import Measure
from opsbot.telemetry.prometheus import Series, Span
from opsbot.telemetry.scale import Tick

GAP = 1.5  # steps without a point after which a line is interrupted
NOW = 2.5  # steps that the newest point may be old and still be now
Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Stroke:
    """A line in pieces: between two of them nothing was measured. x and y grow to the right and upwards."""

    name: str
    pieces: tuple[Points, ...]


@dataclass(frozen=True)
class Panel:
    """One measure. Without strokes there is nothing to see, and `note` says so."""

    title: str
    note: str
    ticks: tuple[Tick, ...] = ()
    strokes: tuple[Stroke, ...] = ()


@dataclass(frozen=True)
class Sketch:
    """A whole picture. `times` and `marks`: x and a label; `shades`: from x to x, with what they mean in `legend`."""

    title: str
    subtitle: str
    panels: tuple[Panel, ...]
    times: tuple[Tick, ...] = ()
    marks: tuple[Tick, ...] = ()
    shades: tuple[tuple[float, float], ...] = ()
    legend: str = ""


@dataclass(frozen=True)
class Across:
    """Moments of a span as x."""

    span: Span

    def x(self, moment: float) -> float:
        """0 at the beginning, 1 at the end; what lies outside is at the border."""
        begins, ends = self.span.begins.timestamp(), self.span.ends.timestamp()
        return round(min(1.0, max(0.0, (moment - begins) / (ends - begins))), 5)

    def ticks(self, found: Iterable[Tick]) -> tuple[Tick, ...]:
        """Labels at moments (seconds since 1970) as labels at x."""
        return tuple((self.x(moment), label) for moment, label in found)

    def shades(self, found: Iterable[tuple[datetime, datetime]]) -> tuple[tuple[float, float], ...]:
        """From moment to moment as from x to x."""
        return tuple((self.x(begins.timestamp()), self.x(ends.timestamp())) for begins, ends in found)


def panel(measure: Measure, lines: Sequence[Series], span: Span) -> Panel:
    """A measure's lines on a scale of round numbers; what is so now stands beside the title."""
    peaks = [line.highest[1] for line in lines if line.highest]
    if not peaks:
        return Panel(measure.title, "no numbers")
    ticks = scale.values(max(peaks), measure.unit)
    top, across = ticks[-1][0], Across(span)
    strokes = tuple(
        Stroke(line.name, tuple(_placed(piece, across, top) for piece in pieces(line.points, span.step)))
        for line in lines
    )
    at = tuple((round(value / top, 5), label) for value, label in ticks)
    return Panel(_title(measure), _note(measure, lines, span), at, strokes)


def pieces(points: Points, step: float) -> list[Points]:
    """The points in runs without a gap."""
    found: list[list[tuple[float, float]]] = []
    for point in points:
        if not found or point[0] - found[-1][-1][0] > GAP * step:
            found.append([])
        found[-1].append(point)
    return [tuple(piece) for piece in found]


def latest(line: Series, span: Span) -> float | None:
    """The value now, or None where there is none any more."""
    moment, value = line.points[-1]
    return value if span.ends.timestamp() - moment <= NOW * span.step else None


def _note(measure: Measure, lines: Sequence[Series], span: Span) -> str:
    """`12 now, 40 at most`; of several lines each one's value now."""
    shown = [(line, latest(line, span)) for line in lines]
    words = [(line, "none" if value is None else scale.number(value, measure.unit)) for line, value in shown]
    if len(words) > 1:
        return ", ".join(f"{line.name} {text}" for line, text in words) + " now"
    [(line, text)] = words
    most = scale.number(line.highest[1], measure.unit) if line.highest else text
    return f"{text} now" if most == text else f"{text} now, {most} at most"


def _title(measure: Measure) -> str:
    return f"{measure.title}, requests/s" if measure.unit == "per_second" else measure.title


def _placed(piece: Points, across: Across, top: float) -> Points:
    return tuple((across.x(moment), round(value / top, 5)) for moment, value in piece)
