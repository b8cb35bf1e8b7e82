"""Which of Slack's envelopes are words for us."""

from __future__ import annotations

from typing import Any

import pytest

from opsbot.chat.slack import from_click, from_event, from_slash, says_nothing

BOT = "UBOT"


def event(**fields: Any) -> dict[str, Any]:
    said = {"type": "message", "user": "U1", "text": "<@UBOT> status", "channel": "C1", "ts": "1.5"}
    return {"team_id": "T1", "event": said | fields}


def test_a_mention_is_for_us_without_the_mention() -> None:
    ask = from_event(event(), BOT)
    assert ask
    assert (ask.user, ask.team, ask.text, ask.channel, ask.thread) == ("U1", "T1", "status", "C1", None)


@pytest.mark.parametrize("text", ["<@UBOT|opsbot> status", "  <@UBOT>status ", "status <@UBOT>"])
def test_a_mention_may_be_written_in_several_ways(text: str) -> None:
    ask = from_event(event(text=text), BOT)
    assert ask
    assert ask.text == "status"


def test_the_two_events_of_one_mention_have_one_key() -> None:
    first, second = from_event(event(type="app_mention"), BOT), from_event(event(), BOT)
    assert first
    assert second
    assert first.key == second.key == "message:T1:C1:1.5"


def test_the_second_event_of_a_mention_says_nothing_new() -> None:
    heard: set[str] = set()
    first, second = event(type="app_mention"), event()
    assert not says_nothing(first, BOT, heard.__contains__)

    heard.add("message:T1:C1:1.5")

    assert says_nothing(second, BOT, heard.__contains__)


def test_our_own_post_says_nothing_and_a_look_at_our_home_page_does() -> None:
    assert says_nothing(event(bot_id="B1"), BOT, lambda _key: False)
    assert not says_nothing({"event": {"type": "app_home_opened", "user": "U1"}}, BOT, lambda _key: True)


@pytest.mark.parametrize(
    "fields",
    [
        {"text": "status"},
        {"text": "<@UBOTTLE> status"},
        {"bot_id": "B2"},
        {"user": "UBOT"},
        {"user": None},
        {"subtype": "message_changed"},
        {"subtype": "channel_join"},
        {"subtype": "bot_message"},
        {"text": None},
    ],
)
def test_other_words_are_not_for_us(fields: dict[str, Any]) -> None:
    assert from_event(event(**fields), BOT) is None


def test_an_event_without_a_message_is_not_for_us() -> None:
    assert from_event({"team_id": "T1", "event": {"type": "reaction_added", "user": "U1"}}, BOT) is None


def test_a_direct_message_needs_no_mention() -> None:
    ask = from_event(event(text="status", channel="D1", channel_type="im"), BOT)
    assert ask
    assert ask.text == "status"


def test_somebody_of_another_team_is_seen_as_such() -> None:
    ask = from_event(event(user_team="T2"), BOT)
    assert ask
    assert ask.team == "T2"


def test_a_slash_command_carries_where_and_how_to_answer() -> None:
    body = {"user_id": "U1", "team_id": "T1", "text": "status", "channel_id": "C1", "channel_name": "ops"}
    ask = from_slash(body | {"trigger_id": "9.9", "response_url": "http://x"})
    assert (ask.channel_name, ask.key, ask.response_url, ask.quiet) == ("#ops", "slash:9.9", "http://x", False)
    assert from_slash(body | {"channel_name": "directmessage"}).channel_name is None


def test_a_click_says_the_buttons_command_in_the_clickers_name_and_thread() -> None:
    body = {
        "user": {"id": "U2", "team_id": "T1"},
        "channel": {"id": "C1"},
        "message": {"ts": "2.0", "thread_ts": "1.0"},
        "actions": [{"action_id": "say:0", "value": "ack 4", "action_ts": "3.0"}],
        "trigger_id": "7.7",
    }
    ask = from_click(body)
    assert ask
    assert (ask.user, ask.text, ask.thread, ask.key, ask.quiet) == ("U2", "ack 4", "1.0", "click:7.7", True)


def test_a_click_without_a_command_is_nothing() -> None:
    assert from_click({"user": {"id": "U2"}, "channel": {"id": "C1"}, "actions": [{"action_id": "say:0"}]}) is None


def test_a_click_on_a_card_that_others_see_tells_which_card() -> None:
    body = {
        "user": {"id": "U2"},
        "channel": {"id": "C1"},
        "message": {"ts": "1.0"},
        "container": {"type": "message", "is_ephemeral": False},
        "actions": [{"action_id": "say:0", "value": "chart staging", "action_ts": "3.0"}],
    }
    seen, whispered = from_click(body), from_click(body | {"container": {"type": "message", "is_ephemeral": True}})
    assert seen
    assert whispered
    assert (seen.card, seen.thread, whispered.card) == ("1.0", None, None)
