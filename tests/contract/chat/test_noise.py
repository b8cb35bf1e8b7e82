"""How much the bot says in a week: the real front, chat, store, schedule, engine and chores; only clock and world are pretended.

Through one door only: what is counted are the bot's own calls, which no door has a part in. And to a bot that lives days
ahead every signed request would be too old.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from chat_doors import settings_of
from pretend_world import BOB, CONFIG, World

from opsbot.bot.chores import Chores
from opsbot.chat.front import SlackFront
from opsbot.commands import plan_card
from opsbot.commands.reply import Reply
from opsbot.commands.request import Request
from opsbot.commands.run_card import card_with
from opsbot.config.settings import Config
from opsbot.errors import StepFailed
from opsbot.schedule import Scheduler
from opsbot.workspace import Settings, Workspace, spoken

SCHEDULES = """\
schedules:
  production-backup: {do: backup main on production, cron: "0 */6 * * *", catch_up: 1h}
  staging-backup: {do: backup main on staging, cron: "0 3-23/6 * * *", catch_up: 1h}
"""
CHANNELS = ("#ops", "#staging", "#general")
CAROL = "U03CAROL"


class Days:
    """A bot that lives through days in seconds. What it says is counted by channel."""

    def __init__(self, workspace: Workspace, tmp: Path) -> None:
        self.workspace, self.world = workspace, World(tmp, CONFIG + SCHEDULES)
        world = self.world
        midnight = datetime.combine(world.clock.now().date() + timedelta(days=1), datetime.min.time(), UTC)
        world.clock.jump_to(midnight + timedelta(minutes=5))
        slack = settings_of(workspace, "socket")
        config = Config.model_validate({**world.config.model_dump(exclude_unset=True, by_alias=True), "slack": slack})
        card = card_with(world.playbooks, plan_card.approvers(world.services()))
        self.slack = SlackFront(
            config, world.store, world.clock, world.front.handle, world.engine.view, card, spacing=0.05
        )
        self.chores = Chores(
            world.config, world.clock, world.store, lambda: pytest.fail("no bucket"), self.slack.tell, self.slack.nudge
        )
        self.first = world.clock.now()
        self.scheduler = Scheduler(world.config, world.clock, self._fire, self._last, lambda: True)
        self.slack.start()
        workspace.wait_for_links()
        self._seen = self.all()

    def stop(self) -> None:
        self.slack.stop()
        self.world.store.close()

    def settle(self) -> None:
        """Drive what is due, and wait until all of it is told."""
        world, limit = self.world, time.monotonic() + 20
        while due := world.engine.due():
            for run in due:
                world.engine.drive(run)
        self.slack.nudge()
        while world.store.events.runs_behind() or world.store.alerts.changed_since_posted():
            assert time.monotonic() < limit, "not everything was told in time"
            time.sleep(0.01)

    def day(self, at_9: Callable[[], Any] = lambda: None) -> dict[str, list[dict[str, Any]]]:
        """A day from midnight to midnight, in which somebody does something at nine. What was said in it, by channel."""
        for hour in range(3, 25, 3):
            self.world.clock.jump_to(self.world.clock.now() + timedelta(hours=3))
            self.scheduler.look()
            if hour == 9:
                at_9()
            self.settle()
            self.chores.do()
        self.settle()
        time.sleep(0.1)  # what is said once waits in the outbox a moment longer
        now = self.all()
        new = {
            channel: [one for one in now[channel] if one["ts"] not in self._seen_ts(channel)] for channel in CHANNELS
        }
        self._seen = now
        return {channel: messages for channel, messages in new.items() if messages}

    def asks(self, user: str, channel: str, text: str) -> Callable[[], None]:
        """Somebody mentions the bot."""

        def ask() -> None:
            known = len(self.world.store.runs.list(500))
            self.workspace.say(user, channel, f"@opsbot {text}")
            limit = time.monotonic() + 10
            while len(self.world.store.runs.list(500)) == known:
                assert time.monotonic() < limit, "the words made no run"
                time.sleep(0.01)

        return ask

    def all(self) -> dict[str, list[dict[str, Any]]]:
        """What the bot has said in the channels."""
        return {channel: [one for one in self.workspace.messages(channel) if _ours(one)] for channel in CHANNELS}

    def _seen_ts(self, channel: str) -> set[str]:
        return {str(one["ts"]) for one in self._seen[channel]}

    def _fire(self, request: Request) -> bool:
        reply: Reply = self.world.front.handle(request)
        return reply.ok

    def _last(self, actor: str) -> datetime:
        ran = self.world.store.runs.newest_by("schedule", actor)
        return ran.created_at if ran else self.first


def _ours(message: dict[str, Any]) -> bool:
    """Said by the bot, to everybody, in the channel itself: what makes a phone ring."""
    in_thread = message.get("thread_ts") not in (None, message["ts"])
    return bool(message.get("bot_id")) and not message.get("only_for") and not in_thread


@pytest.fixture
def days(tmp_path: Path) -> Iterator[Days]:
    with Workspace(settings=Settings(posts_per_second=50, updates_per_minute=6000, update_burst=500)) as workspace:
        made = Days(workspace, tmp_path)
        yield made
        made.stop()


def test_a_week_of_a_small_team(days: Days) -> None:
    _a_quiet_day_is_one_message(days)
    _a_deploy_is_one_message_wherever_it_was_asked_for(days)
    _what_failed_is_one_message_with_its_details_in_the_thread(days)
    _an_approval_makes_no_message_of_its_own(days)
    _an_alert_that_is_reported_again_is_counted(days)
    _backups_that_fail_all_day_are_one_alert_where_they_belong(days)
    everything = [spoken(one) for messages in days.all().values() for one in messages]
    assert len(everything) <= 14
    assert "<!" not in "".join(everything).replace("<!date^", "")
    assert "<@" not in "".join(everything), "nobody is mentioned"


def _a_quiet_day_is_one_message(days: Days) -> None:
    quiet = days.day()
    assert sum(map(len, quiet.values())) <= 1
    assert len([run for run in days.world.store.runs.list(500) if run.playbook == "backup"]) == 8, "the schedule worked"

    [day] = days.day()["#ops"]
    assert "all went well." in spoken(day)
    assert "Back up main of production — 4 of 4 done" in spoken(day)
    assert "ends with row" in spoken(day)


def _a_deploy_is_one_message_wherever_it_was_asked_for(days: Days) -> None:
    said = days.day(at_9=days.asks(CAROL, "#staging", "deploy v2 to staging"))
    [card] = said["#staging"]
    assert "v2 is live in staging" in spoken(card)
    [of_the_day_before] = said["#ops"]
    assert "all went well." in spoken(of_the_day_before)


def _what_failed_is_one_message_with_its_details_in_the_thread(days: Days) -> None:
    days.world.failing["rollout.smoke"] = StepFailed("The front page answers 500.")
    [card] = days.day(at_9=days.asks(CAROL, "#staging", "deploy v2 to staging"))["#staging"]
    days.world.failing.clear()

    assert "did not go live in staging" in spoken(card)
    thread = days.workspace.messages("#staging", thread_ts=card["ts"])
    assert any("The front page answers 500." in spoken(one) for one in thread if one["ts"] != card["ts"])


def _an_approval_makes_no_message_of_its_own(days: Days) -> None:
    def approved() -> None:
        days.asks(CAROL, "#ops", "deploy v2 to production")()
        days.settle()
        days.workspace.slash(BOB.id, "#ops", "/ops", "approve")
        days.workspace.wait_until(lambda: not days.world.store.runs.by_status(["awaiting_approval"]))

    ops = days.day(at_9=approved)["#ops"]
    assert sorted("Deploy web v2 to production: done" in spoken(one) for one in ops) == [False, True]


def _an_alert_that_is_reported_again_is_counted(days: Days) -> None:
    def fires() -> None:
        alerts, clock = days.world.store.alerts, days.world.clock
        for _ in range(12):
            alerts.open("probe:front", "front fails", "critical", "staging", None, {"why": "It is 500."}, clock.now())
            days.slack.nudge()
        days.settle()
        alerts.resolve("probe:front", clock.now())

    [alert] = days.day(at_9=fires)["#staging"]
    assert "reported 12 times" in spoken(alert)
    assert "Resolved" in spoken(alert)


def _backups_that_fail_all_day_are_one_alert_where_they_belong(days: Days) -> None:
    days.world.failing["backup.take"] = StepFailed("The disk is full.")
    said = days.day()
    [alert] = said["#staging"]
    assert "“backup main on staging” did not work" in spoken(alert)
    assert "reported 4 times" in spoken(alert)
    [alert, of_the_day] = sorted(said["#ops"], key=lambda one: "ends with row" in spoken(one))
    assert "“backup main on production” did not work" in spoken(alert)
    assert "7 runs did not work and 2 alerts." in spoken(of_the_day)
