"""What a chart shows, as words for whoever does not see it, as a sketch to be drawn, and as numbers. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from opsbot.commands import say
from opsbot.store.rows import AlertRow, ReleaseRow
from opsbot.telemetry import scale, sketch
from opsbot.telemetry.measures import Measure
from opsbot.telemetry.prometheus import Series, Span

NAMED = 5  # releases in the sentence; in the picture all are marked


@dataclass(frozen=True)
class Seen:
    """What there is to show of an environment. `releases` went live in the span, `alerts` were open in it; oldest first."""

    environment: str
    span: Span
    lines: Mapping[Measure, Sequence[Series]]
    releases: Sequence[ReleaseRow]
    alerts: Sequence[AlertRow]
    zone: str

    def at(self, moment: datetime | float) -> str:
        """A moment (or seconds since 1970) as the asker's clock shows it."""
        found = moment if isinstance(moment, datetime) else datetime.fromtimestamp(moment, UTC)
        return say.clock_time(found, self.zone, self.span.ends)

    def title(self) -> str:
        """`Traffic and errors of staging`"""
        titles = [measure.title for measure in self.lines]
        *first, last = [titles[0], *(title[:1].lower() + title[1:] for title in titles[1:])]
        return f"{', '.join(first)} and {last} of {self.environment}" if first else f"{last} of {self.environment}"

    def name(self, row: ReleaseRow) -> str:
        """The tag; with its service where several went live."""
        return row.tag if len({one.service for one in self.releases}) == 1 else f"{row.service} {row.tag}"


def words(seen: Seen) -> str:
    """A headline, one line for each measure, then releases and alerts."""
    lines = [f"{measure.title}: {_measured(seen, measure, found)}." for measure, found in seen.lines.items()]
    if seen.releases:
        named = [f"{seen.name(row)} at {seen.at(row.live_at)}" for row in seen.releases[-NAMED:] if row.live_at]
        more = f"{len(seen.releases) - NAMED} more, then " if len(seen.releases) > NAMED else ""
        lines.append(f"Went live: {more}{', '.join(named)}.")
    if seen.alerts:
        lines.append(f"{say.number(len(seen.alerts), 'alert was', 'alerts were')} open meanwhile.")
    return "\n".join([f"{seen.title()} since {seen.at(seen.span.begins)}.", *lines])


def _measured(seen: Seen, measure: Measure, lines: Sequence[Series]) -> str:
    if not lines:
        return "no numbers"
    return "; ".join(_line(seen, measure, line, name=line.name if len(lines) > 1 else "") for line in lines)


def _line(seen: Seen, measure: Measure, line: Series, name: str) -> str:
    """`p95 45 ms now, 210 ms at most (14:05)`"""
    now, peak = sketch.latest(line, seen.span), line.highest
    said = "nothing" if now is None else scale.said(now, measure.unit)
    text = f"{said} now"
    if peak is not None and (most := scale.said(peak[1], measure.unit)) != said:
        text += f", {most} at most ({seen.at(peak[0])})"
    return f"{name} {text}".lstrip()


def drawing(seen: Seen) -> sketch.Sketch:
    """The picture, not yet drawn."""
    span, across = seen.span, sketch.Across(seen.span)
    marks = [(row.live_at.timestamp(), seen.name(row)) for row in seen.releases if row.live_at]
    shades = [(row.opened_at, row.resolved_at or span.ends) for row in seen.alerts]
    meant = [*(["dashed: went live"] if marks else []), *(["red: an alert was open"] if shades else [])]
    return sketch.Sketch(
        title=seen.title(),
        subtitle=f"{seen.at(span.begins)} to {seen.at(span.ends)} ({seen.zone})",
        panels=tuple(sketch.panel(measure, lines, span) for measure, lines in seen.lines.items()),
        times=across.ticks(scale.times(span.begins, span.ends, seen.zone)),
        marks=across.ticks(marks),
        shades=across.shades(shades),
        legend=", ".join(meant),
    )


def numbers(seen: Seen) -> dict[str, Any]:
    """Everything for a script; moments of points are seconds since 1970."""
    return {
        "environment": seen.environment,
        "since": seen.span.begins.isoformat(),
        "until": seen.span.ends.isoformat(),
        "step": seen.span.step,
        "measures": [
            {
                "measure": measure.name,
                "unit": measure.unit,
                "lines": [{"name": line.name, "points": [list(point) for point in line.points]} for line in lines],
            }
            for measure, lines in seen.lines.items()
        ],
        "releases": [{"release": row.id, "tag": row.tag, "live_at": _iso(row.live_at)} for row in seen.releases],
        "alerts": [
            {"id": row.id, "title": row.title, "from": _iso(row.opened_at), "to": _iso(row.resolved_at)}
            for row in seen.alerts
        ],
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
