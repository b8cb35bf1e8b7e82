"""The day's head and warnings of locks: said once in the channel, also when Slack was away and the bot began anew."""

from __future__ import annotations

from typing import Any

from chat_doors import until

from opsbot.commands.reply import Reply
from opsbot.store import Store
from opsbot.workspace import Workspace, spoken

DOORS = ("socket", "http")
WORDS = "The lock of staging by bob ends at 15:30 UTC: surgery."
KEY = ("hold", "lock staging 2026-03-31T15:30:00+00:00")


def shown(workspace: Workspace, channel: str = "#staging") -> int:
    return sum(WORDS in spoken(message) for message in workspace.messages(channel))


def test_what_was_posted_is_not_posted_again_after_a_restart(bot: Any, workspace: Workspace) -> None:
    posted: list[str] = []
    for name in ("first", "second"):
        bot.start().tell(Reply(WORDS, "warn"), "staging", KEY, lambda name=name: posted.append(name))
        until(lambda name=name: name in posted)
        bot.stop()
    assert shown(workspace) == 1


def test_what_slack_did_not_take_before_a_restart_is_posted_afterwards(bot: Any, workspace: Workspace) -> None:
    posted: list[str] = []
    front = bot.start()
    workspace.down()
    front.tell(Reply(WORDS, "warn"), "staging", KEY, lambda: posted.append("first"))
    bot.stop()
    assert posted == []
    workspace.up()
    bot.start().tell(Reply(WORDS, "warn"), "staging", KEY, lambda: posted.append("second"))
    until(lambda: posted == ["second"])
    assert shown(workspace) == 1


def test_what_slack_refuses_for_good_is_not_taken_for_posted(bot: Any, workspace: Workspace, store: Store) -> None:
    posted: list[str] = []
    front = bot.start()
    front._home = lambda environment: "#nowhere"
    front.tell(Reply(WORDS, "warn"), "staging", KEY, lambda: posted.append("first"))
    until(lambda: store.messages.get(*KEY) and not front._outbox._waiting())
    bot.stop()
    assert posted == []
