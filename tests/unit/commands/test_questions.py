"""What people ask and what they are answered, also while parts are dead, through the front door."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta

from pretend_world import CAROL, World, shown

from opsbot.errors import Unavailable
from opsbot.health.result import Result


def test_status_says_what_runs_where(world: World) -> None:
    world.release("v1", author="bob")
    world.release("v2", author="carol")
    world.results["front"] = Result("bad", "It answers 500.", datetime.now(UTC))
    world.say("deploy v3 to production", CAROL)

    told = shown(world.say("status"))

    assert "web v2 (release 2)  2 of 2 running, went live 0 s ago, by carol" in told
    assert "✗ probe front  It answers 500." in told
    assert "! main: no backup yet" in told
    assert "… Deploy web v3 to production  awaiting approval" in told
    assert "production\n  - web: nothing deployed by the bot yet" in told


def test_status_says_what_answers_where_that_is_not_what_is_recorded(world: World) -> None:
    world.release("v1")
    world.release("v2")
    world.answers_otherwise["staging"] = "v1 answers through the edge."

    reply = world.say("status")

    assert "✗ web v2 (release 2)  recorded, but: v1 answers through the edge." in shown(reply)
    assert reply.tone == "bad"


def test_status_of_one_environment_leaves_the_others_out(world: World) -> None:
    told = shown(world.say("status staging"))

    assert "staging" in told
    assert "production" not in told


def test_status_names_every_dead_part_within_four_seconds(world: World) -> None:
    def hangs() -> str:
        time.sleep(6)
        return "late"

    def dead() -> str:
        raise Unavailable("The bucket does not answer.", "Look at the storage.")

    def buggy() -> str:
        raise KeyError("x")

    world.parts |= {"registry": hangs, "bucket": dead, "database": buggy}
    began = time.monotonic()

    reply = world.say("status")

    assert time.monotonic() - began < 4
    told = shown(reply)
    assert "registry does not answer within 3 s." in told
    assert "bucket The bucket does not answer. Look at the storage." in told
    assert "database failed in a way that the bot did not expect" in told
    assert "Answering: engine." in told
    assert reply.text == "3 parts do not answer."
    assert reply.json["parts"]["bucket"] == {"ok": False, "says": "The bucket does not answer. Look at the storage."}


def test_status_answers_without_the_store(world: World) -> None:
    world.store.close()
    (world.tmp / "state.db").unlink()
    (world.tmp / "state.db").mkdir()

    reply = world.say("status")

    assert "store" in shown(reply)
    assert "web: not known" in shown(reply)


def test_releases_show_where_one_can_go_back_to(world: World) -> None:
    world.release("v1")
    world.release("v2")

    reply = world.say("releases staging")

    assert [(row["tag"], row["state"]) for row in reply.json] == [("v2", "live"), ("v1", "retired")]
    assert "Roll back to v1: opsbot rollback staging --service web --to 1 --from 2" in shown(reply)
    assert "Nothing was deployed here by the bot yet. `deploy TAG production`" in shown(
        world.say("releases production")
    )


def test_backups_without_a_bucket_are_a_sentence(world: World) -> None:
    def dead(_environment: str, _database: str) -> list[object]:
        raise Unavailable("The bucket does not answer.")

    assert "No backup yet. `backup main on staging` makes one." in shown(world.say("backups staging"))
    object.__setattr__(world.front._services, "backups", dead)
    reply = world.say("backups")

    assert reply.code == "unavailable"
    assert reply.text == "The bucket does not answer."


def test_an_alert_is_listed_acknowledged_and_over(world: World) -> None:
    now = datetime.now(UTC) - timedelta(minutes=2)
    row, _ = world.store.alerts.open(
        "probe:x", "front fails in staging", "critical", "staging", None, {"why": "It is 500."}, now
    )

    assert "✗ 1 front fails in staging  firing, 2 min ago\n    It is 500." in shown(world.say("alerts"))
    assert world.say(f"ack {row.id}", CAROL).text == "carol looks after “front fails in staging”."
    assert "acknowledged by carol" in shown(world.say("alerts"))
    world.store.alerts.resolve("probe:x", datetime.now(UTC))
    assert world.say("alerts").text == "No alert is open."
    assert world.say("ack 1").text == "There is no open alert 1. `alerts` lists the open ones."
    assert [entry.what for entry in world.store.audit.list()] == ["ack"]


def test_runs_are_listed_and_one_is_told_step_by_step(world: World) -> None:
    run = world.say("backup staging").run or ""
    world.drive(run)

    assert "✓ Back up main of staging  succeeded 0 s ago by alice, took" in shown(world.say("runs"))
    detail = world.say(f"runs {run}")
    assert "step_done take" in shown(detail)
    assert [event["kind"] for event in detail.json["events"]][-1] == "finished"
    assert world.say("runs 1").json["id"] == run
    assert world.say("runs rzzzz").code == "not_found"


def test_help_shows_the_daily_verbs_then_everything_then_one(world: World) -> None:
    daily, everything, one = (shown(world.say(text)) for text in ("help", "help more", "help deploy"))

    assert "deploy v2 to staging" in daily
    assert "ack ALERT" not in daily
    assert "--smoke" not in daily
    assert "deploy TAG ENVIRONMENT [SERVICE]" in one
    assert "ack ALERT" in everything
    assert "staging or production" in one
    assert "Send people to it" in one
    assert world.say("help deply").text == "There is no command “deply”. Did you mean `deploy`?"


def test_json_is_for_scripts_and_a_code_block_in_chat(world: World) -> None:
    reply = world.say("runs --json")

    assert reply.json == []
    assert json.loads(reply.parts[0].text) == []  # type: ignore[union-attr]  # the one part is code


def test_suggestions_know_commands_names_tags_and_nothing_when_the_registry_is_dead(world: World) -> None:
    from opsbot.commands.suggest import suggest

    def ask(prefix: str) -> list[str]:
        return suggest(world.front.tree, world.front._services, prefix)

    assert ask("dep") == ["deploy"]
    assert ask("roll") == ["rollback", "roll back"]
    assert ask("deploy ") == ["v1", "v2", "staging", "production", "web", "api"]
    assert ask("deploy v2 to pro") == ["production"]
    assert ask("deploy v2 staging ") == ["web", "api"]
    assert ask("restore staging l") == ["latest"]
    assert ask("deploy v2 --e") == ["--environment"]
    assert ask("lock prod") == ["production", "production/api", "production/main", "production/web"]
    assert ask("rehearse ro") == ["rollback"]

    def dead(_environment: str, _service: str) -> list[str]:
        raise Unavailable("no registry")

    world.tags = dead
    assert ask("deploy v") == []
    assert ask("“" * 5000) == []
