"""How moments, sizes and lengths are said to people."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from opsbot.clock import ago


def clock_time(moment: datetime, zone: str, now: datetime) -> str:
    """`14:05`, or `3 Mar 14:05` on another day, in the asker's zone."""
    try:
        local, today = moment.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError):
        local, today = moment, now
    if local.date() == today.date():
        return f"{local:%H:%M}"
    return f"{local.day} {local:%b %H:%M}"


def since(moment: datetime | None, now: datetime) -> str:
    """`3 min ago`, or nothing."""
    return ago(moment, now) if moment else ""


def seconds(length: float) -> str:
    """`0.2 s`, `45 s`, `3 min 20 s`, `2 h 5 min`."""
    if length < 9.95:
        return f"{length:.1f} s"
    whole = round(length)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


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
