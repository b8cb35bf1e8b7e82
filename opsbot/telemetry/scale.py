"""Where a chart's grid lines are and what stands at them; values and moments as people read them. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from opsbot.telemetry.measures import Unit

INTERVALS = 4  # between grid lines, at most
TIMES = 5  # labels under a chart, at most
LEAST: dict[Unit, float] = {"per_second": 1.0, "seconds": 0.01, "share": 0.01}  # the top where all is zero
_MINUTES = (1, 2, 5, 10, 15, 20, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080)

Tick = tuple[float, str]


def said(value: float, unit: Unit) -> str:
    """`12.3 requests/s`, `45 ms`, `1.2 s`, `0.4 %`."""
    return f"{number(value, unit)} requests/s" if unit == "per_second" else number(value, unit)


def number(value: float, unit: Unit) -> str:
    """The same without the words that stand in the title anyway."""
    match unit:
        case "per_second":
            return _short(value)
        case "seconds":
            return f"{_short(value * 1000)} ms" if value < 0.9995 else f"{_short(value)} s"
        case "share":
            return f"{_short(value * 100)} %"


def _short(value: float) -> str:
    """Two or three digits; no zeros at the end of a fraction."""
    if 0 < value < 0.005:
        return "under 0.01"
    digits = 0 if value >= 9.95 else 1 if value >= 0.995 else 2
    text = f"{value:,.{digits}f}".replace(",", " ")
    return text.rstrip("0").rstrip(".") if digits else text


def values(highest: float, unit: Unit) -> list[Tick]:
    """(value, label) of the grid lines from 0 to a round number that is not below the highest value."""
    step = _round_up(max(highest, LEAST[unit]) / INTERVALS)
    count = max(1, math.ceil(max(highest, LEAST[unit]) / step - 1e-9))
    return [(step * index, number(step * index, unit)) for index in range(count + 1)]


def _round_up(value: float) -> float:
    """The next 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= value * (1 - 1e-9))


def times(begins: datetime, ends: datetime, zone: str) -> list[Tick]:
    """(seconds since 1970, label) of round moments in that zone: `14:05`, or the day where midnight is."""
    step, there = _step((ends - begins).total_seconds()), _zone(zone)
    return [(moment.timestamp(), _moment(moment, there)) for moment in _moments(begins, ends, step, there)]


def _step(seconds: float) -> timedelta:
    minutes = next((one for one in _MINUTES if seconds / 60 / one <= TIMES), None)
    if minutes is None:  # months and years: whole weeks
        minutes = math.ceil(seconds / 60 / TIMES / _MINUTES[-1]) * _MINUTES[-1]
    return timedelta(minutes=minutes)


def _moments(begins: datetime, ends: datetime, step: timedelta, zone: ZoneInfo) -> Iterator[datetime]:
    """Steps are wall-clock time: they stay at round hours where clocks are changed."""
    wall = begins.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    wall += step * max(0, (begins.astimezone(zone).replace(tzinfo=None) - wall) // step)
    while (moment := wall.replace(tzinfo=zone).astimezone(UTC)) <= ends:
        if moment >= begins:
            yield moment
        wall += step


def _moment(moment: datetime, zone: ZoneInfo) -> str:
    local = moment.astimezone(zone)
    return f"{local:%H:%M}" if local.hour or local.minute else f"{local.day} {local:%b}"


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
