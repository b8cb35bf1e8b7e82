"""What CI may ask with its token: a few changes, each once, and how they end. Over a real server and the real front."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from pretend_world import BOB, World

from opsbot.bot.ci import Door
from opsbot.commands.change import of_error
from opsbot.commands.doorstep import Doorstep
from opsbot.config.settings import Ci
from opsbot.errors import NotFound, Refused, StepFailed, Unavailable
from opsbot.web import LARGEST, Routes, Web

TOKEN = "a long secret"
OURS = {"Authorization": f"Bearer {TOKEN}"}
SOURCE = "https://ci.example/runs/7"
SCRIPT = Path(__file__).parents[3] / "app" / "ci" / "ask-bot.sh"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def url(world: World) -> Iterator[str]:
    yield from served(world, TOKEN)


def served(world: World, token: str) -> Iterator[str]:
    def look(run: str) -> tuple[str, str]:
        return world.engine.view(run).status, "a sentence"

    doorstep = Doorstep(world.front.record, world.clock)
    door = Door(token, Ci(token=token), world.front.handle, look, doorstep)
    web = Web("127.0.0.1:0", Routes(lambda: (True, {}), ci=door, turned_away=doorstep.refused))
    web.start()
    yield f"http://127.0.0.1:{web.port}/ci"
    web.stop()


def ask(url: str, command: Any, source: Any = SOURCE) -> tuple[int, dict[str, Any]]:
    answer = requests.post(url, json={"command": command, "source": source}, headers=OURS, timeout=5)
    return answer.status_code, answer.json()


def test_a_deploy_to_staging_is_begun_and_can_be_followed_to_its_end(world: World, url: str) -> None:
    status, told = ask(url, "deploy v2 to staging")
    assert (status, told["text"]) == (202, "Deploy web v2 to staging.")
    run = world.store.runs.get(told["run"])
    assert run is not None
    assert (run.actor["kind"], run.actor["id"], run.door) == ("ci", "ci:ci", "web")
    assert world.drive(told["run"]) == "succeeded"
    seen = requests.get(f"{url}/{told['run']}", headers=OURS, timeout=5)
    assert (seen.status_code, seen.json()["status"]) == (200, "succeeded")


def test_a_deploy_to_production_is_proposed_and_a_person_says_yes(world: World, url: str) -> None:
    status, told = ask(url, "deploy v2 to production")
    assert status == 202
    assert world.engine.view(told["run"]).status == "awaiting_approval"
    assert world.say(f"approve {told['run']}", BOB).ok
    assert world.drive(told["run"]) == "succeeded"


def test_the_same_of_the_same_run_of_ci_is_done_once_however_often_it_is_sent(world: World, url: str) -> None:
    first, again = ask(url, "deploy v2 to staging"), ask(url, "deploy v2 to staging")
    assert again[0] == 202
    assert again[1]["run"] == first[1]["run"]
    assert len(world.store.runs.list(10)) == 1


@pytest.mark.parametrize(
    "command",
    [
        "approve",
        "rollback staging",
        "unblock web-1 on staging",
        "restore latest on staging",
        "",
        "  ",
        "status",
        "break-glass x y",
    ],
)
def test_ci_may_say_nothing_but_what_the_settings_allow(world: World, url: str, command: str) -> None:
    status, told = ask(url, command)
    assert (status, told) == (403, {"code": "not_allowed", "text": "CI may say deploy."})
    assert world.store.runs.list(10) == []


def test_ci_breaks_no_glass(world: World, url: str) -> None:
    status, told = ask(url, 'deploy v2 to production --break-glass "it cannot wait"')
    assert (status, told["code"]) == (403, "not_allowed")
    assert world.store.runs.list(10) == []


@pytest.mark.parametrize(
    ("command", "status", "code"),
    [
        ("deploy v2 to nowhere", 422, "unknown_environment"),
        ("deploy", 400, "missing_param"),
        ("deploy v2 --wrong", 400, "usage"),
        ("deploy v2 to \ud800", 400, "shape"),
    ],
)
def test_what_cannot_be_understood_is_said(url: str, command: str, status: int, code: str) -> None:
    found, told = ask(url, command)
    assert (found, told["code"]) == (status, code)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"x"', b'{"command": 7}', b'{"command": "deploy", "source": 1}', b"[" * 100_000]
)
def test_what_is_not_of_the_shape_is_the_senders_fault(url: str, body: bytes) -> None:
    assert requests.post(url, data=body, headers=OURS, timeout=5).status_code == 400


@pytest.mark.parametrize("token", [None, "", "Bearer", "Bearer ", TOKEN, f"Bearer {TOKEN}x", "Bearer å"])
def test_nobody_else_gets_in(world: World, url: str, token: str | None) -> None:
    headers = {} if token is None else {"Authorization": token.encode()}
    for answer in (
        requests.post(url, json={"command": "deploy v2 to staging"}, headers=headers, timeout=5),
        requests.get(f"{url}/r12345", headers=headers, timeout=5),
    ):
        assert answer.status_code == 401
    assert world.store.runs.list(10) == []


def test_without_a_configured_token_nobody_gets_in(world: World) -> None:
    for url in served(world, ""):
        for token in ("Bearer", "Bearer "):
            answer = requests.post(
                url, json={"command": "deploy v2 to staging"}, headers={"Authorization": token}, timeout=5
            )
            assert answer.status_code == 401


def kept(world: World) -> list[tuple[str, str, str, str]]:
    """Who was refused what, for which reason and why; oldest first."""
    rows = world.store.audit.list(100)[::-1]
    return [(str(row.actor["id"]), row.what, row.outcome, str(row.body.get("why"))) for row in rows]


def test_whom_the_door_turns_away_is_in_the_record_and_the_token_is_not(world: World, url: str) -> None:
    for _ in range(3):
        requests.post(url, json={"command": "deploy"}, headers={"Authorization": "Bearer guessed-it"}, timeout=5)
    ask(url, "rollback staging")
    ask(url, f"{'x' * 200} y")
    requests.post(url, data=b"{", headers=OURS, timeout=5)
    assert requests.post(url, data=b" " * (LARGEST + 1), headers=OURS, timeout=5).status_code == 413

    told = kept(world)
    assert [row[:3] for row in told] == [
        ("unknown", "ci", "token"),
        ("ci:ci", "ci", "not_allowed"),
        ("ci:ci", "ci", "shape"),
        ("unknown", "ci", "too_large"),
    ]
    assert told[0][3] == "The token is not right. From 127.0.0.1."
    assert told[1][3] == "CI may say deploy. It said “rollback”. From 127.0.0.1."
    assert "guessed-it" not in str(world.store.audit.list(100))
    assert TOKEN not in str(world.store.audit.list(100))


def test_what_the_front_refuses_ci_is_in_the_record_once_with_its_code(world: World, url: str) -> None:
    world.say("lock staging a test", BOB)
    assert ask(url, "deploy v2 to staging")[0] == 403
    assert ask(url, 'deploy v2 to production --break-glass "it cannot wait"')[0] == 403
    assert [row[:3] for row in kept(world)][1:] == [("ci:ci", "deploy", "locked"), ("ci:ci", "deploy", "not_allowed")]


def test_a_run_that_is_not_there_and_another_method_are_said(url: str) -> None:
    assert requests.get(f"{url}/rnope00", headers=OURS, timeout=5).status_code == 404
    assert requests.delete(url, headers=OURS, timeout=5).status_code == 405


def test_what_is_down_is_worth_another_try(world: World) -> None:
    away = of_error(Unavailable("no"))
    doorstep = Doorstep(world.front.record, world.clock)
    door = Door(TOKEN, Ci(token=TOKEN), lambda _asked: away, lambda _run: ("", ""), doorstep)
    found, _, _ = door("POST", "/ci", b'{"command": "deploy v2 to staging"}', {"authorization": f"Bearer {TOKEN}"})
    assert found == 503


def test_what_was_asked_before_and_has_no_run_is_not_taken_for_a_success(world: World, url: str) -> None:
    world.red["image.resolve"] = NotFound("There is no tag v2.", code="unknown_tag")
    assert ask(url, "deploy v2 to staging")[0] == 422
    status, told = ask(url, "deploy v2 to staging")  # as if the first answer had been lost
    assert (status, told["code"]) == (503, "heard_before")


@pytest.fixture
def at_work(world: World) -> Iterator[None]:
    """What `serve` does meanwhile: whatever was submitted is driven."""
    over = threading.Event()

    def work() -> None:
        while not over.wait(0.02):
            while world.submitted:
                world.drive(world.submitted.pop(0))

    thread = threading.Thread(target=work)
    thread.start()
    yield
    over.set()
    thread.join()


def script(url: str, mode: str, command: str, **changed: str) -> tuple[int, str, str]:
    """The workflow's own script, as GitHub runs it: exit code and what it said on either side."""
    settings = {"OPSBOT_URL": url.removesuffix("/ci"), "OPSBOT_CI_TOKEN": TOKEN, "PAUSE": "0.05", "ATTEMPTS": "200"}
    settings |= {"GITHUB_SERVER_URL": "https://forge", "GITHUB_REPOSITORY": "team/minitwit", "PATH": os.environ["PATH"]}
    settings |= {"GITHUB_RUN_ID": "7", "GITHUB_RUN_ATTEMPT": "1"} | changed
    ended = subprocess.run(
        [SCRIPT, mode, command], env=settings, capture_output=True, text=True, check=False, timeout=60
    )
    return ended.returncode, ended.stdout, ended.stderr


