"""Which tags are offered first."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsbot.runtime import tag_order
from opsbot.runtime.tag_order import is_commit, natural, newest_first


@pytest.mark.parametrize("tag", ["3f9c2ab", "main-3f9c2ab", "sha-0a1b2c3d4e", "1" * 39 + "a"])
def test_a_commit_is_known_by_its_name(tag: str) -> None:
    assert is_commit(tag)


@pytest.mark.parametrize("tag", ["v1", "1.10", "20261120", "latest", "deadbeef", "2026-11-20", "v1.2.3-rc1", "staging"])
def test_versions_dates_and_words_are_no_commits(tag: str) -> None:
    assert not is_commit(tag)


def test_no_age_is_asked_for_where_versions_tell_it() -> None:
    def age(tag: str) -> str:
        raise AssertionError(tag)

    assert newest_first(["1.9", "1.10", "latest"], age) == ["1.10", "1.9", "latest"]


def test_ages_that_cannot_be_had_cost_neither_the_list_nor_much_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tag_order, "WITHIN", 0.2)
    hang = threading.Event()

    def age(tag: str) -> str:
        if tag == "aaaaaa1":
            raise OSError("gone")
        if tag == "bbbbbb1":
            hang.wait(20)
        return "2026-11-20T10:00:00Z"

    began = time.monotonic()
    assert newest_first(["aaaaaa1", "bbbbbb1", "cccccc1"], age)[0] == "cccccc1"
    assert time.monotonic() - began < 3
    hang.set()


def test_a_tag_that_is_made_to_take_long_takes_no_time() -> None:
    began = time.monotonic()
    newest_first(["1" + "_a" * 63 + "-", "v1" + "-a_" * 40, "a" * 120 + "!"], lambda _tag: "")
    assert time.monotonic() - began < 1


@given(st.lists(st.text("abf019v.-", min_size=1, max_size=9)))
def test_every_tag_is_there_once(tags: list[str]) -> None:
    assert sorted(newest_first(tags, lambda _tag: "")) == sorted(set(tags))


def test_ten_is_more_than_nine() -> None:
    assert max(["v9", "v10"], key=natural) == "v10"
