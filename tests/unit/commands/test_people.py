"""What the bot does for people: it knows what they mean by yesterday, asks back with buttons, shows logs, explains itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pretend_world import ALICE, BOB, CAROL, CONFIG, EVE, World, backed_up, shown

from opsbot.commands.parse import parse
from opsbot.commands.reply import Reply
from opsbot.commands.request import Actor, Request
from opsbot.errors import NotFound
from opsbot.log import REDACTED, Secret
from opsbot.playbooks.moments import moment
from opsbot.runtime.lines import Written

NEW_YORK = replace(ALICE, timezone="America/New_York")


def days_ago(world: World, days: int, hour: int, zone: str = "UTC") -> datetime:
    """The time that `yesterday HOUR:00` is for somebody there, or so many days earlier."""
    return moment(f"yesterday {hour}:00", zone, world.clock.now()).at[0] - timedelta(days=days - 1)


def chosen(world: World, text: str, actor: Actor = ALICE) -> Any:
    """The backup that a restore was planned with."""
    reply = world.say(f"{text} --plan", actor)
    assert reply.ok, reply.text
    return reply.json["params"]["backup"]


def test_restore_takes_the_newest_backup_at_or_before_that_time(world: World) -> None:
    nine, noon, three = (backed_up(days_ago(world, 1, hour)) for hour in (9, 12, 15))
    world.manifests = [three, nine, noon]

    assert chosen(world, "restore yesterday 14:00 on production") == noon.id
    assert chosen(world, "restore yesterday 12:00 on production") == noon.id
    assert chosen(world, "restore yesterday on production") == three.id


def test_however_many_came_after_the_one_that_is_meant_is_found(world: World) -> None:
    wanted = backed_up(days_ago(world, 9, 9))
    world.manifests = [wanted, *(backed_up(days_ago(world, days, 9)) for days in range(1, 9))]

    assert chosen(world, f"restore {days_ago(world, 9, 9):%Y-%m-%d} 10:00 on production") == wanted.id


def test_yesterday_is_the_askers_own(world: World) -> None:
    there = [backed_up(days_ago(world, 1, hour, NEW_YORK.timezone)) for hour in (9, 12, 15)]
    world.manifests = there

    assert chosen(world, "restore yesterday 14:00 on production", NEW_YORK) == there[1].id


def test_a_safety_backup_is_not_what_somebody_means_by_a_time(world: World) -> None:
    nine, safe = backed_up(days_ago(world, 1, 9)), backed_up(days_ago(world, 1, 12), "pre-restore")
    world.manifests = [nine, safe]

    assert chosen(world, "restore yesterday 14:00 on production") == nine.id
    assert chosen(world, f"restore {safe.id} on production") == safe.id


def test_where_there_is_none_what_lies_near_it_is_said(world: World) -> None:
    old, new = backed_up(days_ago(world, 3, 9)), backed_up(days_ago(world, 1, 9))
    world.manifests = [new, old]
    day = moment("2 days ago", "UTC", world.clock.now()).at[0]

    nothing_before = world.say(f"restore {days_ago(world, 4, 9):%Y-%m-%d} 9:00 on production", CAROL)
    not_that_day = world.say(f"restore {day:%Y-%m-%d} on production", CAROL)
    future = world.say("restore 2099-01-01 on production", CAROL)

    assert (nothing_before.code, nothing_before.exit_code) == ("no_backup", 1)
    assert "No backup of main in production was taken at or before" in nothing_before.text
    assert f"`{old.id}`" in nothing_before.text
    assert not_that_day.text.startswith(f"No backup of main in production was taken on {day.day} {day:%b}")
    assert f"`{old.id}`" in not_that_day.text
    assert f"`{new.id}`" in not_that_day.text
    assert future.text.startswith("“2099-01-01” has not come yet.")
    assert world.store.runs.list() == []


def test_a_time_that_was_twice_is_asked_about(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    autumn = datetime(2026, 10, 25, 12, tzinfo=UTC)
    monkeypatch.setattr(world.clock, "now", lambda: autumn)
    first, second = (backed_up(datetime(2026, 10, 25, hour, 20, tzinfo=UTC)) for hour in (0, 1))
    world.manifests = [first, second]
    dane = replace(ALICE, timezone="Europe/Copenhagen")

    reply = world.say("restore 2:30 on production", dane)

    assert (reply.code, reply.exit_code) == ("which_backup", 2)
    assert f"`{second.id}`" in reply.text
    assert f"`{first.id}`" in reply.text


def test_a_time_is_settled_before_a_run_is_made_and_before_it_is_explained(world: World) -> None:
    world.manifests = [backed_up(days_ago(world, 1, 9))]

    run = world.say("restore yesterday 14:00 on production", CAROL).run or ""
    explained = world.say("explain restore yesterday 14:00 on production")

    assert world.store.runs.get(run).plan["params"]["backup"] == world.manifests[0].id  # type: ignore[union-attr]  # just made
    assert explained.json["plan"]["params"]["backup"] == world.manifests[0].id


MEANT = {
    "deply v2 to staging": ["deploy v2 to staging", "deploy"],
    "Deploi v2 to staging please": ["deploy v2 to staging", "deploy"],
    "rollbak staging": ["rollback staging", "rollback"],
    "stats": ["status"],
    "statsu staging": ["status staging", "status"],
    "restroe": ["restore"],
    "deploy v2 to prodution": ["deploy v2 to production"],
    "deploy v2": ["deploy v2 to staging", "deploy v2 to production"],
    "logs": ["logs staging", "logs production"],
    "xyzzy": [],
    "deploy v2 to staging now": [],
}


@pytest.mark.parametrize("text", MEANT)
def test_what_was_probably_meant_is_a_button_and_does_nothing_by_itself(text: str, world: World) -> None:
    reply = world.say(text)

    assert not reply.ok
    assert [button.command for button in reply.buttons][: len(MEANT[text])] == MEANT[text]
    assert bool(reply.buttons) == bool(MEANT[text])
    assert world.store.runs.list() == []


def test_a_change_that_was_probably_meant_asks_first_and_a_press_says_it(world: World) -> None:
    reply = world.say("deply v2 to staging", CAROL)

    assert reply.buttons[0].confirm == "Say `deploy v2 to staging`?"
    assert world.say(reply.buttons[0].command, CAROL).run
    assert world.say("deply v2 to staging", EVE).buttons[0].command == "deploy v2 to staging"
    assert world.say("deploy v2 to staging", EVE).code == "not_allowed"


def written(world: World, *texts: str, cut: bool = False) -> None:
    begins = world.clock.now() - timedelta(minutes=5)
    world.written = Written(tuple((begins + timedelta(seconds=n), text) for n, text in enumerate(texts)), cut)


def test_logs_show_the_newest_lines_last_and_count_the_others(world: World) -> None:
    written(world, *(f"GET /public {n}" for n in range(300)))

    reply = world.say("logs web staging")

    assert reply.text.startswith("web in staging: the last 25 of 300 lines since ")
    assert reply.text.endswith("275 earlier lines are left out.")
    assert shown(reply).splitlines()[-1].endswith("GET /public 299")
    assert len(reply.json["lines"]) == 300
    assert reply.json["left_out"] == 0


def test_logs_find_words_and_never_tell_a_secret(world: World) -> None:
    Secret("s3cret-in-the-log")
    written(world, "hello", "Refused: password s3cret-in-the-log", "bye", cut=True)

    reply = world.say("logs staging refused")

    assert "1 line with “refused”" in reply.text
    assert "Still earlier ones were not read." in reply.text
    assert f"password {REDACTED}" in shown(reply)
    assert "hello" not in shown(reply)
    assert "s3cret" not in str(reply)


def test_logs_are_those_of_the_channels_environment_or_are_asked_about(world: World) -> None:
    written(world, "hello")
    here = Request(ALICE, "slack", text="logs", channel="C2", channel_name="#staging")

    assert world.front.handle(here).text.startswith("web in staging: 1 line")
    assert world.say("logs").text == "Of which environment: staging or production? Such as `logs staging`."
    assert "no line with “x”" in world.say("logs staging x").text
    assert "logs web staging 2h" in shown(world.say("logs staging x"))


def test_a_channel_that_is_named_by_its_id_is_its_environments_too(tmp_path: Path) -> None:
    world = World(tmp_path, config_text=CONFIG.replace("#staging", "C2"))
    written(world, "hello")

    def asked(channel: str | None, name: str | None) -> str:
        return world.front.handle(Request(ALICE, "slack", text="logs", channel=channel, channel_name=name)).text

    assert asked("C2", None).startswith("web in staging: 1 line"), "a private channel has no name for us"
    assert asked("C2", "#staging").startswith("web in staging: 1 line")
    assert (
        asked("C9", None) == asked(None, None) == "Of which environment: staging or production? Such as `logs staging`."
    )
    world.store.close()


def test_times_in_logs_are_the_readers_own(world: World) -> None:
    at = world.clock.now() - timedelta(minutes=1)
    world.written = Written(((at, "hello"),))

    told = shown(world.say("logs staging", NEW_YORK))

    assert f"{at.astimezone(moment_zone(NEW_YORK)):%H:%M:%S} hello" in told


def moment_zone(actor: Actor) -> Any:
    from zoneinfo import ZoneInfo

    return ZoneInfo(actor.timezone)


def test_promote_puts_live_what_another_environment_runs(world: World) -> None:
    reply = world.say("promote production to staging", CAROL)

    assert reply.text.startswith("Promote web v1 from production to staging")
    assert world.drive(reply.run or "") == "succeeded"
    prepare = next(args for kind, name, args in world.asked if (kind, name) == ("do", "rollout.prepare"))
    assert (prepare.image, prepare.environment) == ("registry/web@sha256:1", "staging")


def test_promote_to_production_needs_a_second_person_and_is_for_whoever_may_there(world: World) -> None:
    run = world.say("promote staging to production", CAROL).run or ""

    assert world.drive(run) == "awaiting_approval"
    assert world.say(f"approve {run}", BOB).ok
    assert "viewers may not promote in production" in world.say("promote staging to production", EVE).text


def test_promote_without_anything_to_promote_is_refused(world: World) -> None:
    world.red["release.running"] = NotFound("Nothing of web was deployed to staging yet.", code="nothing_live")

    reply = world.say("promote staging to production")

    assert reply.text.startswith("Nothing of web was deployed to staging yet.")
    assert world.store.runs.list() == []


EIGHT = ("status", "deploy", "rollback", "promote", "backup", "restore", "logs", "alerts")


def test_help_shows_the_eight_verbs_of_every_day_with_an_example_each(world: World) -> None:
    told = shown(world.say("help", CAROL))

    for example in ("deploy v2 to staging", "roll back staging", "promote staging to production", "back up staging",
                    "restore latest on staging", "logs staging", "alerts", "status"):  # fmt: skip
        assert f"`{example}`" in told
    assert "`ack" not in told
    assert told.count("\n") <= 12


def test_help_shows_only_what_this_person_may_do_here(world: World) -> None:
    viewer, there = shown(world.say("help", EVE)), replace_place(world, "production")

    assert "deploy v2" not in viewer
    assert "`deploy`, `rollback`, `promote`, `backup`, `restore`" in viewer.partition("Not for you")[2]
    assert "`roll back production`" in there


def replace_place(world: World, name: str) -> str:
    object.__setattr__(world.config.environments[name], "channel", "#here")
    asked = Request(BOB, "slack", text="help", channel="C9", channel_name="#here")
    return shown(world.front.handle(asked))


def test_every_example_that_help_shows_is_understood(world: World) -> None:
    rows: Any = world.say("help --json", ALICE).json
    for path in EIGHT:
        row = next(row for row in rows if row["command"] == path)
        assert row["examples"]
        for example in row["examples"]:
            assert parse(world.front.tree, Request(ALICE, "slack", text=example)).spec.path == path


def test_help_for_one_command_shows_usage_options_and_examples(world: World) -> None:
    told = shown(world.say("help deploy"))

    assert "deploy v2 to staging --plan" in told
    assert "deploy TAG ENVIRONMENT [SERVICE]" in told
    assert "`--smoke YES|NO`" in told or "`--smoke yes|no`" in told
    assert "which service; web or api; web if left out" in told
    assert "Send people to it" in told


def test_help_says_nothing_twice_where_there_is_one_service(world: World) -> None:
    reply: Reply = world.say("help restore")

    assert "which database; main if left out" in shown(reply)
