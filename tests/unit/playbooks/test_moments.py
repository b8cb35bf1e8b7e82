"""When people say that something was, in their own zone."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsbot.errors import UsageError
from opsbot.playbooks.moments import WEEKDAYS, is_moment, length, moment, since

COPENHAGEN = "Europe/Copenhagen"
NOW = datetime(
    2026, 3, 31, 13, 30, tzinfo=UTC
)  # a Tuesday, 15:30 in Copenhagen, two days after the clocks went forward
SAID = {
    "14:00": "2026-03-31 14:00",
    "at 14:00": None,
    "16:00": "2026-03-30 16:00",
    "4pm": "2026-03-30 16:00",
    "9:15am": "2026-03-31 09:15",
    "12am": "2026-03-31 00:00",
    "noon": "2026-03-31 12:00",
    "Yesterday 14:00": "2026-03-30 14:00",
    "yesterday at 23:59": "2026-03-30 23:59",
    "today 9:00": "2026-03-31 09:00",
    "14:00 yesterday": "2026-03-30 14:00",
    "14:00 on monday": "2026-03-30 14:00",
    "monday 14:00": "2026-03-30 14:00",
    "mon 14:00": "2026-03-30 14:00",
    "tuesday 14:00": "2026-03-31 14:00",
    "tuesday 16:00": "2026-03-24 16:00",
    "last tuesday 14:00": "2026-03-24 14:00",
    "wednesday 9:00": "2026-03-25 09:00",
    "2026-03-28 14:00": "2026-03-28 14:00",
    "2026-03-28T14:00": "2026-03-28 14:00",
    "2026-03-28T13:00Z": "2026-03-28 14:00",
    "2026-03-28t13:00:00+00:00": "2026-03-28 14:00",
    "2h ago": "2026-03-31 13:30",
    "3 hours ago": "2026-03-31 12:30",
    "an hour ago": "2026-03-31 14:30",
    "2 days ago": "2026-03-29 15:30",
    "14": None,
    "25:00": None,
    "13pm": None,
    "2026-02-30": None,
    "tomorrow": None,
    "v2": None,
    "latest": None,
    "20260331-120000-3f2a": None,
    "": None,
}


@pytest.mark.parametrize("text", SAID)
def test_people_say_when_it_was(text: str) -> None:
    expected = SAID[text]
    assert is_moment(text) == (expected is not None)
    if expected is not None:
        [at] = moment(text, COPENHAGEN, NOW).at
        assert f"{at.astimezone(ZoneInfo(COPENHAGEN)):%Y-%m-%d %H:%M}" == expected


DAYS = {
    "yesterday": ("2026-03-29 22:00", "2026-03-30 21:59"),
    "monday": ("2026-03-29 22:00", "2026-03-30 21:59"),
    "today": ("2026-03-30 22:00", "2026-03-31 13:30"),
    "tuesday": ("2026-03-30 22:00", "2026-03-31 13:30"),
    "last tuesday": ("2026-03-23 23:00", "2026-03-24 22:59"),
    "2026-03-29": ("2026-03-28 23:00", "2026-03-29 21:59"),
}


@pytest.mark.parametrize("text", DAYS)
def test_a_day_lasts_from_midnight_to_midnight_in_the_askers_zone(text: str) -> None:
    found = moment(text, COPENHAGEN, NOW)
    assert found.whole_day
    assert (f"{found.begins:%Y-%m-%d %H:%M}", f"{found.at[0]:%Y-%m-%d %H:%M}") == DAYS[text]


def test_a_time_that_the_clocks_showed_twice_is_two_moments() -> None:
    autumn = datetime(2026, 10, 25, 12, tzinfo=UTC)
    first, second = moment("2:30", COPENHAGEN, autumn).at
    assert second - first == timedelta(hours=1)


def test_what_has_not_come_yet_is_refused() -> None:
    for text in ("2026-04-01", "2026-04-01 9:00", "today 16:00"):
        with pytest.raises(UsageError, match="has not come yet"):
            moment(text, COPENHAGEN, NOW)


def test_looking_back_takes_a_length_or_the_beginning_of_a_day() -> None:
    assert since("10m", COPENHAGEN, NOW) == NOW - timedelta(minutes=10)
    assert since("monday", COPENHAGEN, NOW) == datetime(2026, 3, 29, 22, tzinfo=UTC)
    with pytest.raises(UsageError, match="Say such as 14:00"):
        since("whenever", COPENHAGEN, NOW)


zones = st.sampled_from(
    [COPENHAGEN, "UTC", "America/New_York", "Asia/Kolkata", "Pacific/Auckland", "Australia/Lord_Howe"]
)
nows = st.integers(0, 15 * 365 * 86_400).map(
    lambda seconds: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)


@given(zones, nows, st.integers(0, 23), st.integers(0, 59), st.sampled_from(["", *WEEKDAYS, "yesterday"]))
def test_a_time_is_the_last_one_that_has_passed(zone: str, now: datetime, hour: int, minute: int, day: str) -> None:
    found = moment(f"{day} {hour}:{minute:02}".strip(), zone, now)
    longest = timedelta(days=8 if day in WEEKDAYS else 2, hours=2)
    assert now - longest < min(found.at) <= now
    local = found.at[0].astimezone(ZoneInfo(zone))
    gap = (found.at[0] + timedelta(hours=1)).astimezone(ZoneInfo(zone)).utcoffset() != (
        found.at[0] - timedelta(hours=1)
    ).astimezone(ZoneInfo(zone)).utcoffset()
    assert (local.hour, local.minute) == (hour, minute) or gap


@given(
    st.lists(st.text(max_size=8) | st.sampled_from(["at", "last", "ago", "monday", "14:00", "on", "2h", "2026-03-31"]))
)
def test_any_words_are_a_moment_or_none(words: list[str]) -> None:
    count = length(words)
    assert 0 <= count <= len(words)
    if count:
        with suppress(UsageError):  # it may not have come yet
            assert moment(" ".join(words[:count]), "UTC", NOW).at
