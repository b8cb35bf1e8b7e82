"""Every command of the README's section about the mover is carried out, in its order, on what the section speaks of."""

from __future__ import annotations

import os
import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from old_minitwit import APP, BLOCKS, COMMANDS, Ours, about

MAPPING = next(block for kind, block in BLOCKS if kind == "toml")
THEIRS = "postgresql://reader@old-host/chirp"


def run(command: str, folder: Path, url: str) -> subprocess.CompletedProcess[str]:
    """A command as the README has it, with this interpreter."""
    program, *words = shlex.split(command)
    assert program == "python"
    env = {**os.environ, "DATABASE_URL": url, "PYTHONPATH": str(APP)}
    return subprocess.run(
        [sys.executable, *words], cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_section_has_these_commands_and_no_others() -> None:
    known = [*about("minitwit.migrate"), *about("minitwit.db"), *about(THEIRS)]
    assert sorted(known) == sorted(COMMANDS)
    assert (len(about("minitwit.db")), len(about(THEIRS)), len(about("docker run"))) == (4, 2, 1)


def test_the_file_of_2010_is_checked_moved_and_never_moved_twice(database: Callable[[], Ours], old: Path) -> None:
    ours = database()
    (migrate,) = about("minitwit.migrate")
    check, move, yes = [command for command in about("minitwit.db") if not command.startswith("docker")]
    assert run(migrate, old.parent, ours.url).returncode == 0
    said = run(check, old.parent, ours.url)
    assert (said.returncode, said.stdout, ours.ask("SELECT count(*) FROM users")) == (0, "", [(0,)])
    said = run(move, old.parent, ours.url)
    assert (said.returncode, said.stdout.splitlines()[-1]) == (0, "messages: 499 rows, equal on both sides")
    again = run(yes, old.parent, ours.url)
    assert again.returncode == 3
    assert "was moved already" in again.stderr


def test_what_would_be_lost_needs_the_second_command(database: Callable[[], Ours], old: Path) -> None:
    ours = database()
    with sqlite3.connect(old) as link:
        link.execute("insert into message values (900, 99, 'of nobody', 1, 0)")
    _, move, yes = [command for command in about("minitwit.db") if not command.startswith("docker")]
    refused = run(move, old.parent, ours.url)
    assert (refused.returncode, "stay behind" in refused.stdout) == (3, True)
    assert run(yes, old.parent, ours.url).returncode == 0


def test_the_mapping_of_the_section_moves_the_schema_that_it_names(
    database: Callable[[], Ours], tmp_path: Path
) -> None:
    theirs, ours = database(), database()
    theirs.ask(
        "CREATE TABLE accounts (id bigint PRIMARY KEY, nick text, mail text, secret text);"
        "CREATE TABLE tweets (id bigint PRIMARY KEY, who bigint, body text, at bigint);"
        "INSERT INTO accounts VALUES (3, 'Åse Ø', NULL, 'h'); INSERT INTO tweets VALUES (1, 3, 'hi', 12); SELECT 1"
    )
    (tmp_path / "mapping.toml").write_text(MAPPING, encoding="utf-8")
    check, move = [command.replace(THEIRS, theirs.url) for command in about(THEIRS)]
    said = run(check, tmp_path, ours.url)
    assert (said.returncode, "1 empty values of accounts.mail become “”." in said.stdout) == (0, True)
    assert run(move, tmp_path, ours.url).returncode == 0
    assert ours.ask("SELECT username, email, text FROM users JOIN messages ON author_id = user_id") == [
        ("Åse Ø", "", "hi")
    ]
