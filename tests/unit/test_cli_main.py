"""The program itself: what it says and how it ends before any command can be answered."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsbot.cli.main import load, main

ROOT = Path(__file__).parents[2]
Captured = pytest.CaptureFixture[str]

CONFIG = """\
store: sqlite:///{folder}/state.db
environments:
  staging: {{stack: s}}
services:
  web: {{image: registry.example/web}}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "opsbot.yml"
    path.write_text(CONFIG.format(folder=tmp_path))
    (tmp_path / "playbooks").symlink_to(ROOT / "playbooks")
    return path


def test_help_needs_no_slack_and_no_engine(config: Path, capsys: Captured) -> None:
    assert main(["--config", str(config), "help"]) == 0
    told = capsys.readouterr().out
    assert "`logs staging`  The last lines" in told
    assert "`deploy`" in told


def test_without_words_it_says_what_it_can(capsys: Captured) -> None:
    assert main([]) == 0
    assert "serve    listen in chat" in capsys.readouterr().out


WRONG_SETTINGS = {
    "a key that does not exist": (
        "services:",
        "servcies:",
        "opsbot.yml:4: unknown key “servcies”. Did you mean “services”?",
    ),
    "YAML that is none": ("staging: {", "staging: [", "opsbot.yml:3: not valid YAML"),
    "a key twice": ("services:", "store: x\nservices:", "opsbot.yml:4: the key “store” stands twice."),
}


@pytest.mark.parametrize("case", WRONG_SETTINGS)
def test_wrong_settings_end_with_status_two_file_line_and_cure(case: str, config: Path, capsys: Captured) -> None:
    old, new, sentence = WRONG_SETTINGS[case]
    config.write_text(config.read_text().replace(old, new, 1))

    assert main(["--config", str(config), "status"]) == 2
    assert sentence in capsys.readouterr().err


def test_a_wrong_playbook_ends_with_status_two_file_line_and_cure(config: Path, capsys: Captured) -> None:
    (config.parent / "playbooks").unlink()
    (config.parent / "playbooks").mkdir()
    (config.parent / "playbooks" / "tell.yml").write_text("about: Tells everybody\nstep:\n  - id: a\n")

    assert main(["--config", str(config), "status"]) == 2
    assert "tell.yml:2: unknown key “step”. (1 more) Did you mean “steps”?" in capsys.readouterr().err


def test_no_settings_at_all_are_a_sentence(tmp_path: Path, capsys: Captured) -> None:
    assert main([f"--config={tmp_path}/none.yml", "status"]) == 2
    assert "There is no file" in capsys.readouterr().err


def test_serve_names_everything_that_is_missing_at_once(
    config: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_APP_TOKEN", "xapp-not-a-real-one")
    config.write_text(
        config.read_text() + "storage: {bucket: b, key: {env: OPSBOT_S3_KEY}, secret: {env: OPSBOT_S3_SECRET}}\n"
    )

    assert main(["--config", str(config), "serve"]) == 2
    told = capsys.readouterr().err
    assert "Not set: $SLACK_BOT_TOKEN, $OPSBOT_S3_KEY, $OPSBOT_S3_SECRET." in told


def test_an_error_for_a_script_is_json(tmp_path: Path, capsys: Captured) -> None:
    assert main([f"--config={tmp_path}/none.yml", "status", "--json"]) == 2
    assert '"code": "config"' in capsys.readouterr().out


def test_a_relative_store_stands_beside_opsbot_yml_wherever_the_command_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "team").mkdir()
    (tmp_path / "team" / "opsbot.yml").write_text("store: sqlite:///state.db\n")
    monkeypatch.chdir(tmp_path)
    assert load(Path("team/opsbot.yml")).store == f"sqlite:///{tmp_path}/team/state.db"


def test_check_plays_every_rehearsal(config: Path, capsys: Captured) -> None:
    assert main(["--config", str(config), "check"]) == 0
    assert "✓ rollback goes every way of its rehearsal." in capsys.readouterr().out


def test_check_names_a_playbook_without_a_rehearsal(config: Path, capsys: Captured) -> None:
    folder = config.parent / "playbooks"
    folder.unlink()
    folder.mkdir()
    (folder / "hello.yml").write_text(
        "about: Says hello to all\nsteps: [{id: a, name: Say it, do: announce, with: {text: hello}}]\n"
    )

    assert main(["--config", str(config), "check"]) == 2
    assert "hello.yml has no rehearsal. Write rehearsals/hello.yml" in capsys.readouterr().err


def test_the_shell_completes_what_is_typed(config: Path, capsys: Captured) -> None:
    assert main(["completion", "bash"]) == 0
    assert "complete -F _opsbot opsbot" in capsys.readouterr().out
    assert main(["completion", "fish"]) == 2
    assert "bash and zsh" in capsys.readouterr().err
    for line, words in (
        ("opsbot roll", ["rollback", "roll"]),
        ("opsbot roll b", ["back"]),
        ("opsbot audit v", ["verify"]),
    ):
        assert main(["--config", str(config), "--suggest", line]) == 0
        assert capsys.readouterr().out.split() == words


@pytest.fixture
def frozen(config: Path) -> Iterator[Path]:
    """Settings whose engine takes every connection and never answers."""
    path = config.parent / "e.sock"
    with socket.socket(socket.AF_UNIX) as engine:
        engine.bind(str(path))
        engine.listen(64)
        config.write_text(config.read_text().replace("{stack: s}", f'{{stack: s, engine: "unix://{path}"}}'))
        yield config


@pytest.mark.parametrize("words", ["runs", "status", "lock staging we measure"])
def test_an_engine_that_is_frozen_holds_up_no_word_at_the_terminal(words: str, frozen: Path) -> None:
    began = time.monotonic()
    main(["--config", str(frozen), *words.split()])
    assert time.monotonic() - began < 15, "asked in vain it would be a minute; alone it takes 4 s at most"


def test_here_carries_out_what_is_said_without_a_look_at_the_swarm(
    frozen: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setattr("opsbot.cli.main.keep_to_one", lambda *_: pytest.fail("it looked"))
    assert main(["--here", "--config", str(frozen), "runs"]) == 0
    assert main(["--config", str(frozen), "--here", "runs"]) == 0
    assert capsys.readouterr().out.count("Nothing was done yet.") == 2
