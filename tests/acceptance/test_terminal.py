"""The same commands at the terminal, with and without a bot that serves."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from scene import Scene

from opsbot.clock import SystemClock
from opsbot.workspace.client import Person, spoken

QUERIES = ("status", "releases", "backups", "alerts", "runs")
COMMANDS = ("status", "releases", "deploy", "rollback", "backup", "backups", "restore", "alerts", "runs", "cancel")


def _queries(scene: Scene) -> dict[str, Any]:
    answers = {}
    for query in QUERIES:
        ended = scene.terminal(query, "--json")
        assert ended.returncode == 0, f"{query}: {ended.stderr}"
        answers[query] = json.loads(ended.stdout)
    return answers


def test_every_query_answers_as_json_while_the_bot_serves(something_live: Scene) -> None:
    answers = _queries(something_live)
    web = answers["status"]["environments"]["staging"]["services"]["web"]
    assert web["tag"] == something_live.live().tag
    assert web["running"] == web["wanted"] == 2
    assert {name: part["says"] for name, part in answers["status"]["parts"].items() if not part["ok"]} == {}
    live = [row["tag"] for row in answers["releases"] if row["state"] == "live" and row["environment"] == "staging"]
    assert live == [something_live.live().tag]
    assert answers["runs"][0]["id"] == something_live.store.runs.list(1)[0].id


def test_every_query_answers_as_json_while_nobody_serves(something_live: Scene, alone: Scene) -> None:
    answers = _queries(alone)
    assert answers["status"]["environments"]["staging"]["services"]["web"]["tag"] == alone.live().tag
    assert "terminal" in answers["status"]["parts"]["slack"]["says"]
    assert isinstance(answers["backups"], list)
    assert isinstance(answers["alerts"], list)


def test_help_names_every_command_in_the_terminal_and_in_chat(serving: Scene, alice: Person) -> None:
    told = serving.terminal("help", "more")
    assert told.returncode == 0
    said = spoken(serving.reply(alice, "@opsbot help more", lambda text: "deploy" in text))
    for command in COMMANDS:
        assert f"`{command}" in told.stdout, command
        assert f"`{command}" in said, command


def test_a_deploy_typed_while_the_bot_serves_is_done_by_the_bot_and_told_in_the_channel(something_live: Scene) -> None:
    scene = something_live
    tag = scene.new_tag()
    ended = scene.terminal("deploy", tag, "--env", "staging", "--json")
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert told["status"] == "succeeded"
    run = scene.run(told["run"])
    assert _drivers(scene, run.id) == {_who_serves(scene)}
    assert scene.live().tag == tag
    message = scene.shown(run.id, f"{tag} is live in staging")
    assert "by root" in spoken(message)
    assert len(scene.messages(run.id)) == 1


def test_a_deploy_typed_while_nobody_serves_is_done_by_the_terminal_and_told_when_the_bot_is_back(
    something_live: Scene, alone: Scene
) -> None:
    tag = alone.new_tag()
    ended = alone.terminal("deploy", tag, "to", "staging")
    assert ended.returncode == 0, ended.stderr
    assert f"{tag} is live in staging" in ended.stdout
    assert alone.live().tag == tag
    assert alone.answers() == str(alone.live().number)
    run = alone.store.runs.list(1)[0].id
    assert _who_serves(alone) is None
    assert alone.messages(run) == []
    alone.bot.start()
    alone.shown(run, f"{tag} is live in staging")
    assert len(alone.messages(run)) == 1
    assert _who_serves(alone) not in _drivers(alone, run)


def test_a_rollback_is_one_command_and_blocks_what_it_left(something_live: Scene) -> None:
    scene = something_live
    before = scene.live()
    tag = scene.new_tag()
    assert scene.terminal("deploy", tag, "to", "staging").returncode == 0
    left = scene.live()
    ended = scene.terminal("rollback", "staging")
    assert ended.returncode == 0, ended.stderr
    assert (scene.live().number, scene.answers()) == (before.number, str(before.number))
    again = scene.terminal("deploy", tag, "to", "staging")
    assert again.returncode == 3
    assert re.search(rf"{tag} .*is blocked: it is {left.id}", again.stderr), again.stderr


def test_a_backup_and_a_restore_work_without_and_with_a_bot_that_serves(something_live: Scene, alone: Scene) -> None:
    backup = alone.terminal("backup", "main", "on", "staging")
    assert backup.returncode == 0, backup.stderr
    listed = json.loads(alone.terminal("backups", "main", "staging", "--json").stdout)
    newest = alone.store.runs.list(1)[0]
    assert listed[0]["run"] == newest.id
    assert listed[0]["bytes"] > 0
    alone.bot.start()
    restored = alone.terminal("restore", listed[0]["id"], "main", "on", "staging")
    assert restored.returncode == 0, restored.stderr + restored.stdout
    run = alone.store.runs.list(1)[0].id
    assert _drivers(alone, run) == {_who_serves(alone)}
    alone.shown(run, f"is back at {listed[0]['id']}")
    alone.shown(newest.id, "The backup is in the bucket")


def test_production_waits_for_somebody_else_and_the_terminal_says_so_with_4(serving: Scene) -> None:
    before = serving.store.releases.live("production", "web")
    waits = serving.terminal("deploy", serving.new_tag(), "to", "production")
    run = serving.store.runs.list(1)[0].id
    assert waits.returncode == 4, waits.stderr
    assert f"approve {run}" in waits.stdout
    serving.shown(run, "waits for a yes", channel="#ops")
    own = serving.terminal("approve", run)
    stopped = serving.terminal("cancel", run)
    assert (own.returncode, "your own plan" in own.stderr) == (3, True), own.stderr
    assert stopped.returncode == 0
    serving.shown(run, "before it began", channel="#ops")
    assert serving.run(run).status == "cancelled"
    assert serving.store.releases.live("production", "web") == before


@pytest.mark.long  # act 3 of the tour is such a deploy
def test_a_release_that_never_becomes_well_ends_with_1_and_nobody_notices(
    something_live: Scene, alone: Scene, tmp_path: Path
) -> None:
    before = alone.live()
    impatient = alone.settings(tmp_path, ("ready_within: 30s", "ready_within: 8s"))
    ended = alone.terminal("deploy", "v3", "to", "staging", "--json", config=impatient)
    told = json.loads(ended.stdout)
    assert (ended.returncode, told["status"]) == (1, "undone")
    assert told["error"]["what"]
    assert (alone.live(), alone.answers()) == (before, str(before.number))


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("deploy", "v1"), 2, "The environment is missing: staging or production?"),
        (("deploy", "--tga", "v1"), 2, "--tga"),
        (("runs", "nowhere"), 1, "nowhere"),
        (("cancel",), 1, "Nothing is running."),
    ],
)
def test_what_cannot_be_done_says_why_and_has_its_exit_status(
    serving: Scene, words: tuple[str, ...], status: int, said: str
) -> None:
    with serving.nothing_changes():
        ended = serving.terminal(*words)
    assert (ended.returncode, said in ended.stderr) == (status, True), ended.stderr
    assert ended.stdout == ""


def _who_serves(scene: Scene) -> str | None:
    return scene.store.leases.holder("serve", SystemClock().now())


def _drivers(scene: Scene, run: str) -> set[str]:
    """Who drove the run; each turn's owner is the process's own name and a number."""
    return {row.owner.partition("#")[0] for row in scene.journal(run)}
