"""Deafness is noticed, and quiet is not taken for it."""

from __future__ import annotations

from datetime import UTC, datetime

from opsbot.chat.ear import Ear, own_message

EARLIER, MINE, ELSEWHERE = ("C1", "1.0"), ("C1", "2.0"), ("D1", "2.5")


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
    listening.hear(event=True, own=EARLIER)
    listening.spoke(MINE)
    for _ in range(3):
        hands.sleep(8)
        listening.hear()
    assert listening.deaf() == "our own message did not come back within 24 s"


def test_where_our_own_messages_never_come_back_none_is_awaited() -> None:
    listening, hands = ear()
    listening.spoke(MINE)
    hands.sleep(25)
    listening.hear()
    assert listening.deaf() is None


def test_where_only_direct_messages_come_back_none_is_awaited_in_a_channel() -> None:
    listening, hands = ear()
    listening.hear(event=True, own=ELSEWHERE)
    listening.spoke(MINE)
    hands.sleep(25)
    listening.hear()
    assert listening.deaf() is None
    listening.spoke((ELSEWHERE[0], "3.0"))
    hands.sleep(25)
    listening.hear()
    assert listening.deaf()


def test_a_message_that_came_back_before_it_was_said_to_be_taken_is_not_awaited() -> None:
    listening, hands = ear()
    listening.hear(event=True, own=EARLIER)
    listening.hear(event=True, own=MINE)
    listening.spoke(MINE)
    hands.sleep(25)
    listening.hear()
    assert listening.deaf() is None


def test_where_slack_stops_to_bring_our_words_back_we_connect_anew_once() -> None:
    listening, hands = ear()
    listening.hear(event=True, own=EARLIER)
    listening.spoke(MINE)
    hands.sleep(25)
    listening.hear()
    assert listening.deaf()
    listening.again()
    listening.spoke(("C1", "4.0"))
    hands.sleep(25)
    listening.hear()
    assert listening.deaf() is None


def test_an_event_is_our_own_message_only_if_the_bot_posted_it() -> None:
    event: dict[str, object] = {"type": "message", "user": "UBOT", "channel": "C1", "ts": "2.0"}
    assert own_message(event, "UBOT") == MINE
    assert own_message(event, "U1") is None
    assert own_message({"type": "app_home_opened", "user": "UBOT"}, "UBOT") is None


def test_any_event_after_our_message_shows_that_we_hear() -> None:
    listening, hands = ear()
    listening.hear(event=True, own=EARLIER)
    listening.spoke(MINE)
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
