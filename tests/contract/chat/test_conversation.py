"""People talk to the bot in a real local workspace."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from opsbot.chat.slack import Ask
from opsbot.commands.reply import HEARD_BEFORE, Button, Code, Reply
from opsbot.commands.request import Request
from opsbot.workspace import Workspace, spoken

DOORS = ("socket", "http")
ALICE, BOB, DAVE, CI = "U01ALICE", "U02BOB", "U04DAVE", "UCIBOT"


def until(done: Callable[[], Any], within: float = 5.0) -> Any:
    limit = time.monotonic() + within
    while not (found := done()):
        assert time.monotonic() < limit, "it did not happen in time"
        time.sleep(0.02)
    return found


@pytest.fixture
def up(bot: Any) -> Any:
    bot.start()
    return bot


def test_a_mention_is_answered_in_its_channel(up: Any, workspace: Workspace) -> None:
    workspace.say(ALICE, "#ops", "@opsbot status")
    message = workspace.wait_for("#ops", "heard `status`")
    assert message.get("thread_ts") is None
    [request] = up.asked
    assert (request.actor.id, request.actor.name, request.actor.timezone) == (ALICE, "alice", "Europe/Copenhagen")
    assert (request.channel, request.channel_name, request.door) == ("C01OPS", "#ops", "slack")


@pytest.mark.parametrize("granted", ["everything"])
def test_a_mention_that_comes_as_two_events_is_heard_once(up: Any, workspace: Workspace) -> None:
    workspace.say(ALICE, "#ops", "@opsbot status")
    workspace.say(ALICE, "#ops", "@opsbot help")
    workspace.wait_for("#ops", "heard `help`")
    until(lambda: sum(call["kind"] == "events_api" for call in workspace.deliveries()) >= 4)
    assert sorted(request.text for request in up.asked) == ["help", "status"]


def test_a_slash_command_is_answered(up: Any, workspace: Workspace) -> None:
    assert workspace.slash(ALICE, "#ops", "/ops", "deploy v2 to staging") == "ok"
    workspace.wait_for("#ops", "heard `deploy v2 to staging`")


def test_words_reach_the_front_as_slack_wrote_them(up: Any, workspace: Workspace) -> None:
    workspace.say(ALICE, "#ops", "@opsbot say “a & b” to @bob")
    workspace.wait_for("#ops", "heard")
    assert up.asked[0].text == "say “a &amp; b” to <@U02BOB>"


def test_a_question_in_a_thread_is_answered_in_that_thread(up: Any, workspace: Workspace) -> None:
    parent = workspace.say(ALICE, "#ops", "I wonder")
    workspace.say(ALICE, "#ops", "@opsbot status", thread_ts=parent)
    until(lambda: up.asked)
    until(lambda: [m for m in workspace.messages("#ops", thread_ts=parent) if "heard" in spoken(m)])


def test_a_guest_is_known_as_a_guest(up: Any, workspace: Workspace) -> None:
    workspace.say(DAVE, "#ops", "@opsbot status")
    workspace.wait_for("#ops", "heard")
    assert up.asked[0].actor.guest


def test_chatter_other_bots_and_our_own_words_are_not_for_us(up: Any, workspace: Workspace) -> None:
    up.answer = lambda _request: Reply("I said @opsbot <@UOPSBOT> status")
    workspace.say(CI, "#ops", "@opsbot deploy v9")
    workspace.say(ALICE, "#ops", "lunch?")
    workspace.say(ALICE, "#ops", "@opsbot once")
    workspace.wait_for("#ops", "I said")
    time.sleep(0.3)
    assert [request.text for request in up.asked] == ["once"]


@pytest.mark.parametrize("granted", ["everything"])
def test_every_event_is_acknowledged_also_those_that_nobody_wants(up: Any, workspace: Workspace) -> None:
    ts = workspace.say(ALICE, "#ops", "lunch?")
    workspace.send("POST", "/control/react", {"user": BOB, "channel": "#ops", "ts": ts, "name": "eyes"})
    until(lambda: len([call for call in workspace.deliveries() if call["kind"] == "events_api"]) >= 2)
    time.sleep(0.3)
    assert {call["outcome"] for call in workspace.deliveries()} == {"acknowledged"}
    assert {call["attempt"] for call in workspace.deliveries()} == {0}


def test_six_commands_that_take_long_are_all_acknowledged_at_once(up: Any, workspace: Workspace) -> None:
    release = threading.Event()
    up.answer = lambda request: Reply(f"slow {request.text} {release.wait(4)}")
    for number in range(12):
        started = time.monotonic()
        assert workspace.slash(ALICE, "#ops", "/ops", f"wait {number}") == "ok"
        assert time.monotonic() - started < 1.0
    release.set()
    workspace.wait_for("#ops", "slow wait 11")


def test_whoever_waits_long_is_told_that_the_words_arrived(up: Any, workspace: Workspace) -> None:
    release = threading.Event()
    up.answer = lambda _request: Reply(f"slowly {release.wait(8)}")
    workspace.say(ALICE, "#ops", "@opsbot deploy v2 to staging")
    workspace.wait_for("#ops", "I am on it", as_user=ALICE)
    release.set()
    workspace.wait_for("#ops", "slowly True")


def test_a_private_answer_is_seen_by_its_asker_alone(up: Any, workspace: Workspace) -> None:
    up.answer = lambda _request: Reply("only for you", private=True, ok=False)
    workspace.say(ALICE, "#ops", "@opsbot deploy v2 to production")
    workspace.wait_for("#ops", "only for you", as_user=ALICE)
    assert not [m for m in workspace.messages("#ops", BOB) if "only for you" in spoken(m)]


def test_a_slash_command_where_the_bot_is_no_member_is_answered_all_the_same(up: Any, workspace: Workspace) -> None:
    assert workspace.slash(ALICE, "#random", "/ops", "status") == "ok"
    workspace.wait_for("#random", "heard `status`", as_user=ALICE)


def test_a_button_says_its_command_in_the_clickers_name(up: Any, workspace: Workspace) -> None:
    up.answer = lambda request: Reply(f"heard `{request.text}`", buttons=[Button("Roll back", "rollback staging")])
    workspace.say(ALICE, "#ops", "@opsbot status")
    message = workspace.wait_for("#ops", "heard `status`")
    assert workspace.click(BOB, "#ops", message["ts"], "say:0") == "ok"
    workspace.wait_for("#ops", "heard `rollback staging`", as_user=BOB)
    assert (up.asked[1].actor.id, up.asked[1].text) == (BOB, "rollback staging")


def test_what_one_person_sees_costs_no_call_while_its_address_is_good(up: Any, workspace: Workspace) -> None:
    """Calls for one person's eyes are a hundred a minute over all channels: fifty people at their buttons would wait."""
    up.answer = lambda request: Reply(f"heard `{request.text}`", buttons=[Button("More", "more")])
    workspace.say(ALICE, "#ops", "@opsbot status")
    message = workspace.wait_for("#ops", "heard `status`")
    assert workspace.click(BOB, "#ops", message["ts"], "say:0") == "ok"
    assert workspace.wait_for("#ops", "heard `more`", BOB)["only_for"] == BOB
    assert workspace.calls("chat.postEphemeral") == []
    triggers = workspace.hub.triggers
    triggers.settings = replace(triggers.settings, response_url_posts=0)  # as if its five posts were used
    assert workspace.click(ALICE, "#ops", message["ts"], "say:0") == "ok"
    assert workspace.wait_for("#ops", "heard `more`", ALICE)["only_for"] == ALICE
    assert [call["ok"] for call in workspace.calls("chat.postEphemeral")] == [True]


