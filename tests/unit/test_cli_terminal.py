"""The terminal: who it is, what it prints, how a run is followed, what Ctrl-C does."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pretend_world import ALICE, EVE, World, read_only

from opsbot.cli import command, who
from opsbot.cli.command import run_terminal
from opsbot.cli.follow import EXITS
from opsbot.cli.text import Paint, render
from opsbot.commands.front import Front
from opsbot.commands.reply import Button, Code, Line, Lines, Pairs, Reply, Small, Words
from opsbot.commands.request import Actor, Request
from opsbot.commands.run_card import run_card
from opsbot.config.settings import Config
from opsbot.errors import StepFailed
from opsbot.log import Secret
from opsbot.runs.step import Context, Outputs


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.store.close()


@dataclass
class Composed:
    """What bot.py builds."""

    front: Any
    engine: Any
    store: Any


def typed(world: World, *words: str, actor: Actor = ALICE) -> int:
    return run_terminal(Composed(world.front, world.engine, world.store), world.config, words, actor)


def test_a_deploy_from_the_terminal_runs_here_and_tells_each_step(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed(world, "deploy", "v2", "--env", "staging") == 0

    told = capsys.readouterr().out
    assert told.index("… Find the image") < told.index("✓ Find the image") < told.index("✓ Watch it for a while")
    assert told.rstrip().endswith("✓ Deploy web v2 to staging: done. v2 is live in staging.")


def test_a_failed_deploy_ends_with_the_reason_and_status_one(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.failing["rollout.smoke"] = StepFailed("The front page answers 500.")

    assert typed(world, "deploy", "v2", "--env", "staging") == 1

    told = capsys.readouterr().out
    assert "✗ Try the new release out  The front page answers 500." in told
    assert "Undone: Start the new release beside the old one" in told


def test_where_a_serve_lives_the_terminal_only_follows(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.store.leases.take("serve", "elsewhere", 30, world.clock.now())
    serving = threading.Thread(target=_serve_one, args=(world,))
    serving.start()

    assert typed(world, "backup", "staging") == 0

    serving.join()
    assert "✓ Copy the database to the bucket" in capsys.readouterr().out
    assert world.asked[0][:2] == ("do", "backup.take")


def _serve_one(world: World) -> None:
    for _ in range(200):
        for run in world.engine.due():
            world.engine.drive(run)
            return
        threading.Event().wait(0.02)


def test_where_the_serve_dies_the_terminal_goes_on_by_itself(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.store.leases.take("serve", "elsewhere", 1.5, world.clock.now())

    assert typed(world, "backup", "staging") == 0

    assert "✓ Read the backup back" in capsys.readouterr().out


def test_json_is_the_only_thing_on_stdout(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed(world, "backup", "staging", "--json") == 0
    ended = capsys.readouterr()
    assert json.loads(ended.out)["status"] == "succeeded"
    assert "✓ Read the backup back" in ended.err

    assert typed(world, "runs", "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["playbook"] == "backup"

    assert typed(world, "deply", "--json") == 2
    assert json.loads(capsys.readouterr().out)["code"] == "unknown_command"


def test_a_script_learns_by_its_code_why_a_run_did_not_begin(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.engine, "_replan", lambda plan: replace(plan, playbook_hash="edited meanwhile"))

    assert typed(world, "backup", "staging", "--json") == EXITS["rejected"]
    ended = json.loads(capsys.readouterr().out)
    assert (ended["status"], ended["code"]) == ("rejected", "plan_changed")

    monkeypatch.undo()
    assert typed(world, "backup", "staging") == 0
    capsys.readouterr()
    assert typed(world, "runs", "--json") == 0
    assert [run["code"] for run in json.loads(capsys.readouterr().out)] == [None, "plan_changed"]
    assert typed(world, "runs", ended["run"], "--json") == 0
    assert json.loads(capsys.readouterr().out)["code"] == "plan_changed"
    assert run_card(world.engine.view(ended["run"])).json["code"] == "plan_changed"


@pytest.mark.parametrize(
    ("words", "status"),
    [(("status",), 0), (("deploy",), 2), (("deploy", "v2", "--evn", "x"), 2), (("nonsense",), 2)],
)
def test_the_exit_status_says_what_kind_of_answer_it_was(world: World, words: tuple[str, ...], status: int) -> None:
    assert typed(world, *words) == status


def test_a_refusal_is_on_stderr_with_status_three(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed(world, "deploy", "v2", "--env", "staging", actor=EVE) == 3
    told = capsys.readouterr()
    assert told.out == ""
    assert "Your role is viewer" in told.err


def test_a_plan_that_waits_for_a_yes_ends_with_status_four(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed(world, "deploy", "v2", "--env", "production") == 4

    run = world.store.runs.list()[0].id
    assert f"Somebody else says: opsbot approve {run}" in capsys.readouterr().out
    bob = Actor("person", "U02BOB", "bob")
    assert typed(world, "approve", run, actor=bob) == 0
    assert "v2 is live in production." in capsys.readouterr().out


def test_broken_glass_is_followed_through_its_countdown(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    threading.Timer(0.3, lambda: world.clock.jump_to(world.clock.now() + timedelta(minutes=5))).start()

    assert typed(world, "deploy", "v2", "--env", "production", "--break-glass", "the site is down") == 0

    told = capsys.readouterr().out
    assert "! Begins without a second person  unless somebody stops it: the site is down" in told
    assert told.rstrip().endswith("v2 is live in production.")


def test_ctrl_c_asks_to_stop_and_the_run_is_undone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    reached = threading.Event()

    def slow(ctx: Context, args: Any) -> Outputs:
        reached.set()
        ctx.sleep(20)
        return {}

    monkeypatch.setattr(world.steps["rollout.bake"], "run", slow)
    monkeypatch.setattr(world.engine, "follow", _pressing(world, reached, times=1))

    assert typed(world, "deploy", "v2", "--env", "staging") == 1
    assert world.store.runs.list()[0].status == "cancelled"
    assert ("undo", "rollout.switch") in [(kind, name) for kind, name, _ in world.asked]


def test_a_second_ctrl_c_leaves_the_run_to_others(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    reached = threading.Event()

    def stubborn(ctx: Context, args: Any) -> Outputs:
        reached.set()
        for _ in range(400):
            if world.engine._stopping.is_set():
                break
            threading.Event().wait(0.02)
        return {}

    monkeypatch.setattr(world.steps["rollout.bake"], "run", stubborn)
    monkeypatch.setattr(world.engine, "follow", _pressing(world, reached, times=2))

    assert typed(world, "deploy", "v2", "--env", "staging") == 130
    assert world.store.runs.list()[0].status in ("running", "undoing")


def _pressing(world: World, reached: threading.Event, times: int) -> Any:
    """`follow` as it is, with a Ctrl-C arriving in it so many times once the step was reached."""
    left, follow = [times], world.engine.follow

    def pressed(run: str, after: int, timeout: float) -> Any:
        if left[0] and reached.wait(5):
            left[0] -= 1
            raise KeyboardInterrupt
        return follow(run, after, min(timeout, 0.05))

    return pressed


def test_the_person_is_the_kernels_login_and_no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("USER", "LOGNAME", "SUDO_USER"):
        monkeypatch.setenv(name, "alice")
    config = Config.model_validate({"terminal_users": {"alice": "U01ALICE"}})

    assert who.actor(config, "alice").id == "U01ALICE"
    assert who.actor(config, "mallory").id == "terminal:mallory"
    assert who.login() != "alice"


def test_the_record_says_which_account_typed_it_and_at_which_terminal(world: World) -> None:
    actor = replace(ALICE, uid=1000, tty="/dev/pts/7")
    typed(world, "deploy", "v2", "to", "staging", actor=actor)
    typed(world, "freeze", "staging", "the night", actor=replace(actor, id="terminal:eve"))
    rows = world.store.audit.list(10)
    assert {(row.what, row.outcome) for row in rows} >= {("deploy", "succeeded"), ("freeze", "not_allowed")}
    assert {(row.actor["uid"], row.actor["tty"]) for row in rows} == {(1000, "/dev/pts/7")}
    assert world.store.audit.verify().ok


def test_the_terminal_is_the_one_of_the_program_and_none_where_a_script_calls() -> None:
    outside, inside = os.openpty()
    ask = [sys.executable, "-c", "from opsbot.cli import who; print(who.tty())"]
    seen = [subprocess.run(ask, stdin=at, capture_output=True, check=True) for at in (inside, subprocess.DEVNULL)]
    assert [each.stdout.decode().strip() for each in seen] == [os.ttyname(inside), "None"]
    os.close(outside)
    os.close(inside)


EVERYTHING = Reply(
    "*It* works", "ok",
    [
        Words("two\nlines of *bold* text, 2*3*4"), Pairs([("a", "1"), ("longer", "2")]),
        Lines([Line("bad", "wrong", "why"), Line("off", "later")], heading="List"),
        Lines([Line("warn", "Start it", "undone\nIt was asked to stop.")]), Code("raw *text*\x1b[2J"), Small("quiet"),
    ],
    [Button("Again", "status")],
)  # fmt: skip


def test_a_reply_is_plain_text_without_a_terminal() -> None:
    assert render(EVERYTHING, Paint()).split("\n") == [
        "✓ It works",
        "  two",
        "  lines of bold text, 2*3*4",
        "  a       1",
        "  longer  2",
        "  List",
        "  ✗ wrong  why",
        "  - later",
        "  ! Start it  undone",
        "    It was asked to stop.",
        "    raw *text*[2J",
        "  quiet",
        "  Again: opsbot status",
    ]


def test_colours_are_ours_and_never_a_logs() -> None:
    painted = render(EVERYTHING, Paint(colours=True))

    assert "\x1b[32m✓\x1b[0m \x1b[1mIt\x1b[0m works" in painted
    assert "\x1b[2J" not in painted
    assert not command.colours(io.StringIO())


def test_a_refusal_that_cannot_be_written_until_the_end_is_said(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    with read_only(world.store):
        assert typed(world, "deploy", "v2", "to", "staging", actor=EVE) == EXITS["rejected"]
    told = capsys.readouterr().err
    assert "Your role is viewer" in told
    assert "1 row of the audit could not be written" in told
    assert "This program ends now, so they are lost" in told
    assert world.store.audit.list() == []


def test_a_refusal_that_could_not_be_written_at_once_is_written_before_the_program_ends(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    class Locked(Front):
        def handle(self, request: Request) -> Reply:
            with read_only(world.store):
                return super().handle(request)

    front = Locked(world.services())
    words = ("deploy", "v2", "to", "staging")
    assert run_terminal(Composed(front, world.engine, world.store), world.config, words, EVE) == EXITS["rejected"]
    assert "could not be written" not in capsys.readouterr().err
    (row,) = world.store.audit.list()
    assert (row.what, row.outcome, "late_since" in row.body) == ("deploy", "not_allowed", True)


def test_json_for_scripts_shows_no_secret(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    Secret('it"is\\secret of this test')
    world.failing["rollout.prepare"] = StepFailed('It says it"is\\secret of this test.')
    typed(world, "deploy", "v2", "to", "staging", "--json")
    told = capsys.readouterr().out
    assert json.loads(told)["error"]["what"] == "It says [REDACTED]."
