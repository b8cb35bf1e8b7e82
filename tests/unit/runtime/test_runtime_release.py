"""The rules of releases: which one a rollback returns to, which colour is idle, what the tasks say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsbot.runtime import release as rules


@dataclass(frozen=True)
class Row:
    """What the pure rules read of a recorded release."""

    number: int
    tag: str = "v1"
    digest: str = "sha256:0"
    state: str = "retired"
    retired_at: datetime | None = None
    image: str = "registry/web@sha256:0"
    live_at: datetime | None = datetime(2026, 1, 1, tzinfo=UTC)


def at(minute: int) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)


def spec(number: str, image: str = "registry/web@sha256:0") -> dict[str, Any]:
    return {"Labels": {"opsbot.release": number}, "TaskTemplate": {"ContainerSpec": {"Image": image}}}


class History:
    """A record of releases that obeys the store's rules: one is live, marking another live retires it."""

    def __init__(self) -> None:
        self.rows: dict[int, Row] = {}
        self.live: int | None = None
        self._minute = 0

    def deploy(self, succeeds: bool) -> None:
        number = len(self.rows) + 1
        self.rows[number] = Row(number, tag=f"v{number}", state="abandoned")
        if succeeds:
            self._go(number)

    def roll_back(self) -> int | None:
        found = rules.previous_good(self.rows.values(), self.live)
        if found is None:
            return None
        left = self.live
        self._go(found.number)
        if left is not None:
            self.rows[left] = Row(left, tag=f"v{left}", state="bad", retired_at=at(self._minute))
        return found.number

    def _go(self, number: int) -> None:
        self._minute += 1
        if self.live is not None and self.live != number:
            self.rows[self.live] = Row(self.live, f"v{self.live}", state="retired", retired_at=at(self._minute))
        self.rows[number] = Row(number, f"v{number}", state="live")
        self.live = number


moves = st.lists(st.sampled_from(["deploy", "failed deploy", "rollback"]), max_size=30)


@given(moves)
def test_a_rollback_right_after_a_deploy_returns_to_what_was_live_before_it(steps: list[str]) -> None:
    history = History()
    for step in steps:
        before = history.live
        if step == "rollback":
            history.roll_back()
            continue
        history.deploy(succeeds=step == "deploy")
        if step == "deploy" and before is not None:
            promised = rules.previous_good(history.rows.values(), history.live)
            assert promised is not None
            assert promised.number == before


@given(moves)
def test_rollbacks_only_lead_to_older_releases_that_served_and_are_not_blocked(steps: list[str]) -> None:
    history = History()
    for step in steps:
        history.deploy(step == "deploy") if step != "rollback" else None
        found = rules.previous_good(history.rows.values(), history.live)
        if found is not None:
            assert found.state in ("retired", "live")
            assert history.live is None or found.number < history.live
        if step == "rollback":
            history.roll_back()


@given(moves)
def test_rolling_back_again_and_again_comes_to_an_end(steps: list[str]) -> None:
    history = History()
    for step in steps:
        history.roll_back() if step == "rollback" else history.deploy(step == "deploy")
    seen = [history.live]
    for _ in range(len(history.rows) + 1):
        number = history.roll_back()
        if number is None:
            break
        assert number not in seen
        seen.append(number)
    assert history.roll_back() is None


def test_after_a_rollback_and_a_new_deploy_the_way_back_is_the_release_that_was_rolled_back_to() -> None:
    rows = [
        Row(4, state="live"),
        Row(3, state="bad", retired_at=at(4)),
        Row(2, state="retired", retired_at=at(3)),
        Row(1, state="retired", retired_at=at(5)),
    ]
    found = rules.previous_good(rows, 4)
    assert found is not None
    assert found.number == 1


def test_a_tag_means_its_newest_release_that_served() -> None:
    rows = [Row(5, "v2", state="abandoned"), Row(4, "v2"), Row(3, "v1"), Row(2, "v2")]
    found = rules.named(rows, "v2", "web")
    assert found is not None
    assert found.number == 4