@pytest.mark.usefixtures("at_work")
def test_the_script_waits_until_the_deploy_has_succeeded(world: World, url: str) -> None:
    code, said, wrong = script(url, "wait", "deploy v2 to staging")
    (run,) = world.store.runs.list(10)
    assert (code, wrong) == (0, "")
    assert said == f"deploy v2 to staging: run {run.id}. Deploy web v2 to staging.\nrun {run.id} succeeded\n"


@pytest.mark.usefixtures("at_work")
def test_the_script_fails_as_the_deploy_fails_and_another_attempt_is_another_run(world: World, url: str) -> None:
    world.failing["rollout.prepare"] = StepFailed("It does not start.")
    code, _, wrong = script(url, "wait", "deploy v2 to staging")
    assert (code, "undone. a sentence" in wrong) == (1, True)
    del world.failing["rollout.prepare"]
    same = script(url, "wait", "deploy v2 to staging")
    assert (same[0], "undone. a sentence" in same[2]) == (1, True)
    assert len(world.store.runs.list(10)) == 1
    again = script(url, "wait", "deploy v2 to staging", GITHUB_RUN_ATTEMPT="2")
    assert (again[0], again[2]) == (0, "")
    assert len(world.store.runs.list(10)) == 2


def test_the_script_proposes_and_leaves_the_rest_to_people(world: World, url: str) -> None:
    code, said, _ = script(url, "propose", "deploy v2 to production")
    (run,) = world.store.runs.list(10)
    assert (code, run.status) == (0, "awaiting_approval")
    assert f"run {run.id}. Deploy web v2 to production." in said


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("rollback staging", "CI may say deploy."),
        ("deploy v9 to staging", "There is no tag v9."),
        ("deploy v2 to nowhere", "nowhere"),
    ],
)
def test_the_script_says_the_bots_sentence_when_it_refuses(world: World, url: str, command: str, sentence: str) -> None:
    world.red["image.resolve"] = NotFound("There is no tag v9.", code="unknown_tag")
    code, said, wrong = script(url, "wait", command)
    assert (code, said) == (1, "")
    assert f"{command}: " in wrong
    assert sentence in wrong


@pytest.mark.parametrize("mode", ["wait", "propose"])
def test_what_is_live_already_is_a_success_that_needs_no_run(world: World, url: str, mode: str) -> None:
    world.red["rollout.prepare"] = Refused("v2 (web-2) is live already.", code="nothing_to_do")
    said = "deploy v2 to staging: v2 (web-2) is live already.\n"
    assert script(url, mode, "deploy v2 to staging") == (0, said, "")
    assert world.store.runs.list(10) == []


def test_the_script_with_a_wrong_token_says_so_and_does_not_show_it(world: World, url: str) -> None:
    code, said, wrong = script(url, "wait", "deploy v2 to staging", OPSBOT_CI_TOKEN="a wrong secret")
    assert (code, said, "The token is not right." in wrong) == (1, "", True)
    assert "a wrong secret" not in wrong
    assert world.store.runs.list(10) == []
