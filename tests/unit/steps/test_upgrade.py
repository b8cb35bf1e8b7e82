"""Moving the bot itself: what both versions must understand, and that the image says so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from opsbot.errors import NotFound
from opsbot.runtime import own
from opsbot.steps.upgrade import SCHEMA, schema
from opsbot.store.migrations import ALL

ROOT = Path(__file__).parents[3]


def test_the_image_says_which_record_it_understands() -> None:
    said = re.search(
        rf"^LABEL {re.escape(SCHEMA)}=(\d+)$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert said
    assert int(said[1]) == ALL[-1].number, "count the label in the Dockerfile up with the migrations"


@pytest.mark.parametrize(
    ("label", "migrate", "color", "says"),
    [
        ("3", False, "green", "Both versions understand the record (change 3)."),
        ("2", False, "red", "it would not start"),
        ("2", True, "red", "it would not start"),
        ("4", False, "red", "Keep a copy of the record, then say it again with --migrate yes."),
        ("4", True, "amber", "There is no way back but a copy of the record."),
        (None, False, "amber", "does not say"),
        ("new", False, "amber", "does not say"),
    ],
)
def test_a_version_that_the_other_could_not_follow_is_refused_unless_that_is_wanted(
    label: str | None, migrate: bool, color: str, says: str
) -> None:
    fact = schema(label, 3, migrate=migrate)
    assert (fact.color, says in fact.text) == (color, True), fact.text


def test_a_bot_that_is_no_service_says_how_it_is_brought_up_to_date() -> None:
    with pytest.raises(NotFound, match="does not run as a Swarm service") as caught:
        own.find([])
    assert caught.value.code == "no_service"