@pytest.mark.parametrize("word", ["3", "web-3"])
def test_a_number_means_the_release_of_that_number(word: str) -> None:
    found = rules.named([Row(5, "v5"), Row(3, "v1")], word, "web")
    assert found is not None
    assert found.number == 3


@pytest.mark.parametrize("word", ["db-3", "web-", "web-x", "-3", "web-web-3"])
def test_a_number_of_another_service_means_no_release_of_this_one(word: str) -> None:
    assert rules.named([Row(3, "v1")], word, "web") is None


def test_a_release_that_never_served_is_no_way_back_whatever_its_state_says() -> None:
    assert rules.previous_good([Row(2, state="live"), Row(1, live_at=None)], 2) is None


@given(st.integers(1, 99), st.integers(1, 99), st.sampled_from(["a@sha256:1", "a@sha256:2"]))
def test_a_release_is_known_by_its_number_and_its_image(number: int, label: int, image: str) -> None:
    found = rules.is_release(spec(str(label), image), Row(number, image="a@sha256:1"))
    assert found == (number == label and image == "a@sha256:1")


def test_what_a_service_says_of_itself_must_fit_in_number_and_tag() -> None:
    row = Row(7, "v2")
    assert rules.tells({"release": "7", "tag": "v2"}, row)
    assert rules.tells({"release": 7}, row), "an application need not tell its tag"
    assert not rules.tells({"release": "7", "tag": "v1"}, row)
    assert not rules.tells({"release": "8", "tag": "v2"}, row)
    assert not rules.tells(None, row)


def test_the_highest_number_is_found_among_labels_of_any_kind() -> None:
    assert rules.highest([spec("3"), spec("12"), spec(""), spec("v9"), {"Labels": None}]) == 12
    assert rules.highest([]) == 0


def test_a_tag_that_is_a_number_is_a_tag_first() -> None:
    found = rules.named([Row(5, "3"), Row(3, "v1")], "3", "web")
    assert found is not None
    assert found.number == 5


def test_the_first_release_is_blue_and_each_next_one_takes_the_other_colour() -> None:
    assert rules.idle(None) == "blue"
    assert [rules.idle(colour) for colour in rules.COLOURS] == ["green", "blue"]


@pytest.mark.parametrize(("text", "size"), [("256m", 268435456), ("1g", 1073741824), ("512", 512), ("64MB", 67108864)])
def test_memory_is_read_as_people_write_it(text: str, size: int) -> None:
    assert rules.memory_bytes(text) == size


@pytest.mark.parametrize("text", ["", "lots", "1.5g", "-1m"])
def test_what_is_no_amount_of_memory_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="256m"):
        rules.memory_bytes(text)


def task(release: str, state: str, desired: str = "running", ident: str = "") -> dict[str, Any]:
    return {
        "ID": ident or f"{release}-{state}",
        "DesiredState": desired,
        "Status": {"State": state, "Message": "started"},
        "Spec": {"ContainerSpec": {"Labels": {rules.RELEASE: release}}},
    }


def test_a_release_has_settled_only_when_no_task_of_another_one_runs() -> None:
    both = [task("2", "running"), task("2", "running"), task("1", "running")]
    assert not rules.observe(both, "2").settled(2)
    drained = [task("2", "running"), task("2", "running"), task("1", "running", desired="shutdown")]
    assert rules.observe(drained, "2").settled(2)


def test_a_starting_task_is_not_ready_and_says_why() -> None:
    seen = rules.observe([task("2", "running"), task("2", "starting")], "2")
    assert (seen.ready, seen.waiting) == (1, "started")


def test_failures_from_before_this_attempt_are_not_counted() -> None:
    tasks = [task("2", "failed", "shutdown", "old"), task("2", "failed", "shutdown", "new")]
    seen = rules.observe(tasks, "2", before=frozenset({"old"}))
    assert [found["ID"] for found in seen.failed] == ["new"]


def test_a_task_that_is_none_of_ours_counts_as_another_release() -> None:
    foreign = {"ID": "x", "DesiredState": "running", "Status": {"State": "running"}, "Spec": {"ContainerSpec": {}}}
    assert rules.observe([foreign], "1").others == 1
