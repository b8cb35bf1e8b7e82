"""Who sends a letter, and when."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import cast

import pytest

from opsbot.chat.delivery import Delivery
from opsbot.chat.letter import Letter
from opsbot.chat.mailer import TryAgain
from opsbot.chat.outbox import Outbox
from opsbot.chat.render import Rendered
from opsbot.clock import SystemClock

SOON = 5.0  # seconds


class Post:
    """Takes letters as Delivery does; `before` runs while one is on its way."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []
        self.at_once = self.most = 0
        self.before: Callable[[Letter], None] = lambda _letter: None
        self._guard = threading.Lock()

    def deliver(self, letter: Letter) -> None:
        with self._guard:
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        try:
            self.before(letter)
            self.taken.append((letter.body.text, threading.current_thread().name))
        finally:
            with self._guard:
                self.at_once -= 1

    @property
    def texts(self) -> list[str]:
        return [text for text, _thread in self.taken]


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def outbox(post: Post) -> Iterator[Outbox]:
    made = Outbox(cast(Delivery, post), SystemClock())
    made.start()
    yield made
    made.stop()


def letter(text: str, sent: Callable[[], None] = lambda: None) -> Letter:
    return Letter(channel="C1", body=Rendered(text, []), sent=sent)


def wait_for(outbox: Outbox) -> None:
    """Until everything that was put before was sent."""
    done = threading.Event()
    outbox.put(letter("last", done.set))
    assert done.wait(SOON)


def test_an_answer_goes_out_in_its_callers_thread_when_nothing_else_waits(outbox: Outbox, post: Post) -> None:
    outbox.answer(letter("hello"))

    assert post.taken == [("hello", threading.current_thread().name)]


def test_an_answer_waits_behind_what_is_on_its_way(outbox: Outbox, post: Post) -> None:
    on_its_way, go_on = threading.Event(), threading.Event()

    def hold(one: Letter) -> None:
        if one.body.text == "first":
            on_its_way.set()
            assert go_on.wait(SOON)

    post.before = hold
    outbox.put(letter("first"))
    assert on_its_way.wait(SOON)
    outbox.answer(letter("second"))
    assert post.texts == []

    go_on.set()
    wait_for(outbox)

    assert post.texts == ["first", "second", "last"]


def test_an_answer_that_slack_did_not_take_is_sent_again_later(outbox: Outbox, post: Post) -> None:
    refusals = [TryAgain("busy", after=0.05)]

    def refuse(_one: Letter) -> None:
        if refusals:
            raise refusals.pop()

    post.before = refuse
    outbox.answer(letter("hello"))
    assert post.texts == []

    wait_for(outbox)

    assert post.texts == ["hello", "last"]
    assert post.taken[0][1] == "outbox"


def test_whoever_sends_only_one_letter_is_on_its_way_at_a_time_and_none_is_lost(outbox: Outbox, post: Post) -> None:
    people = [
        threading.Thread(target=lambda n=n: [say(letter(f"{n}")) for say in (outbox.answer, outbox.put) * 25])
        for n in range(8)
    ]
    for person in people:
        person.start()
    for person in people:
        person.join()
    wait_for(outbox)

    assert post.most == 1
    assert sorted(post.texts) == sorted([f"{n}" for n in range(8)] * 50 + ["last"])


def test_before_the_start_nothing_is_sent(post: Post) -> None:
    outbox = Outbox(cast(Delivery, post), SystemClock())
    outbox.answer(letter("early"))
    assert post.texts == []

    outbox.start()
    wait_for(outbox)
    outbox.stop()

    assert post.texts == ["early", "last"]
