"""Completion in a real bash: what is typed, the word that bash replaces, and what it may put there."""

from __future__ import annotations

import os
import pty
import select
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pretend_world import World

from opsbot.cli import completion
from opsbot.cli.main import main

BASH = shutil.which("bash") or "bash is not installed"
ASKS = """\
#!{python}
import socket, sys
with socket.socket(socket.AF_UNIX) as one:
    one.connect({address!r})
    one.sendall("\\0".join(sys.argv[1:]).encode() + b"\\n")
    sys.stdout.write(one.makefile().read())
"""
# What readline tells a completion function: it splits words at COMP_WORDBREAKS too.
TYPED = """\
source {script}
COMP_LINE={line!r} COMP_POINT={point} COMP_WORDS=({words}) COMP_CWORD={at}
_opsbot opsbot "${{COMP_WORDS[COMP_CWORD]}}" "${{COMP_WORDS[COMP_CWORD-1]}}"
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


class Program:
    """`opsbot` on the PATH of a shell: asks this process, where the world is pretended."""

    def __init__(self, folder: Path, world: World) -> None:
        self.folder, self.world, self.asked = folder, world, list[str]()
        self._door = socket.socket(socket.AF_UNIX)
        self._door.bind(str(folder / "s"))
        self._door.listen()
        path = folder / "opsbot"
        path.write_text(ASKS.format(python=sys.executable, address=str(folder / "s")), encoding="utf-8")
        path.chmod(0o755)
        (folder / "script").write_text(completion.script(["bash"]), encoding="utf-8")
        self._thread = threading.Thread(target=self._answer)
        self._thread.start()

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": f"{self.folder}:{os.environ['PATH']}", "HOME": str(self.folder), "TERM": "dumb"}

    def close(self) -> None:
        with socket.socket(socket.AF_UNIX) as one:
            one.connect(str(self.folder / "s"))
            one.sendall(b"\n")
        self._thread.join()
        self._door.close()

    def _answer(self) -> None:
        while True:
            one, _ = self._door.accept()
            with one, one.makefile("rw") as words:
                said = words.readline().strip("\n").split("\0")
                if said == [""]:
                    return
                assert said[0] == "--suggest"
                self.asked.append(said[1])
                found = completion.next_words(said[1], lambda typed: completion.suggest(self.world.front, typed))
                words.write("\n".join(found) + "\n")

    def completed(self, line: str, *words: str, breaks: str | None = None) -> list[str]:
        """What a function of the script puts into COMPREPLY for the line with the cursor behind it."""
        text = TYPED.format(
            script=self.folder / "script", line=line, point=len(line), at=len(words) - 1,
            words=" ".join(f"'{word}'" for word in words),
        )  # fmt: skip
        if breaks is not None:
            text = f"COMP_WORDBREAKS={breaks!r}\n{text}"
        ended = subprocess.run(
            [BASH, "--norc", "-ec", text], env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert (ended.returncode, ended.stderr) == (0, "")
        return ended.stdout.split()


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    world = World(tmp_path)
    made = Program(tmp_path, world)
    yield made
    made.close()
    world.store.close()


LINES: dict[str, tuple[str, tuple[str, ...], list[str]]] = {
    "a command's beginning": ("opsbot depl", ("opsbot", "depl"), ["deploy"]),
    "the program's own verb": ("opsbot ado", ("opsbot", "ado"), ["adopt"]),
    "a path's second word": ("opsbot roll b", ("opsbot", "roll", "b"), ["back"]),
    "an environment": ("opsbot deploy v2 to p", ("opsbot", "deploy", "v2", "to", "p"), ["production"]),
    "an option": ("opsbot deploy v2 --en", ("opsbot", "deploy", "v2", "--en"), ["--environment"]),
    "behind an option": ("opsbot deploy v2 --env p", ("opsbot", "deploy", "v2", "--env", "p"), ["production"]),
    "behind its sign": (
        "opsbot deploy v2 --env=pro",
        ("opsbot", "deploy", "v2", "--env", "=", "pro"),
        ["production"],
    ),
    "right behind its sign": (
        "opsbot deploy v2 --env=",
        ("opsbot", "deploy", "v2", "--env", "="),
        ["staging", "production"],
    ),
    "a tag": ("opsbot deploy ", ("opsbot", "deploy", ""), ["v1", "v2", "staging", "production", "web", "api"]),
    "a tag for a place": (
        "opsbot deploy --env=staging v",
        ("opsbot", "deploy", "--env", "=", "staging", "v"),
        ["v1", "v2"],
    ),
    "a service to adopt": ("opsbot adopt w", ("opsbot", "adopt", "w"), ["web"]),
    "where to adopt it": (
        "opsbot adopt web --env ",
        ("opsbot", "adopt", "web", "--env", ""),
        ["staging", "production"],
    ),
    "a flag of init": ("opsbot init --reg", ("opsbot", "init", "--reg"), ["--registry-user", "--region"]),
    "the shell": ("opsbot completion ", ("opsbot", "completion", ""), ["bash", "zsh"]),
    "nothing": ("opsbot deploy v2 to nowhere", ("opsbot", "deploy", "v2", "to", "nowhere"), []),
}


@pytest.mark.parametrize("case", LINES)
def test_bash_is_told_what_may_stand_where_the_cursor_is(case: str, program: Program) -> None:
    line, words, expected = LINES[case]
    assert program.completed(line, *words) == expected
    assert program.asked == [line]


def test_where_the_sign_breaks_no_word_the_whole_word_is_put_in(program: Program) -> None:
    whole = program.completed("opsbot deploy v2 --env=pro", "opsbot", "deploy", "v2", "--env=pro", breaks=" \t\n")
    assert whole == ["--env=production"]


def test_of_a_value_with_a_colon_the_end_is_put_in(program: Program) -> None:
    program.world.tags = lambda _environment, _service: ["stable:1", "stable:2"]
    assert program.completed("opsbot deploy stable:", "opsbot", "deploy", "stable", ":") == ["1", "2"]


def test_only_what_stands_before_the_cursor_counts(program: Program) -> None:
    line = "opsbot deploy v2 to production"
    text = TYPED.format(
        script=program.folder / "script",
        line=line,
        point=len("opsbot depl"),
        at=1,
        words="opsbot deploy v2 to production",
    )
    subprocess.run([BASH, "--norc", "-ec", text], env=program.environment, capture_output=True, timeout=60, check=True)
    assert program.asked == ["opsbot depl"]


def test_the_tab_key_completes_a_line_that_is_really_typed(program: Program) -> None:
    leader, follower = pty.openpty()
    environment = {**program.environment, "INPUTRC": "/dev/null", "PS1": "ready>"}
    with subprocess.Popen(
        [BASH, "--norc", "--noprofile", "-i"], stdin=follower, stdout=follower, stderr=follower, env=environment,
        start_new_session=True,
    ) as shell:  # fmt: skip
        os.close(follower)
        try:
            shown(leader, "ready>")
            os.write(leader, f"source {program.folder}/script; echo sour''ced\n".encode())
            shown(leader, "sourced\r\nready>")
            os.write(leader, b"echo got ; opsbot dep\tv2 --env=pro\t")
            assert "opsbot deploy v2 --env=production " in shown(leader, "production")
        finally:
            shell.kill()
            os.close(leader)


def shown(terminal: int, words: str) -> str:
    """All that the terminal shows until it shows these words."""
    seen, limit = "", time.monotonic() + 60
    while words not in seen:
        ready, _, _ = select.select([terminal], [], [], max(0.0, limit - time.monotonic()))
        assert ready, f"{words} does not come: {seen}"
        seen += os.read(terminal, 4096).decode(errors="replace")
    if select.select([terminal], [], [], 0.2)[0]:
        seen += os.read(terminal, 4096).decode(errors="replace")
    return seen


CONFIG = "environments: {staging: {stack: s}}\nservices: {web: {image: registry.example/web}}\n"


def test_the_program_itself_answers_with_and_without_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "team").mkdir()
    (tmp_path / "team" / "ops.yml").write_text(CONFIG, encoding="utf-8")
    for line, words in (
        ("opsbot in", ["init"]),
        ("opsbot deploy v2 to ", []),
        ("opsbot --config team/ops.yml deploy v2 to s", ["staging"]),
        ("opsbot --config=team/ops.yml adopt web --env=", ["--env=staging"]),
        ("opsbot --config team/ops.yml --", []),
    ):
        assert main(["--suggest", line]) == 0
        assert capsys.readouterr().out.split() == words, line
