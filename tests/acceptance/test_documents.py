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
from documents import MODULES, ROOT, SAID, TERMINAL, lines, typed
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
