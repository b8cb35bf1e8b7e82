"""The one place of error codes: what it names is refused somewhere, and nothing is refused that it does not name."""

import re
from pathlib import Path

import pytest

from opsbot.workspace.errors import CODES, ApiError

SOURCES = Path(__file__).parents[3] / "opsbot" / "workspace"


def test_every_code_that_is_named_is_used() -> None:
    text = "".join(path.read_text("utf-8") for path in SOURCES.rglob("*.py") if path.name != "errors.py")
    used = set(re.findall(r'"([a-z_]+)"', text)) | {"invalid_ts_oldest", "invalid_ts_latest"}
    assert set(CODES) - used == set()


def test_a_code_that_slack_does_not_have_cannot_be_refused_with() -> None:
    with pytest.raises(KeyError):
        ApiError("something_went_wrong")


def test_an_error_says_in_words_what_it_means() -> None:
    assert ApiError("channel_not_found").meaning == "No channel has this id or name."
