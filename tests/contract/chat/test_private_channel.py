"""A private channel to which somebody invited the bot: it is told everything, though the app may not look there."""

from __future__ import annotations

import time
from typing import Any

import pytest
from chat_doors import until

from opsbot.chat.client import Client
from opsbot.chat.letter import Letter
from opsbot.chat.mailer import Mailer, TryAgain
from opsbot.chat.render import Rendered
from opsbot.commands.reply import Reply
from opsbot.install import scopes
from opsbot.store import Store
from opsbot.workspace import Settings, Workspace, spoken

DOORS = ("socket", "http")
ALICE = "U01ALICE"
WORDS = "The lock of staging by bob ends at 15:30 UTC: surgery."
KEY = ("hold", "lock staging 2026-03-31T15:30:00+00:00")


@pytest.fixture
def war_room(workspace: Workspace, bot: Any) -> str:
    """The channel of staging."""
    bot.home = workspace.channel("war-room", private=True)
    return str(bot.home)


def refused(workspace: Workspace, method: str) -> list[str]:
    return [call["error"] for call in workspace.calls(method) if not call["ok"]]


def shown(workspace: Workspace, channel: str) -> int:
    return sum(WORDS in spoken(message) for message in workspace.messages(channel))


def test_what_was_perhaps_posted_before_a_restart_is_posted_again(
    bot: Any, workspace: Workspace, store: Store, war_room: str
) -> None:
    store.messages.put(*KEY, war_room, None, None, 0, None)  # as if we stopped between the intention and the note
    posted: list[str] = []
    front = bot.start()
    front.tell(Reply(WORDS, "warn"), "staging", KEY, lambda: posted.append("it"))
    until(lambda: posted)
    assert shown(workspace, war_room) == 1
    assert refused(workspace, "conversations.history") == ["missing_scope"]


def test_a_post_whose_answer_was_lost_is_made_again_and_what_comes_after_it_is_told(
    bot: Any, workspace: Workspace, war_room: str
) -> None:
    posted: list[str] = []
    front = bot.start()
    until(lambda: len(workspace.calls("conversations.join")) == 2)  # nothing else is under way
    workspace.slow(0.6)
    front.tell(Reply(WORDS, "warn"), "staging", KEY, lambda: posted.append("it"))
    until(lambda: [one for one in workspace.hub.inspector.entries("call") if one.name == "chat.postMessage"])
    workspace.away(0.3)  # the post arrives, its answer does not
    time.sleep(0.6)
    workspace.slow(0)
    until(lambda: posted, within=15)
    front.tell(Reply("And another.", "warn"), "staging", ("hold", "another"), lambda: posted.append("the next"))
    until(lambda: posted == ["it", "the next"])
    assert shown(workspace, war_room) == 2, "a second copy is better than none"
    assert refused(workspace, "conversations.history") == ["missing_scope"]


def test_a_channel_of_which_slack_tells_no_name_is_asked_about_once(
    bot: Any, workspace: Workspace, war_room: str
) -> None:
    bot.start()
    for word in ("one", "two"):
        workspace.say(ALICE, war_room, f"@opsbot {word}")
        workspace.wait_for(war_room, f"heard `{word}`")
    assert workspace.slash(ALICE, war_room, "/ops", "three") == "ok"
    until(lambda: len(bot.asked) == 3)
    assert {(request.channel, request.channel_name) for request in bot.asked} == {(war_room, None)}
    assert refused(workspace, "conversations.info") == ["missing_scope"]


def test_a_scope_that_is_missing_for_posting_is_waited_for() -> None:
    granted = tuple(scope for scope in scopes.bot_scopes() if scope != "chat:write")
    with Workspace(settings=Settings(scopes=granted)) as workspace:
        mailer = Mailer(Client(workspace.bot_token, workspace.api_url))
        with pytest.raises(TryAgain, match="refuses the bot's token: missing_scope") as caught:
            mailer.post(Letter("C01OPS", Rendered(WORDS, [])))
    assert (caught.value.after, caught.value.maybe_done) == (30, False)
