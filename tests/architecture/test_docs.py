"""What the documents say can be typed, is there: make targets, commands, files, links."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path

import pytest
import reference
from documents import (
    CHAT,
    LEFT_OUT,
    MODULES,
    NO_COMMAND,
    PATHS,
    PIECES,
    PLACEHOLDER,
    ROOT,
    SAID,
    TARGETS,
    TERMINAL,
    TEXTS,
    daily_table,
)
from known_steps import bare

from opsbot.backups.manifest import Manifest
from opsbot.cli.main import main
from opsbot.commands.catalog import OF_TERMINAL, RESERVED, tree
from opsbot.commands.parse import parse
from opsbot.commands.request import Actor, Request
from opsbot.commands.tree import Tree
from opsbot.config import settings
from opsbot.demo import parts
from opsbot.install import wishes
from opsbot.playbooks.load import load_all
from opsbot.workspace import __main__ as workspace

NOWHERE = """\
store: sqlite:///state.db
environments: {production: {stack: shop, engine: "tcp://127.0.0.1:1"}}
services: {web: {image: registry.example/web}}
"""
ENDS: Mapping[str, tuple[int, str]] = {  # how the program's own verbs end beside NOWHERE, which names nobody
    "completion": (0, "complete -F"),
    "doctor": (1, "to mend"),
    "adopt": (3, "admin"),
    "unadopt": (3, "admin"),
    "serve": (2, "Not set"),
}
NOT_WHOLE = {"adopt": "the verb is only named; its words stand in the block above"}
OWN = [words for words in TERMINAL if shlex.split(words)[0] in OF_TERMINAL]
READER = Actor("person", "U01READER", "reader")
LINKS = [
    (name, target)
    for name, text in TEXTS.items()
    for target in re.findall(r"\]\(([^)\s]+)\)", text)
    if not target.startswith(("http:", "https:"))
]
FILES = [piece for code in PIECES for piece in code.split() if PATHS.match(piece) and not PLACEHOLDER.search(piece)]


@pytest.fixture(scope="module")
def commands() -> Tree:
    """The real tree: the project's opsbot.yml and its playbooks."""
    return tree(settings.load(ROOT / "opsbot.yml"), load_all(ROOT / "playbooks", bare(), RESERVED))


@pytest.mark.parametrize("target", sorted(set(TARGETS)))
def test_every_make_target_that_is_quoted_exists(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("text", SAID)
def test_every_chat_command_that_is_quoted_is_understood(commands: Tree, text: str) -> None:
    assert parse(commands, Request(READER, "slack", text=text)).command is not None


@pytest.mark.parametrize("words", [words for words in TERMINAL if words not in OWN])
def test_every_terminal_command_that_is_quoted_is_understood(commands: Tree, words: str) -> None:
    assert parse(commands, Request(READER, "terminal", argv=tuple(shlex.split(words)))).command is not None


@pytest.mark.parametrize("words", [words for words in OWN if words not in NOT_WHOLE])
def test_every_verb_of_the_program_that_is_quoted_is_understood(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    verb, *rest = shlex.split(words)
    if verb == "init":  # it would write files and look at a swarm
        assert wishes.parse(rest)
        return
    monkeypatch.chdir(tmp_path)
    if verb != "doctor":  # it is quick where there is nothing to look at
        (tmp_path / "opsbot.yml").write_text(NOWHERE, encoding="utf-8")
    status, says = ENDS[verb]
    assert main([verb, *rest]) == status
    assert says in "".join(capsys.readouterr())


@pytest.mark.parametrize(("module", "words"), MODULES)
def test_every_other_program_of_ours_that_is_quoted_is_understood(
    module: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if module == "opsbot.workspace":
        monkeypatch.setattr("sys.argv", [module, *shlex.split(words)])
        assert workspace._arguments()
    else:
        assert module == "opsbot.demo.parts"
        assert parts.main.make_context(module, shlex.split(words))


def test_no_line_that_names_the_program_is_left_out_without_a_reason() -> None:
    assert set(NO_COMMAND) == LEFT_OUT
    assert set(NOT_WHOLE) <= set(OWN)


@pytest.mark.parametrize("name", sorted(set(FILES)))
def test_every_file_that_is_quoted_exists(name: str) -> None:
    assert (ROOT / name).exists()


@pytest.mark.parametrize(("document", "target"), LINKS)
def test_every_relative_link_leads_somewhere(document: str, target: str) -> None:
    file, _, heading = target.partition("#")
    found = ((ROOT / document).parent / file).resolve() if file else ROOT / document
    assert found.exists()
    if heading:
        titles = re.findall(r"^#+ (.+)$", found.read_text(encoding="utf-8"), re.MULTILINE)
        assert heading in {re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-") for title in titles}


def test_what_is_checked_was_found_at_all() -> None:
    assert {"demo", "test", "check", "clean"} <= set(TARGETS)
    assert len(CHAT) >= 5
    assert len(TERMINAL) >= 15
    assert len(MODULES) >= 5
    assert len(daily_table()) >= 10


def test_restoring_by_hand_is_told_as_the_manifest_of_every_backup_tells_it() -> None:
    lines = Manifest.model_fields["restore_with"].default
    assert [line for line in lines if line not in TEXTS["README.md"].splitlines()] == []


@pytest.mark.parametrize("name", ["commands.md", "playbooks.md", "steps.md"])
def test_the_reference_is_what_the_code_says(name: str) -> None:
    assert (reference.FOLDER / name).read_text(encoding="utf-8") == reference.pages()[name], "run `make reference`"
