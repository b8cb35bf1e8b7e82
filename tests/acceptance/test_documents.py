"""Every command that the documents quote is carried out, on the real parts, in an order that makes sense."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from documents import LOOKS, MODULES, ROOT, SAID, SHELL, TERMINAL, lines, typed
from story import SETTINGS, STORY, Act, Place, Story

from opsbot import bot as bots
from opsbot.cli.main import load as settings
from opsbot.demo import parts as demo_parts
from opsbot.demo.chatbot import Chatbot
from opsbot.demo.parts import Parts
from opsbot.demo.state import State
from opsbot.store import open_store

PREFIX = f"{os.environ.get('OPSBOT_TEST_PREFIX', 'optest')}-told"
BARE = "tests/acceptance/test_bare_stack.py"
GUIDE = ("docs/operator.md", "From a running stack to the first rollback")
AT_THE_TERMINAL = (
    *lines("README.md", "The terminal")[1:],
    ".venv/bin/python -m opsbot runs rabcde --json",  # CONTRIBUTING's; that run is the newest one
    ".venv/bin/python -m opsbot --help",
    ".venv/bin/python -m opsbot completion bash",
)
ELSEWHERE: Mapping[str, str] = {  # carried out with these words by another test, which a bot of its own is there for
    "upgrade 2": BARE,
    "unadopt web --env production": BARE,
    "init --manifest": BARE,
    "init --http https://ops.example.org": BARE,
    **dict.fromkeys(typed(*GUIDE), BARE),
    **dict.fromkeys(typed("docs/operator.md", "As a Swarm service"), BARE),
}
NAMED_ONLY = {  # the program's verb alone, in a sentence about what it does
    "init": "the block that the sentence is about has its words",
    "adopt": "it needs the name of a service",
    "serve": "the bot of these tests is started by it",
}
MINE = " --prefix mine"
HERE = "tests/acceptance/test_documents.py"
SHELL_ELSEWHERE: Mapping[str, str] = {  # the test that types it, or why none does
    "make setup": HERE,
    "make demo": "tests/acceptance/test_demo.py",
    "make test": "it runs these tests",
    "make check": "`make test` begins with it",
    "make test-long": "it runs the tests with the marker `long`",
    "make format": HERE,
    "make lock": "it asks the index of packages",
    "make tour": "tests/acceptance/test_tour.py",
    "make bench AREA=runtime": "it measures for many minutes, and fails where a target is missed",
    "make bench": "it measures for many minutes, and fails where a target is missed",
    "make pictures": "tests/acceptance/test_page.py",
    "make clean": "tests/contract/demo/alone.py",  # which calls what it calls, on a state folder of its own
    "git clone ADDRESS opsbot": HERE,
    "git pull": HERE,
    ".venv/bin/python -m pip install --no-deps --editable .": HERE,
    ".venv/bin/python -m pytest -q tests/acceptance/test_page.py": "it runs such a test",
    ".venv/bin/python -m pytest -q tests/unit/runs/test_runs_engine.py -k cancel": "it runs such tests",
    "createdb --template=template0 NEW": "tests/contract/backups/test_failures.py",
    "zstd --decompress --stdout data.zst | pg_restore --exit-on-error --dbname=NEW": "tests/contract/backups/test_failures.py",
    "docker exec DB createdb --username postgres --template template0 looked_at": BARE,
    "gunzip -c shop.sql.gz | docker exec -i DB psql --username postgres --quiet --set ON_ERROR_STOP=1 looked_at": BARE,
    "docker stack deploy --with-registry-auth -c opsbot-stack.yml opsbot": BARE,
    "docker stack rm opsbot": "every test that made a stack ends with it",
    "docker secret rm opsbot_slack_bot_token opsbot_slack_app_token opsbot_registry_password opsbot_s3_key opsbot_s3_secret": BARE,
    "docker volume rm opsbot_state": BARE,
    "docker stack deploy": "named only: what one should not do to an adopted service",
    "docker service update": "named only: what somebody may have done",
    "docker image prune": "it would take images that others on this engine use",
    "docker build -t registry.example/opsbot:1 .": "tests/acceptance/test_bot_image.py",
    'docker build --tag "$IMAGE" --build-arg "MIGRATIONS=$(docker run --rm "$IMAGE" python -m minitwit.migrate --list)" app': (
        "opsbot/demo/images.py builds the images of these tests so"
    ),
    "docker exec -i $(docker ps -q -f name=opsbot_bot) python -m opsbot status": BARE,
    "docker exec -i $(docker ps -q -f name=opsbot_bot) python -m opsbot adopt web --env production": BARE,
    "source <(opsbot completion bash)": HERE,
    "timedatectl set-ntp true": "it changes the machine's clock",
    """python -c "import sqlite3; sqlite3.connect('opsbot.db').execute('VACUUM INTO ?', ['copy.db'])\"""": HERE,
}
ACTS = (*STORY, *(Act(words) for words in SAID if words not in {*ELSEWHERE, *(act.words for act in STORY)}))


@pytest.fixture(scope="module")
def parts() -> Iterator[Parts]:
    """Brought up and down as CONTRIBUTING says, with another name than `mine`; then Prometheus is put beside them."""
    state = State.default()
    demo_parts.down(state, print, PREFIX)
    up, down = (words for module, words in sorted(MODULES, reverse=True) if module == "opsbot.demo.parts")
    _part(up)
    yield demo_parts.up(state, print, PREFIX, watched=True)
    _part(down)
    assert not state.env_file(PREFIX).exists()


