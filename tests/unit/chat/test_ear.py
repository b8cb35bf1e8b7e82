"""Deafness is noticed, and quiet is not taken for it."""

from __future__ import annotations

from datetime import UTC, datetime

from opsbot.chat.ear import Ear


class Hands:
    """A clock whose hands the test moves."""

    def __init__(self) -> None:
        self.at = 100.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.at, UTC)

    def monotonic(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds


def ear() -> tuple[Ear, Hands]:
    hands = Hands()
    return Ear(hands, silence=30, echo=20), hands


def test_silence_beyond_the_limit_is_deafness() -> None:
    listening, hands = ear()
    hands.sleep(29)
    assert listening.deaf() is None
    hands.sleep(2)
    assert listening.deaf() == "nothing came in for 31 s"


def test_a_pong_now_and_then_is_enough_on_a_quiet_day() -> None:
    listening, hands = ear()
    for _ in range(20):
        hands.sleep(10)
        listening.hear()
    assert listening.deaf() is None


def test_pongs_without_our_own_message_coming_back_are_deafness() -> None:
    listening, hands = ear()
    listening.hear(event=True, own=True)
    listening.spoke()
    for _ in range(3):
        hands.sleep(8)
        listening.hear()
    assert listening.deaf() == "our own message did not come back within 24 s"


def test_where_our_own_messages_never_come_back_none_is_awaited() -> None:
    listening, hands = ear()
    listening.spoke()
    hands.sleep(25)
    listening.hear()
    assert listening.deaf() is None


def test_any_event_after_our_message_shows_that_we_hear() -> None:
    listening, hands = ear()
    listening.hear(event=True, own=True)
    listening.spoke()
    listening.hear(event=True)
    hands.sleep(25)
    listening.hear()
    assert listening.deaf() is None


def test_a_new_connection_begins_with_good_ears() -> None:
    listening, hands = ear()
    hands.sleep(60)
    assert listening.deaf()
    listening.again()
    assert listening.deaf() is None
