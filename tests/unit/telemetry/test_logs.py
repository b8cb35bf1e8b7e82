"""Choosing log lines."""

from hypothesis import given
from hypothesis import strategies as st

from opsbot.log import REDACTED, Secret
from opsbot.telemetry.logs import LONGEST_LINE, excerpt


def test_the_newest_matching_lines_come_oldest_first() -> None:
    lines = [f"line {n} {'ERROR' if n % 2 else 'ok'}" for n in range(10)]
    found = excerpt(lines, "error", limit=2)
    assert found.lines == ("line 7 ERROR", "line 9 ERROR")
    assert (found.matched, found.read) == (5, 10)


def test_a_secret_in_a_log_line_is_blanked() -> None:
    Secret("a-secret-in-a-log-line")
    assert excerpt(["password=a-secret-in-a-log-line"]).lines == (f"password={REDACTED}",)


@given(st.lists(st.text()), st.integers(1, 30))
def test_never_more_lines_than_asked_and_none_too_long(lines: list[str], limit: int) -> None:
    found = excerpt(lines, limit=limit)
    assert len(found.lines) == min(limit, len(lines))
    assert all(len(line) <= LONGEST_LINE for line in found.lines)
