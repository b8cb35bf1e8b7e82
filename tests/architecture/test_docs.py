"""What the documents say can be typed, is there: make targets, commands, files, links."""

from __future__ import annotations

import re
import shlex

import pytest
import reference
from documents import CHAT, PATHS, PIECES, PLACEHOLDER, ROOT, SAID, TARGETS, TERMINAL, TEXTS, daily_table
from known_steps import bare

from opsbot.backups.manifest import Manifest
from opsbot.cli.main import USAGE
from opsbot.commands.catalog import RESERVED, tree
from opsbot.commands.parse import parse
from opsbot.commands.request import Actor, Request
from opsbot.commands.tree import Tree
from opsbot.config import settings
from opsbot.playbooks.load import load_all

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


@pytest.mark.parametrize("words", sorted(set(TERMINAL)))
def test_every_terminal_command_that_is_quoted_is_understood(commands: Tree, words: str) -> None:
    argv = shlex.split(words)
    if re.search(rf"^  {re.escape(argv[0])}\s", USAGE, re.MULTILINE):
        return  # one of the program's own verbs
    assert parse(commands, Request(READER, "terminal", argv=tuple(argv))).command is not None


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
    assert len(TERMINAL) >= 4
    assert len(daily_table()) >= 10


def test_restoring_by_hand_is_told_as_the_manifest_of_every_backup_tells_it() -> None:
    lines = Manifest.model_fields["restore_with"].default
    assert [line for line in lines if line not in TEXTS["README.md"].splitlines()] == []


@pytest.mark.parametrize("name", ["commands.md", "playbooks.md", "steps.md"])
def test_the_reference_is_what_the_code_says(name: str) -> None:
    assert (reference.FOLDER / name).read_text(encoding="utf-8") == reference.pages()[name], "run `make reference`"
