"""Errors, time and the log: the words that every room uses."""

import logging
from datetime import UTC, datetime, timedelta

import pytest

from opsbot import clock, log
from opsbot.errors import OpsError, Unavailable, closest, did_you_mean


def test_an_error_says_what_happened_what_to_do_and_whether_again_helps() -> None:
    error = Unavailable("The registry does not answer.", "Start it.")
    assert str(error) == "The registry does not answer. Start it."
    assert error.as_json() == {
        "code": "unavailable",
        "what": "The registry does not answer.",
        "fix": "Start it.",
        "again": True,
    }
    assert OpsError("No.").again is False


def test_close_matches_come_first_and_a_short_list_is_shown_whole() -> None:
    assert closest("delpoy", ["deploy", "rollback", "status"])[0] == "deploy"
    assert did_you_mean("stagin", ["staging", "production"]) == "Did you mean staging?"
    assert did_you_mean("zzz", ["a", "b"]) == "Known: a, b."
    assert did_you_mean("zzz", [str(n) for n in range(100, 200)]) == ""


@pytest.mark.parametrize(
    ("seconds", "says"),
    [(5, "5 s ago"), (180, "3 min ago"), (7500, "2 h 5 min ago"), (4 * 86400, "4 days ago"), (-3, "0 s ago")],
)
def test_how_long_ago_reads_as_a_person_would_say_it(seconds: int, says: str) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert clock.ago(now - timedelta(seconds=seconds), now) == says


def test_a_secret_never_prints_and_is_blanked_by_value_everywhere(caplog: pytest.LogCaptureFixture) -> None:
    value = log.Secret("s3cr3t-value-of-the-test")
    assert "s3cr3t" not in f"{value} {value!r}"
    assert log.redactor.clean("url=s3cr3t-value-of-the-test!") == f"url={log.REDACTED}!"
    formatted = log._Line("%(message)s").format(
        logging.LogRecord("x", logging.INFO, "", 0, "password %s", ("s3cr3t-value-of-the-test",), None)
    )
    assert formatted == f"password {log.REDACTED}"


def test_a_log_line_starts_with_its_action(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        log.get("x").info("deploy.switch", release=4, what="two words")
    assert caplog.messages == ["action=deploy.switch release=4 what='two words'"]
