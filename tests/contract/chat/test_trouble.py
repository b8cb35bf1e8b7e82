"""What happens when Slack is down, slow, frozen, or asks us to wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from opsbot.clock import SystemClock
from opsbot.metrics import RECONNECTS
from opsbot.workspace import Workspace, spoken

ALICE = "U01ALICE"


def until(done: Callable[[], Any], within: float = 5.0) -> float:
    started = time.monotonic()
    while not done():
        assert time.monotonic() < started + within, "it did not happen in time"
        time.sleep(0.02)
    return time.monotonic() - started


def answered(workspace: Workspace, word: str, within: float = 10.0) -> bool:
    workspace.say(ALICE, "#ops", f"@opsbot {word}")
    return bool(workspace.wait_for("#ops", f"heard `{word}`", timeout=within))


def test_a_dropped_connection_is_back_within_a_second(bot: Any, workspace: Workspace) -> None:
    bot.start()
    before, count = workspace.links(), RECONNECTS._value.get()
    workspace.drop()
    took = until(lambda: [name for name in workspace.links() if name not in before])
    assert took < 1.0
    assert answered(workspace, "again")
    assert RECONNECTS._value.get() == count + 1


def test_a_frozen_peer_is_noticed_by_its_missing_pong(bot: Any, workspace: Workspace) -> None:
    bot.start()
    assert answered(workspace, "before")
    before = workspace.links()
    workspace.freeze()
    took = until(lambda: [name for name in workspace.links() if name not in before], within=10)
    assert took < 4.0  # one ping a second, 0.5 s for the pong, 0.2 s for a goodbye that nobody answers
    assert answered(workspace, "after")


def test_a_refresh_that_slack_asks_for_loses_no_word(bot: Any, workspace: Workspace) -> None:
    bot.start()
    before = workspace.links()
    workspace.disconnect()
    assert answered(workspace, "meanwhile")
    until(lambda: [name for name in workspace.links() if name not in before])
    assert answered(workspace, "after")
    assert [request.text for request in bot.asked] == ["meanwhile", "after"]


def test_words_said_while_the_connection_was_cut_are_heard_after(bot: Any, workspace: Workspace) -> None:
    bot.start()
    workspace.drop()
    assert answered(workspace, "meanwhile")
    assert [request.text for request in bot.asked] == ["meanwhile"]


def test_slack_down_at_start_is_waited_for(bot: Any, workspace: Workspace) -> None:
    workspace.down()
    front = bot.start(wait=False)
    until(lambda: front.healthy()[1].startswith("Slack is not reached: Slack says"))
    workspace.up()
    workspace.wait_for_links()
    until(lambda: front.healthy()[0])
    assert answered(workspace, "hello")


def test_a_port_that_refuses_at_start_is_waited_for(bot: Any, workspace: Workspace) -> None:
    workspace.away(1.0)
    front = bot.start(wait=False)
    until(lambda: "refused" in front.healthy()[1])
    until(lambda: front.healthy()[0], within=10)


def test_an_outage_is_said_and_survived(bot: Any, workspace: Workspace) -> None:
    front = bot.start()
    workspace.down()
    until(lambda: not front.healthy()[0])
    time.sleep(1.0)
    workspace.up()
    until(lambda: front.healthy()[0], within=10)
    assert answered(workspace, "again")


def test_a_wait_that_slack_asks_for_is_kept_and_nothing_is_lost(bot: Any, workspace: Workspace) -> None:
    bot.start()
    assert answered(workspace, "one")
    workspace.rate_limit("chat.postMessage", count=1, retry_after=2)
    workspace.say(ALICE, "#ops", "@opsbot two")
    workspace.say(ALICE, "#ops", "@opsbot three")
    workspace.wait_for("#ops", "heard `three`")
    posts = [call for call in workspace.calls("chat.postMessage") if call["args"]["channel"] == "C01OPS"]
    refused = next(index for index, call in enumerate(posts) if call["status"] == 429)
    assert posts[refused + 1]["at"] - posts[refused]["at"] >= 2.0
    heard = [spoken(message) for message in workspace.messages("#ops")]
    assert sum("heard `two`" in text for text in heard) == sum("heard `three`" in text for text in heard) == 1


def test_one_channel_that_must_wait_does_not_hold_another(bot: Any, workspace: Workspace) -> None:
    bot.start()
    workspace.rate_limit("chat.postMessage", count=1, retry_after=3)
    workspace.say(ALICE, "#ops", "@opsbot held")
    until(lambda: any(call["status"] == 429 for call in workspace.calls("chat.postMessage")))
    started = time.monotonic()
    workspace.say(ALICE, "#staging", "@opsbot free")
    workspace.wait_for("#staging", "heard `free`")
    assert time.monotonic() - started < 1.5


def test_more_words_than_slack_takes_in_a_second_all_arrive_once(bot: Any, workspace: Workspace) -> None:
    bot.start()
    for number in range(14):
        workspace.say(ALICE, "#ops", f"@opsbot {number}")
    until(lambda: sum("heard" in spoken(m) for m in workspace.messages("#ops")) >= 14, within=15)
    heard = [spoken(message) for message in workspace.messages("#ops") if "heard" in spoken(message)]
    assert len(set(heard)) == len(heard) == 14


def test_stopping_answers_what_was_asked(bot: Any, workspace: Workspace) -> None:
    bot.start()
    plain = bot.answer

    def slowly(request: Any) -> Any:
        SystemClock().sleep(0.5)
        return plain(request)

    bot.answer = slowly
    workspace.say(ALICE, "#ops", "@opsbot last words")
    until(lambda: bot.asked)
    bot.stop()
    assert any("heard `last words`" in spoken(message) for message in workspace.messages("#ops"))
    assert workspace.links() == []


@pytest.mark.long
def test_with_the_settings_we_ship_a_frozen_peer_costs_less_than_thirty_seconds(bot: Any, workspace: Workspace) -> None:
    bot.pings = None
    bot.start()
    before = workspace.links()
    workspace.freeze()
    assert until(lambda: [name for name in workspace.links() if name not in before], within=30) < 15
