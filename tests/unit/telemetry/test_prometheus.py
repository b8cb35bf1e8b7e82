"""What is asked of Prometheus, what is made of its answers, and what is said when it has none. Over a real server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from answering import answering, matrix
from hypothesis import given
from hypothesis import strategies as st

from opsbot import direct
from opsbot.errors import Unavailable
from opsbot.telemetry import prometheus
from opsbot.telemetry.measures import ERRORS, LATENCY, MEASURES, MEMORY, OVERVIEW, TRAFFIC, Query
from opsbot.telemetry.prometheus import POINTS, Prometheus, Series, Span

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)
AT = NOON.timestamp()
HOUR = Span.between(NOON - timedelta(hours=1), NOON)


def test_a_line_has_its_points_and_none_where_nothing_was_measured() -> None:
    told = matrix(({}, [(AT - 30, "2"), (AT - 15, "NaN"), (AT, "3.5")]))
    with answering(told) as (url, asked):
        found = Prometheus(url).series(TRAFFIC, HOUR)
    assert found == [Series("requests", ((AT - 30, 2.0), (AT, 3.5)))]
    assert found[0].highest == (AT, 3.5)
    [one] = asked
    assert (one["path"], one["start"], one["end"]) == ("/api/v1/query_range", f"{AT - 3600:.0f}", f"{AT:.0f}")
    assert one["step"] == "15"


def test_infinite_values_are_no_points_and_a_line_without_points_is_no_line() -> None:
    with answering(matrix(({}, [(AT, "+Inf"), (AT, "-Inf"), (AT, "NaN")]))) as (url, _):
        assert Prometheus(url).series(ERRORS, HOUR) == []


def test_every_query_of_a_measure_is_a_line_of_that_name() -> None:
    with answering(matrix(({}, [(AT, "0.1")]))) as (url, asked):
        assert [line.name for line in Prometheus(url).series(LATENCY, HOUR)] == ["p50", "p95", "p99"]
    assert [one["query"].partition(",")[0] for one in asked] == [
        f"histogram_quantile({q}" for q in ("0.5", "0.95", "0.99")
    ]


def test_of_many_hosts_the_highest_are_shown_by_name() -> None:
    hosts = [({"instance": f"10.0.0.{n}:9100"}, [(AT, str(n / 10))]) for n in range(1, 8)]
    with answering(matrix(*hosts)) as (url, _):
        found = Prometheus(url).series(MEMORY, HOUR)
    assert [line.name for line in found] == ["10.0.0.4", "10.0.0.5", "10.0.0.6", "10.0.0.7"]


@pytest.mark.parametrize(
    ("body", "status", "says", "again"),
    [
        (
            {"status": "error", "errorType": "bad_data", "error": "1:5: parse error"},
            400,
            "refused: 1:5: parse error.",
            False,
        ),
        ({"status": "error", "errorType": "timeout", "error": "query timed out"}, 503, "query timed out", True),
        (b"<html>Welcome to nginx!</html>", 200, "What answers (200) is no Prometheus.", False),
        (b"", 502, "What answers (502) is no Prometheus.", False),
        ({"status": "success", "data": {"result": [{"value": 1}]}}, 200, "is no Prometheus", False),
        ({"status": "success", "data": None}, 200, "is no Prometheus", False),
        (b"{" + b" " * (direct.MOST + 1), 200, "more than can be drawn", False),
    ],
    ids=["refused", "too-long", "a-page", "nothing", "other-shape", "no-result", "too-much"],
)
def test_an_answer_that_is_none_is_a_sentence(body: object, status: int, says: str, again: bool) -> None:
    with answering(body, status) as (url, _), pytest.raises(Unavailable) as raised:
        Prometheus(url).series(TRAFFIC, HOUR)
    assert says in raised.value.sentence()
    assert (raised.value.code, raised.value.again) == ("prometheus", again)


def test_a_server_that_does_not_answer_is_named_and_may_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering({}) as (url, _):
        at = url
    with pytest.raises(Unavailable, match=f"does not answer at {at.removeprefix('http://')}. Try again") as raised:
        Prometheus(at).series(TRAFFIC, HOUR)
    assert raised.value.again
    monkeypatch.setattr(prometheus, "TIMEOUT", 0.1)
    with answering({}, after=0.5) as (url, _), pytest.raises(Unavailable, match=r"no answer within 0\.1 s"):
        Prometheus(url).series(TRAFFIC, HOUR)


def test_an_environments_labels_stand_in_every_selector() -> None:
    for measure in (*MEASURES.values(), *OVERVIEW):
        for query in measure.queries:
            plain, with_labels = query.expression({}, 120), query.expression({"stack": "shop"}, 120)
            assert "$" not in plain + with_labels
            assert with_labels.count(',stack="shop"}') == plain.count("}") > 0


def test_the_length_of_a_rate_is_never_shorter_than_the_distance_of_points() -> None:
    week = Span.between(NOON - timedelta(days=7), NOON)
    with answering(matrix()) as (url, asked):
        Prometheus(url).series(TRAFFIC, HOUR)
        Prometheus(url).series(TRAFFIC, week)
    assert "[120s]" in asked[0]["query"]
    assert f"[{week.step}s]" in asked[1]["query"]
    assert week.step > 120


@given(st.text())
def test_no_label_value_leaves_its_quotes(value: str) -> None:
    """Read back as Go reads a string: a backslash takes the next character with it."""
    text = Query("q", 'up{job="a"$labels}').expression({"stack": value}, 60)
    inside = text.removeprefix('up{job="a",stack="').removesuffix('"}')
    found, escaped = "", False
    for character in inside:
        if escaped:
            found, escaped = found + {"n": "\n"}.get(character, character), False
        elif character == "\\":
            escaped = True
        else:
            assert character not in '"\n'
            found += character
    assert not escaped
    assert found == value


@given(st.integers(120, 10_000_000))
def test_no_span_has_more_points_than_a_picture_shows(seconds: int) -> None:
    span = Span.between(NOON - timedelta(seconds=seconds), NOON)
    assert span.step >= 5
    assert seconds / span.step <= POINTS
