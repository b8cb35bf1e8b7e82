"""Grid lines at round numbers, values and moments as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsbot.telemetry import scale
from opsbot.telemetry.measures import Unit

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)
HIGHEST = st.floats(0, 1e9, allow_nan=False)


@pytest.mark.parametrize(
    ("value", "unit", "says"),
    [
        (0.0, "per_second", "0 requests/s"),
        (0.04, "per_second", "0.04 requests/s"),
        (0.001, "per_second", "under 0.01 requests/s"),
        (12.34, "per_second", "12 requests/s"),
        (1234.5, "per_second", "1 234 requests/s"),
        (0.0042, "seconds", "4.2 ms"),
        (0.045, "seconds", "45 ms"),
        (0.9999, "seconds", "1 s"),
        (1.26, "seconds", "1.3 s"),
        (0.004, "share", "0.4 %"),
        (0.5, "share", "50 %"),
        (1.0, "share", "100 %"),
    ],
)
def test_values_are_said_with_their_unit_and_no_digit_too_many(value: float, unit: Unit, says: str) -> None:
    assert scale.said(value, unit) == says


def test_grid_lines_are_round() -> None:
    assert [label for _, label in scale.values(37, "per_second")] == ["0", "10", "20", "30", "40"]
    assert [label for _, label in scale.values(0.21, "seconds")] == ["0 ms", "100 ms", "200 ms", "300 ms"]
    assert [label for _, label in scale.values(0, "share")] == ["0 %", "0.5 %", "1 %"]


@given(HIGHEST, st.sampled_from(get_args(Unit)))
def test_few_grid_lines_from_zero_to_at_least_the_highest_value_each_with_its_own_label(
    highest: float, unit: Unit
) -> None:
    found = scale.values(highest, unit)
    values, labels = zip(*found, strict=True)
    assert values[0] == 0
    assert values[-1] >= highest * (1 - 1e-6)
    assert 2 <= len(found) <= scale.INTERVALS + 1
    assert len(set(labels)) == len(labels)
    assert highest <= scale.LEAST[unit] or highest > values[-1] * 0.3  # the picture is used


@given(st.integers(120, 400 * 86_400), st.sampled_from(["UTC", "Europe/Copenhagen", "Asia/Kathmandu", "nowhere"]))
def test_few_round_moments_within_the_span(seconds: int, zone: str) -> None:
    begins = NOON - timedelta(seconds=seconds)
    found = scale.times(begins, NOON, zone)
    moments = [at for at, _ in found]
    assert 1 <= len(found) <= scale.TIMES + 1
    assert moments == sorted(set(moments))
    assert all(begins.timestamp() <= at <= NOON.timestamp() for at in moments)


def test_moments_are_the_readers_own_and_midnight_is_the_day() -> None:
    assert [label for _, label in scale.times(NOON - timedelta(hours=1), NOON, "Europe/Copenhagen")] == [
        "13:00", "13:15", "13:30", "13:45", "14:00",
    ]  # fmt: skip
    over_night = scale.times(NOON - timedelta(days=1), NOON, "UTC")
    assert [label for _, label in over_night] == ["12:00", "18:00", "31 Mar", "06:00", "12:00"]


def test_hours_stay_round_where_clocks_are_changed() -> None:
    """In Copenhagen, 29 March 2026, 2:00 was followed by 3:00."""
    sunday = datetime(2026, 3, 29, tzinfo=UTC)
    found = scale.times(sunday - timedelta(hours=3), sunday + timedelta(hours=15), "Europe/Copenhagen")
    assert [label for _, label in found] == ["29 Mar", "06:00", "12:00"]