@pytest.mark.parametrize("granted", ["everything"])
def test_a_direct_message_needs_no_mention(up: Any, workspace: Workspace) -> None:
    place = up.running._client.conversations_open(users=ALICE)["channel"]["id"]
    workspace.say(ALICE, place, "status")
    workspace.wait_for(place, "heard `status`", as_user=ALICE)


def test_a_front_that_breaks_is_said_and_does_not_break_the_next(up: Any, workspace: Workspace) -> None:
    def answer(request: Request) -> Reply:
        if request.text == "break":
            raise ZeroDivisionError
        return Reply("fine again")

    up.answer = answer
    workspace.say(ALICE, "#ops", "@opsbot break")
    workspace.wait_for("#ops", "Something in me broke", as_user=ALICE)
    workspace.say(ALICE, "#ops", "@opsbot status")
    workspace.wait_for("#ops", "fine again")


def test_64_kb_go_in_and_64_kb_of_answer_become_a_message_that_slack_takes(up: Any, workspace: Workspace) -> None:
    up.answer = lambda request: Reply(f"heard {len(request.text)}", parts=[Code("<&>" * 22_000 + "the end")])
    workspace.say(ALICE, "#ops", "@opsbot " + "x" * 39_000)
    message = workspace.wait_for("#ops", "heard 39000")
    assert "the end" in spoken(message)
    assert workspace.slash(ALICE, "#ops", "/ops", "y" * 65_536) == "ok"
    workspace.wait_for("#ops", "heard 65536")


def test_words_that_the_front_has_acted_on_before_are_not_answered_again(bot: Any, workspace: Workspace) -> None:
    again = Ask(ALICE, "T01", "deploy", "C01OPS", "message:T01:C01OPS:1.0")
    bot.start()._answers.take(again)
    workspace.wait_for("#ops", "heard `deploy`")
    bot.stop()
    bot.answer = lambda request: (
        Reply("twice", code=HEARD_BEFORE) if request.key == again.key else Reply(f"heard `{request.text}`")
    )
    bot.start()._answers.take(again)
    workspace.say(ALICE, "#ops", "@opsbot help")
    workspace.wait_for("#ops", "heard `help`")
    assert "twice" not in "".join(spoken(message) for message in workspace.messages("#ops", ALICE))
