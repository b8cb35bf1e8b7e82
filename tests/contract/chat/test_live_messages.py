"""One run = one message, one alert = one message, whatever happens to Slack or to the bot in between."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from opsbot.commands.reply import Reply
from opsbot.store import Store
from opsbot.workspace import Workspace, spoken

DOORS = ("socket", "http")
ALICE = "U01ALICE"
PLAN = {"playbook": "deploy", "title": "Deploy v2", "environment": "staging", "lock": None, "fingerprint": "f"}


def now() -> datetime:
    return datetime.now(UTC)


def until(done: Callable[[], Any], within: float = 5.0) -> Any:
    limit = time.monotonic() + within
    while not (found := done()):
        assert time.monotonic() < limit, "it did not happen in time"
        time.sleep(0.02)
    return found


class Run:
    """A run in the store, whose events the test writes."""

    def __init__(self, store: Store, id: str = "r1", channel: str | None = None, thread: str | None = None) -> None:
        self.store, self.id = store, id
        store.runs.add(id, PLAN, {"name": "alice"}, "slack", "running", channel, thread, now())
        self.event("submitted")

    def event(self, kind: str, **body: Any) -> None:
        self.store.events.add(self.id, kind, body, now())

    def end(self, status: str = "succeeded", at: datetime | None = None) -> None:
        self.store.runs.transition(self.id, {"running"}, status, now(), ended_at=at or now())
        self.event("finished", status=status)


@pytest.fixture
def up(bot: Any) -> Any:
    bot.start()
    return bot


def mine(workspace: Workspace, channel: str = "#staging") -> list[dict[str, Any]]:
    return [message for message in workspace.messages(channel) if "Deploy v2" in spoken(message)]


def test_a_run_is_one_message_that_is_edited_until_its_end(up: Any, workspace: Workspace, store: Store) -> None:
    run = Run(store)
    first = workspace.wait_for("#staging", "Deploy v2")
    run.event("step_started", step="prepare")
    until(lambda: "step_started" in spoken(mine(workspace)[0]))
    run.end()
    until(lambda: "Deploy v2*: succeeded" in spoken(mine(workspace)[0]))
    [message] = mine(workspace)
    assert message["ts"] == first["ts"]
    assert message["edits"] == 2


def test_broken_glass_is_a_message_of_its_own_that_anybody_can_stop(
    up: Any, workspace: Workspace, store: Store
) -> None:
    until_then = (now() + timedelta(seconds=60)).isoformat()
    store.runs.add("r1", PLAN, {"name": "alice"}, "slack", "awaiting_approval", "C01OPS", None, now())
    store.events.add("r1", "submitted", {}, now())
    workspace.wait_for("#ops", "Deploy v2")
    glass = {"by": ALICE, "who": "alice", "reason": "the site is down", "until": until_then}
    store.runs.transition("r1", {"awaiting_approval"}, "countdown", now(), glass=glass)
    store.events.add("r1", "countdown", glass, now())

    loud = workspace.wait_for("#staging", "breaks the glass")

    assert "Why: the site is down" in spoken(loud)
    assert "reject r1" in str(loud["blocks"])
    store.events.add("r1", "say", {"text": "once"}, now())
    until(lambda: store.events.runs_behind() == [])
    assert len([one for one in workspace.messages("#staging") if "breaks the glass" in spoken(one)]) == 1


def test_a_run_asked_for_in_chat_is_told_where_it_was_asked_for(up: Any, workspace: Workspace, store: Store) -> None:
    def answer(request: Any) -> Reply:
        Run(store, "r1", request.channel, request.thread)
        return Reply("Deploy v2", run="r1")

    up.answer = answer
    started = time.monotonic()
    workspace.say(ALICE, "#ops", "@opsbot deploy v2 to staging")
    workspace.wait_for("#ops", "Deploy v2")
    assert time.monotonic() - started < 1.0
    time.sleep(0.4)
    assert len([m for m in workspace.messages("#ops") if "submitted" in spoken(m)]) == 1
    assert not mine(workspace)


def test_a_run_asked_for_in_a_thread_is_told_in_that_thread(up: Any, workspace: Workspace, store: Store) -> None:
    parent = workspace.say(ALICE, "#ops", "shall we?")
    Run(store, "r1", "C01OPS", parent)
    until(lambda: [m for m in workspace.messages("#ops", thread_ts=parent) if "Deploy v2" in spoken(m)])


def test_a_run_from_a_channel_without_the_bot_is_told_at_home(up: Any, workspace: Workspace, store: Store) -> None:
    run = Run(store, "r1", "C04TEAM")
    workspace.wait_for("#staging", "Deploy v2")
    run.end()
    until(lambda: "succeeded" in spoken(mine(workspace)[0]))
    assert len(mine(workspace)) == 1


def test_a_storm_of_progress_is_few_edits_and_ends_with_the_newest(
    bot: Any, workspace: Workspace, store: Store
) -> None:
    bot.spacing = 0.5
    bot.start()
    run = Run(store)
    workspace.wait_for("#staging", "Deploy v2")
    for number in range(60):
        run.event("progress", text=f"{number} of 60")
        time.sleep(0.02)
    until(lambda: "59 of 60" in spoken(mine(workspace)[0]))
    assert mine(workspace)[0]["edits"] <= 5


def test_a_change_of_state_does_not_wait_for_the_spacing_of_progress(
    bot: Any, workspace: Workspace, store: Store
) -> None:
    bot.spacing = 30.0
    bot.start()
    run = Run(store)
    workspace.wait_for("#staging", "Deploy v2")
    for number in range(3):
        run.event("progress", text=f"{number}")
    run.end()
    until(lambda: "succeeded" in spoken(mine(workspace)[0]), within=2.0)


def test_what_steps_said_and_why_it_failed_is_in_the_thread_once(up: Any, workspace: Workspace, store: Store) -> None:
    run = Run(store)
    first = workspace.wait_for("#staging", "Deploy v2")
    run.event("say", text="pulled the image")
    run.event(
        "step_failed", step="smoke", error={"what": "The page says 500.", "fix": "See the log.", "details": "Traceback"}
    )
    run.end("failed")

    def thread() -> list[dict[str, Any]]:
        return [m for m in workspace.messages("#staging", thread_ts=first["ts"]) if m["ts"] != first["ts"]]

    [details] = until(thread)
    assert "pulled the image" in spoken(details)
    assert "The page says 500. See the log.\nTraceback" in spoken(details)
    until(lambda: not store.events.runs_behind())
    up.stop()
    up.start()
    time.sleep(0.6)
    assert len(thread()) == 1


def test_after_a_restart_the_same_message_goes_on(bot: Any, workspace: Workspace, store: Store) -> None:
    bot.start()
    run = Run(store)
    workspace.wait_for("#staging", "Deploy v2")
    bot.stop()
    run.event("step_started", step="switch")
    run.end()
    bot.start()
    until(lambda: "succeeded" in spoken(mine(workspace)[0]))
    assert len(mine(workspace)) == 1


def test_after_an_hour_without_slack_everything_is_caught_up(bot: Any, workspace: Workspace, store: Store) -> None:
    bot.start()
    run = Run(store)
    workspace.wait_for("#staging", "Deploy v2")
    workspace.down()
    run.event("step_started", step="switch")
    run.end()
    other = Run(store, "r2")
    other.end()
    store.alerts.open("probe:front", "front-page fails", "critical", None, None, {"why": "no answer"}, now())
    time.sleep(1.0)
    workspace.up()
    until(lambda: [spoken(m).count("succeeded") > 0 for m in mine(workspace)] == [True, True], within=10)
    workspace.wait_for("#ops", "front-page fails")


def test_a_run_that_ended_days_ago_and_was_never_told_stays_untold(
    bot: Any, workspace: Workspace, store: Store
) -> None:
    run = Run(store)
    run.end(at=now() - timedelta(days=3))
    Run(store, "r2")
    bot.start()
    workspace.wait_for("#staging", "Deploy v2")
    assert until(lambda: not store.events.runs_behind())
    assert len(mine(workspace)) == 1


def test_a_post_whose_answer_was_lost_is_found_and_not_made_twice(bot: Any, workspace: Workspace, store: Store) -> None:
    bot.start()
    until(lambda: workspace.calls("conversations.join"))
    run = Run(store)
    first = workspace.wait_for("#staging", "Deploy v2")
    until(lambda: not store.events.runs_behind())
    bot.stop()
    store.messages.put("run", "r1", first["channel"], None, None, 0, None)  # as if we stopped before the note
    bot.start()
    run.end()
    until(lambda: "succeeded" in spoken(mine(workspace)[0]))
    assert [m["ts"] for m in mine(workspace)] == [first["ts"]]


def test_a_message_that_somebody_deleted_is_posted_anew(up: Any, workspace: Workspace, store: Store) -> None:
    run = Run(store)
    first = workspace.wait_for("#staging", "Deploy v2")
    up.running._client.chat_delete(channel=first["channel"], ts=first["ts"])
    run.end()
    until(lambda: [m for m in mine(workspace) if "succeeded" in spoken(m)])


def test_an_alert_is_one_message_through_its_life(up: Any, workspace: Workspace, store: Store) -> None:
    body = {
        "why": "3 of 3 checks got no answer.",
        "last_change": "deploy v2 by alice, 5 min ago",
        "rollback": "rollback staging",
    }
    alert, _ = store.alerts.open("probe:front", "front-page fails", "critical", "staging", None, body, now())
    first = workspace.wait_for("#staging", "front-page fails")
    assert "deploy v2 by alice" in spoken(first)
    assert workspace.click(ALICE, "#staging", first["ts"], "say:0") == "ok"
    until(lambda: [request.text for request in up.asked] == [f"ack {alert.id}"])
    store.alerts.ack(alert.id, "alice", now())
    workspace.wait_for("#staging", "acknowledged by alice")
    for _ in range(5):
        store.alerts.open("probe:front", "front-page fails", "critical", "staging", None, body, now())
    store.alerts.resolve("probe:front", now())
    last = workspace.wait_for("#staging", "Resolved: front-page fails")
    assert last["ts"] == first["ts"]
    assert "reported 6 times" in spoken(last)
    assert not [block for block in last["blocks"] if block["type"] == "actions"]
    until(lambda: not store.alerts.changed_since_posted())


def test_the_alert_offers_the_rollback_and_asks_before(up: Any, workspace: Workspace, store: Store) -> None:
    store.alerts.open("probe:x", "x fails", "critical", "staging", None, {"rollback": "rollback staging"}, now())
    message = workspace.wait_for("#staging", "x fails")
    [actions] = [block for block in message["blocks"] if block["type"] == "actions"]
    assert [button["value"] for button in actions["elements"]][1] == "rollback staging"
    assert actions["elements"][1]["confirm"]
