"""Choosing log lines."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from opsbot.log import REDACTED, Secret
from opsbot.telemetry.logs import LONGEST_LINE, Said, excerpt

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)


def said(*texts: str) -> list[Said]:
    return [(NOON, text) for text in texts]


def test_the_newest_matching_lines_come_oldest_first() -> None:
    found = excerpt(said(*(f"line {n} {'ERROR' if n % 2 else 'ok'}" for n in range(10))), "error", limit=2)
    assert found.lines == ((NOON, "line 7 ERROR"), (NOON, "line 9 ERROR"))
    assert (found.matched, found.read, found.left_out) == (5, 10, 3)


def test_a_secret_in_a_log_line_is_blanked_and_not_found_by_its_letters() -> None:
    Secret("a-secret-in-a-log-line")
    assert excerpt(said("password=a-secret-in-a-log-line")).lines == ((NOON, f"password={REDACTED}"),)
    assert excerpt(said("password=a-secret-in-a-log-line"), "a-secret-in").matched == 0


def test_of_what_does_not_fit_the_newest_stays() -> None:
    found = excerpt(said("a" * 50, "b" * 50, "c" * 50)).within(110)
    assert [text[0] for _, text in found.lines] == ["b", "c"]
    assert found.left_out == 1
    assert len(excerpt(said("a" * 50)).within(1).lines) == 1


@given(st.lists(st.text()), st.integers(1, 30), st.integers(1, 500))
def test_never_more_lines_than_asked_and_none_too_long(lines: list[str], limit: int, room: int) -> None:
    found = excerpt(said(*lines), limit=limit)
    assert len(found.lines) == min(limit, len(lines))
    assert all(len(text) <= LONGEST_LINE for _, text in found.lines)
    assert found.within(room).lines == found.lines[len(found.lines) - len(found.within(room).lines) :]