def _part(words: str) -> None:
    assert words.endswith(MINE)
    line = f".venv/bin/python -m opsbot.demo.parts {words.replace(MINE, f' --prefix {PREFIX}')}"
    subprocess.run(shlex.split(line), cwd=ROOT, check=True, timeout=280)


@pytest.fixture(scope="module")
def told(parts: Parts) -> Iterator[Story]:
    """All of it, once, in order."""
    serving = Chatbot(parts, bake="2s")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in serving.environment.items():
            patch.setenv(name, value)
        serving.start()
        bot = bots.build(settings(serving.config))
        story = Story(Place(serving, bot))
        for line in AT_THE_TERMINAL:
            story.line(line)
        for act in ACTS:
            story.act(act)
        yield story
        bot.close()
        serving.stop()


@pytest.mark.long  # minutes on stacks of its own; that each is understood is tried in every run, in tests/unit/commands
@pytest.mark.timeout(600)
@pytest.mark.parametrize("words", [*AT_THE_TERMINAL, *dict.fromkeys(act.words for act in ACTS)])
def test_every_command_that_is_quoted_is_carried_out_and_ends_as_the_document_says(told: Story, words: str) -> None:
    for act, seen in told.seen[words]:
        assert (seen.ended, bool(seen.text)) == (act.ends, True), seen.text


def test_what_is_carried_out_elsewhere_is_so_with_these_very_words() -> None:
    text = (ROOT / BARE).read_text(encoding="utf-8")
    blocks = {words for heading in (GUIDE[1], "As a Swarm service") for words in typed("docs/operator.md", heading)}
    for words in ELSEWHERE:
        assert words in blocks or f'"{words}"' in text, words
    assert f'typed("{GUIDE[0]}", ' in text, "that test takes them from the guide"


def test_no_command_at_the_terminal_is_left_out() -> None:
    typed_here = {line.partition("-m opsbot ")[2] for line in AT_THE_TERMINAL}
    assert set(TERMINAL) == typed_here | {words for words in ELSEWHERE if words in TERMINAL} | set(NAMED_ONLY)
    assert lines("README.md", "The terminal")[0].startswith(SETTINGS)


def test_every_other_line_for_a_shell_is_typed_by_a_test_or_has_a_reason() -> None:
    assert set(SHELL) == set(SHELL_ELSEWHERE) | set(LOOKS)
    named = {where for where in SHELL_ELSEWHERE.values() if where.startswith("tests/")}
    assert [where for where in named if not (ROOT / where).exists()] == []


@pytest.mark.long
@pytest.mark.parametrize("line", LOOKS)
def test_every_look_at_the_engine_that_is_quoted_shows_something(told: Story, line: str) -> None:
    parts = told.place.serving.parts
    typed_here = line.replace("STACK_", f"{parts.staging.name}_").replace(
        " -H unix://$PWD/.state/engine/docker.sock", ""
    )
    words = [parts.engine.client, *shlex.split(typed_here)[1:]]
    env = {**os.environ, "DOCKER_HOST": parts.engine.url}
    ended = subprocess.run(words, env=env, capture_output=True, check=True, timeout=60)
    assert ended.stdout + ended.stderr


@pytest.mark.long
@pytest.mark.timeout(600)
def test_the_program_is_got_and_renewed_as_the_guide_says(tmp_path: Path) -> None:
    block = lines("docs/operator.md", "How to get it")
    assert block[0] == "git clone ADDRESS opsbot"
    block[0] = f"git clone --quiet {shlex.quote(str(ROOT))} opsbot"
    renewed = ["cd ../opsbot", "git pull --quiet", "make setup", "make format", "git diff --exit-code"]
    ended = subprocess.run(
        ["sh", "-ec", "\n".join([*block, *renewed])], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert "opsbot [--config opsbot.yml] COMMAND" in ended.stdout


def test_the_bots_record_is_copied_as_the_guide_says(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'opsbot.db'}")
    [line] = lines("docs/operator.md", "Its own record")
    path = f"{ROOT}/.venv/bin:{os.environ['PATH']}"
    subprocess.run(["sh", "-ec", line], cwd=tmp_path, env={**os.environ, "PATH": path}, check=True)
    store.close()
    copy = open_store(f"sqlite:///{tmp_path / 'copy.db'}")
    assert copy.runs.list(1) == []
    copy.close()


@pytest.mark.parametrize("words", [words for module, words in MODULES if module == "opsbot.workspace"])
def test_the_workspace_starts_as_its_page_says_and_ends_at_ctrl_c(words: str, tmp_path: Path) -> None:
    line = f"{ROOT}/.venv/bin/python -m opsbot.workspace {words.replace('DIR', str(tmp_path / 'kept'))}"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(shlex.split(line), cwd=tmp_path, env=env, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout
        ready = json.loads(program.stdout.readline())
        program.send_signal(signal.SIGINT)
        assert program.wait(20) == 0
    assert set(ready) == {"url", "api", "bot_token", "app_token", "signing_secret"}
    assert (tmp_path / "kept").exists() == ("DIR" in words)
