"""Moments as people say them: `14:00`, `yesterday 14:00`, `monday`, `2026-03-31 9:30`, `2 hours ago`. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from opsbot.config.values import parse_duration
from opsbot.errors import UsageError

UNDERSTOOD = "Say such as 14:00, yesterday 14:00, monday, 2026-03-31 14:00 or 2h ago."
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NOON, MIDNIGHT = time(12), time(0)
_CLOCK = re.compile(r"(\d{1,2})(?::(\d\d))?(?::(\d\d))?(am|pm)?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_EXACT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d\S*")
_UNITS = {"minute": "m", "min": "m", "hour": "h", "day": "d", "week": "w"}


@dataclass(frozen=True)
class Moment:
    """`at`: the moment in UTC, or both where a clock that was set back showed that time twice. `begins` is earlier than
    `at` only where a whole day was said."""

    at: tuple[datetime, ...]
    begins: datetime

    @property
    def whole_day(self) -> bool:
        return self.begins < min(self.at)


@dataclass(frozen=True)
class _Said:
    """What the words are, before anybody asks when now is."""

    day: str = ""  # today, yesterday, a weekday, or a date
    clock: time | None = None
    exact: datetime | None = None
    before: timedelta | None = None
    last: bool = False


def length(words: Sequence[str]) -> int:
    """How many of the first words make a moment; 0 if none does."""
    return _read(words)[0]


def is_moment(text: str) -> bool:
    """Whether the whole text says a moment."""
    words = text.split()
    return bool(words) and length(words) == len(words)


def moment(text: str, zone: str, now: datetime) -> Moment:
    """When that was, for somebody in that zone. A time without a day is the last one that has passed.

    UsageError: no moment, or one that has not come yet.
    """
    words = text.split()
    count, said = _read(words)
    if said is None or count != len(words):
        raise UsageError(f"I do not know when “{text}” is.", UNDERSTOOD, code="unknown_moment")
    try:
        found = _found(said, _zone(zone), now)
    except OverflowError as error:
        raise UsageError(f"“{text}” is too long ago.", UNDERSTOOD, code="unknown_moment") from error
    if min(found.at) > now:
        raise UsageError(f"“{text}” has not come yet.", UNDERSTOOD, code="future_moment")
    return found


def since(text: str, zone: str, now: datetime) -> datetime:
    """The moment from which somebody wants to look: a length such as 2h, or any moment; of a day its beginning."""
    try:
        return now - parse_duration(text)
    except (ValueError, OverflowError):
        return moment(text, zone, now).begins


def _read(words: Sequence[str]) -> tuple[int, _Said | None]:
    """How many words, and what they say: the longest form that fits."""
    low = [word.lower().rstrip(",") for word in words[:5]]
    for read in (_read_exact, _read_before, _read_day_and_clock, _read_clock_and_day):
        count, said = read(low)
        if said is not None:
            return count, said
    return 0, None


def _read_exact(low: Sequence[str]) -> tuple[int, _Said | None]:
    if not low or not _EXACT.fullmatch(low[0]):
        return 0, None
    try:
        return 1, _Said(exact=datetime.fromisoformat(low[0].upper()))
    except ValueError:
        return 0, None


def _read_before(low: Sequence[str]) -> tuple[int, _Said | None]:
    """`2h ago`, `2 hours ago`, `an hour ago`."""
    if len(low) > 1 and low[1] == "ago":
        return 2, _ago(low[0])
    if len(low) > 2 and low[2] == "ago":
        unit = _UNITS.get(low[1].removesuffix("s"), low[1])
        return 3, _ago(("1" if low[0] in ("a", "an", "one") else low[0]) + unit)
    return 0, None


def _ago(text: str) -> _Said | None:
    try:
        return _Said(before=parse_duration(text))
    except (ValueError, OverflowError):
        return None


def _read_day_and_clock(low: Sequence[str]) -> tuple[int, _Said | None]:
    count, day, last = _day(low)
    if not day:
        return 0, None
    at = count + (low[count : count + 1] == ["at"])
    clock = _clock(low[at]) if at < len(low) else None
    return (at + 1, _Said(day, clock, last=last)) if clock is not None else (count, _Said(day, last=last))


def _read_clock_and_day(low: Sequence[str]) -> tuple[int, _Said | None]:
    clock = _clock(low[0]) if low else None
    if clock is None:
        return 0, None
    at = 1 + (low[1:2] == ["on"])
    count, day, last = _day(low[at:])
    return (at + count, _Said(day, clock, last=last)) if day else (1, _Said(clock=clock))


def _day(low: Sequence[str]) -> tuple[int, str, bool]:
    """How many words, the day that they name, and whether it was the last one of that name."""
    last = low[:1] == ["last"]
    word = low[last] if len(low) > last else ""
    weekday = next((name for name in WEEKDAYS if word in (name, name[:3])), "")
    if weekday:
        return 1 + last, weekday, last
    if not last and (word in ("today", "yesterday") or (_DATE.fullmatch(word) and _date(word))):
        return 1, word, False
    return 0, "", False


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _clock(word: str) -> time | None:
    if word in ("noon", "midnight"):
        return NOON if word == "noon" else MIDNIGHT
    found = _CLOCK.fullmatch(word)
    if found is None or not (found[2] or found[4]):
        return None  # a bare number is no time
    hour = int(found[1])
    if found[4] and not 1 <= hour <= 12:
        return None
    hour = hour % 12 + (12 if found[4] == "pm" else 0) if found[4] else hour
    try:
        return time(hour, int(found[2] or 0), int(found[3] or 0))
    except ValueError:
        return None


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _found(said: _Said, zone: ZoneInfo, now: datetime) -> Moment:
    if said.before is not None:
        return _once(now - said.before)
    if said.exact is not None:
        return _once(said.exact) if said.exact.tzinfo else _shown(said.exact, zone)
    today = now.astimezone(zone).date()
    if said.clock is None:
        day = _which(said, today)
        begins, ends = (_shown(datetime.combine(one, MIDNIGHT), zone).begins for one in (day, day + timedelta(days=1)))
        return Moment((max(begins, min(now, ends - timedelta(microseconds=1))),), begins)
    found = _shown(datetime.combine(_which(said, today) if said.day else today, said.clock), zone)
    if min(found.at) <= now or said.day in ("today", "yesterday") or _DATE.fullmatch(said.day):
        return found
    back = timedelta(days=7 if said.day else 1)
    return _shown(datetime.combine((_which(said, today) if said.day else today) - back, said.clock), zone)


def _which(said: _Said, today: date) -> date:
    if said.day in WEEKDAYS:
        back = (today.weekday() - WEEKDAYS.index(said.day)) % 7
        return today - timedelta(days=back or (7 if said.last else 0))
    exact = _date(said.day) if _DATE.fullmatch(said.day) else None
    return exact or today - timedelta(days=said.day == "yesterday")


def _once(at: datetime) -> Moment:
    utc = at.astimezone(UTC)
    return Moment((utc,), utc)


def _shown(local: datetime, zone: ZoneInfo) -> Moment:
    """When the clocks of that zone showed this; both moments where they were set back in between."""
    first, second = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    twice = first < second
    return Moment((first, second) if twice else (first,), first)
