"""What happens when Slack is down, slow, or asks us to wait. (A lost connection: test_lost_socket.py.)"""

from __future__ import annotations

import time
from typing import Any

from chat_doors import answered, until

from opsbot.clock import SystemClock
from opsbot.workspace import Workspace, spoken

DOORS = ("socket", "http")
ALICE = "U01ALICE"
SLOW = 1.0  # seconds that every call takes longer
ACK_MS = 900  # less than one call: an ack waits for none


def test_slack_down_at_start_is_waited_for(bot: Any, workspace: Workspace) -> None:
    workspace.down()
    front = bot.start(wait=False)
    until(lambda: front.healthy()[1].startswith("Slack is not reached: Slack says"))
    workspace.up()
    bot.heard()
    until(lambda: front.healthy()[0])
    assert answered(workspace, "hello")


def test_a_port_that_refuses_at_start_is_waited_for(bot: Any, workspace: Workspace) -> None:
    workspace.away(1.0)
    front = bot.start(wait=False)
    until(lambda: "refused" in front.healthy()[1])
    until(lambda: front.healthy()[0], within=10)
    bot.heard()
    assert answered(workspace, "hello")


def test_an_outage_is_survived(bot: Any, workspace: Workspace) -> None:
    bot.start()
    workspace.down()
    time.sleep(1.0)
    workspace.up()
    until(lambda: bot.running.healthy()[0], within=10)
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


def test_while_slack_is_slow_every_ack_is_in_time_and_every_answer_comes(bot: Any, workspace: Workspace) -> None:
    bot.start()
    assert answered(workspace, "before")
    workspace.forget()
    workspace.slow(SLOW)
    assert workspace.slash(ALICE, "#ops", "/ops", "typed") == "ok"
    assert answered(workspace, "mentioned", within=8 * SLOW)
    workspace.wait_for("#ops", "heard `typed`", timeout=8 * SLOW, as_user=ALICE)
    sent = workspace.deliveries()
    assert {one["kind"] for one in sent} == {"slash_commands", "events_api"}
    assert {(one["outcome"], one["attempt"]) for one in sent} == {("acknowledged", 0)}, "nothing came again"
    took = {what: [one.ms for one in workspace.hub.inspector.entries(what) if one.ms] for what in ("envelope", "call")}
    assert max(took["envelope"]) < ACK_MS
    assert min(took["call"]) >= SLOW * 1000, "Slack was slow"
