"""The fast way to make a batch says the same as the careful one, and one special value is enough for the careful one."""

from __future__ import annotations

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mover.batch import BETWEEN, ROWS, at_once, batch, checksum, one_by_one
from mover.mapping import Table

VALUES = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
ROWS_OF_TWO = st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=8)
MESSAGES = Table("messages", "message", ("message_id",), {"text": "text", "message_id": "message_id"})


def read(text: str) -> list[list[str | None]]:
    """What COPY makes of it, after its documentation: a line is a row, and a backslash changes what the next sign means."""
    rows: list[list[str | None]] = []
    for line in text.removesuffix("\n").split("\n"):
        fields: list[list[str]] = [[]]
        for sign in re.findall(r"\\.|[^\\]", line, re.DOTALL):
            if sign == BETWEEN:
                fields.append([])
            else:
                fields[-1].append(sign)
        rows.append([None if signs == [r"\N"] else "".join(map(meant, signs)) for signs in fields])
    return rows


def meant(sign: str) -> str:
    """The character that one sign stands for."""
    return {r"\n": "\n", r"\r": "\r"}.get(sign, sign[-1])


@given(ROWS_OF_TWO)
def test_both_ways_are_read_as_the_rows_that_went_in(rows: list[tuple[str, str]]) -> None:
    fast, careful = at_once(rows), one_by_one(rows)
    without = [[value.replace("\0", "") for value in row] for row in rows]
    assert [line.split(BETWEEN) for line in careful[0]] == [BETWEEN.join(row).split(BETWEEN) for row in without]
    assert fast is None or fast[0] == careful[0]
    for _, text in filter(None, (fast, careful)):
        assert read(text) == without


@pytest.mark.parametrize("special", [None, "a\0b", f"a{BETWEEN}b", f"a{ROWS}b"])
def test_a_special_value_is_not_for_the_fast_way(special: str | None) -> None:
    assert at_once([("a", "b"), ("c", "d")]) is not None
    assert at_once([("a", "b"), ("c", special)]) is None


def test_an_empty_value_is_no_text() -> None:
    assert read(one_by_one([("a", None)])[1]) == [["a", None]]


def test_a_batch_knows_its_last_key_and_its_sum() -> None:
    made = batch([("a", "1"), ("b", "12")], MESSAGES)
    digests = [hashlib.md5(line, usedforsecurity=False).digest() for line in (b"a\x1f1", b"b\x1f12")]
    sums = [int.from_bytes(digest[:8], "big", signed=True) for digest in digests]
    assert (made.rows, made.after, made.checksum) == (2, ("12",), sum(sums))
    assert checksum([]) == 0
