"""The mark in a database's comment survives a person's words, and they survive it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from opsbot.postgres import marks
from opsbot.postgres.databases import LONGEST, derived
from opsbot.postgres.marks import Mark

WORDS = st.text().filter(lambda text: "[opsbot" not in text)
NAMES = st.text(min_size=1, max_size=63)


@given(WORDS, NAMES, NAMES)
def test_a_mark_is_read_back_from_behind_any_words(words: str, run: str, name: str) -> None:
    mark = Mark(kind="loaded", run=run, of=name, rows=3, backup="20260101-000000-abcd")
    assert marks.read(marks.write(words, mark)) == mark


@given(WORDS)
def test_marking_and_unmarking_leaves_the_words_alone(words: str) -> None:
    once = marks.write(words, Mark(kind="swapping", run="r", of="shop"))
    twice = marks.write(once, Mark(kind="restored", run="r", of="shop"))
    assert (marks.write(twice, None) or "") == words.strip()


def test_words_that_only_look_like_a_mark_are_no_mark() -> None:
    for comment in (None, "", "[opsbot]", "[opsbot {}]", '[opsbot {"kind": "dropped"}]', "[opsbot {broken}]"):
        assert marks.read(comment) is None


@given(NAMES, st.text(alphabet="abcdef0123456789_-", max_size=30))
def test_a_derived_name_is_a_whole_identifier_that_ends_as_it_should(name: str, suffix: str) -> None:
    made = derived(name, f"_new_{suffix}")
    assert len(made.encode()) <= LONGEST
    assert made.endswith(f"_new_{suffix}")
    assert name.startswith(made.removesuffix(f"_new_{suffix}"))
