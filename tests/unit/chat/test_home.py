"""When home pages are shown anew: when something changes, not too often, and only to those who looked lately."""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from opsbot.chat.home import LATELY, PACE, VIEWERS, Home
from opsbot.commands.reply import Reply
from opsbot.commands.request import Actor, Request
from opsbot.errors import Unavailable


@dataclass
class Hands:
    """A clock that is moved by hand."""

    at: float = 100.0

    def monotonic(self) -> float:
        return self.at

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def sleep(self, seconds: float) -> None:
        self.at += seconds


@dataclass
class Told:
    """What is shown, and to whom it was."""

    now: Hashable = 1
    looks: int = 0
    broken: bool = False
    refuses: int = 0
    published: list[str] = field(default_factory=list)

    def state(self) -> Hashable:
        self.looks += 1
        return self.now

    def home(self, request: Request) -> Sequence[Reply]:
        if self.broken:
            raise Unavailable("The store does not answer.")
        return [Reply(f"for {request.actor.name}")]

    def publish(self, user: str, view: dict[str, Any]) -> bool:
        if self.refuses:
            self.refuses -= 1
            return False
        self.published.append(user)
        return True


@dataclass
class Page:
    clock: Hands
    told: Told
    home: Home

    def settled(self) -> list[str]:
        """Who got a page, once nothing more is on its way."""
        limit = time.monotonic() + 2
        while self.home._due and time.monotonic() < limit:
            time.sleep(0.005)
        done = threading.Event()
        self.home._workers.submit(done.set)
        self.home._workers.submit(done.wait, 2).result(2)
        time.sleep(0.02)
        shown, self.told.published = sorted(self.told.published), []
        return shown


@pytest.fixture
def page() -> Iterator[Page]:
    clock, told = Hands(), Told()
    made = Home(told, told, clock, lambda user, _team: Actor("person", user, user.lower()))  # type: ignore[arg-type]  # what it uses of each
    yield Page(clock, told, made)
    made.stop()


def test_whoever_opens_it_sees_it_at_once(page: Page) -> None:
    page.home.opened("U1", "T1")
    assert page.settled() == ["U1"]


def test_it_is_shown_anew_when_something_changed_and_not_otherwise(page: Page) -> None:
    page.home.opened("U1", "T1")
    page.home.sweep()
    page.settled()
    page.clock.at += PACE
    page.home.sweep()
    assert page.settled() == []
    page.told.now = 2
    page.clock.at += PACE
    page.home.sweep()
    assert page.settled() == ["U1"]


def test_changes_in_a_row_are_looked_for_no_more_often_than_the_pace(page: Page) -> None:
    page.home.opened("U1", "T1")
    for number in range(100):
        page.told.now = number
        page.clock.at += PACE / 10
        page.home.sweep()
    assert page.told.looks <= 11
    assert len(page.settled()) <= 12


def test_nobody_looks_so_nothing_is_looked_for(page: Page) -> None:
    page.home.sweep()
    page.home.opened("U1", "T1")
    page.settled()
    page.clock.at += LATELY + 1
    page.told.now = 2
    page.home.sweep()
    assert page.settled() == []
    assert page.told.looks == 0


def test_of_many_viewers_the_latest_are_kept_up_to_date(page: Page) -> None:
    for number in range(VIEWERS + 10):
        page.clock.at += 0.1
        page.home.opened(f"U{number}", "T1")
    page.settled()
    page.home.sweep()
    shown = page.settled()
    assert len(shown) == VIEWERS
    assert "U0" not in shown


def test_a_store_that_does_not_answer_keeps_nobody_from_the_next_page(page: Page) -> None:
    page.told.broken = True
    page.home.opened("U1", "T1")
    assert page.settled() == []
    page.told.broken = False
    page.home.opened("U1", "T1")
    assert page.settled() == ["U1"]


def test_a_page_that_slack_did_not_take_is_shown_with_the_next_look(page: Page) -> None:
    page.home.opened("U1", "T1")
    page.home.sweep()
    page.settled()
    page.told.now, page.told.refuses = 2, 1
    page.clock.at += PACE
    page.home.sweep()
    assert page.settled() == []
    page.clock.at += PACE
    page.home.sweep()
    assert page.settled() == ["U1"]
