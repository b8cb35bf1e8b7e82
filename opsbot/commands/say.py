"""How moments, sizes and lengths are said to people."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from opsbot.clock import ago
from opsbot.log import redactor

NOTICED = 0.1  # seconds


def clock_time(moment: datetime, zone: str, now: datetime) -> str:
    """`14:05`, or `3 Mar 14:05` on another day, `3 Mar 2025 14:05` in another year, in the asker's zone."""
    local, today = _local(moment, zone), _local(now, zone)
    return f"{local:%H:%M}" if local.date() == today.date() else f"{day(moment, zone, now)} {local:%H:%M}"


def second(moment: datetime, zone: str) -> str:
    """`14:05:07` in the asker's zone."""
    return f"{_local(moment, zone):%H:%M:%S}"


def day(moment: datetime, zone: str, now: datetime) -> str:
    """`3 Mar`, with its year if that is not this one, in the asker's zone."""
    local = _local(moment, zone)
    year = f" {local.year}" if local.year != _local(now, zone).year else ""
    return f"{local.day} {local:%b}{year}"


def typed(words: str, most: int = 60) -> str:
    """What somebody typed, or its beginning. Half a secret would not be known as one, so it is blanked first."""
    return redactor.clean(words)[:most]


def _local(moment: datetime, zone: str) -> datetime:
    try:
        return moment.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError):
        return moment


def since(moment: datetime | None, now: datetime) -> str:
    """`3 min ago`, or nothing."""
    return ago(moment, now) if moment else ""


def seconds(length: float) -> str:
    """`0.2 s`, `45 s`, `3 min 20 s`, `2 h 5 min`, `3 days 4 h`."""
    if length < 9.95:
        return f"{length:.1f} s"
    whole = round(length)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return _two(whole // 60, "min", whole % 60, "s")
    if whole < 2 * 86400:
        return _two(whole // 3600, "h", whole % 3600 // 60, "min")
    return _two(whole // 86400, "days", whole % 86400 // 3600, "h")


def _two(many: int, unit: str, rest: int, smaller: str) -> str:
    return f"{many} {unit} {rest} {smaller}" if rest else f"{many} {unit}"


def took(length: float) -> str:
    """How long something took, or nothing where it took no time that people notice."""
    return seconds(length) if length >= NOTICED else ""


def size(count: float) -> str:
    """`512 B`, `1.4 MB`: powers of a thousand, as people read them."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.5:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 99.5 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def number(count: int, one: str, many: str | None = None) -> str:
    """`1 run`, `3 runs`."""
    return f"{count} {one if count == 1 else many or one + 's'}"
