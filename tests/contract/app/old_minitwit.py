"""A MiniTwit of 2010 to be moved, and the database that it is moved into."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import own_postgres
import psycopg2

APP = Path(__file__).parents[3] / "app"
README = (APP / "README.md").read_text(encoding="utf-8")
SECTION = README.partition("## An old database comes over")[2].partition("\n## ")[0]
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)
COMMANDS = [line for kind, block in BLOCKS if kind == "sh" for line in block.splitlines()]
SCHEMA_OF_2010 = """
create table user (user_id integer primary key autoincrement, username string not null, email string not null,
                   pw_hash string not null);
create table follower (who_id integer, whom_id integer);
create table message (message_id integer primary key autoincrement, author_id integer not null, text string not null,
                      pub_date integer, flagged integer);
"""


def about(*words: str) -> list[str]:
    """The commands of the README's section about the mover with all of these in them."""
    return [command for command in COMMANDS if all(word in command for word in words)]


@dataclass
class Ours:
    """Our database, migrated and empty, and the command that moves into it."""

    folder: str
    name: str

    @property
    def url(self) -> str:
        return f"postgresql://{own_postgres.OWNER}@/{self.name}?host={self.folder}"

    @property
    def env(self) -> dict[str, str]:
        return {**os.environ, "DATABASE_URL": self.url, "PYTHONPATH": str(APP)}

    def move(self, source: str | Path, *options: str) -> tuple[int, Any]:
        ended = subprocess.run(
            [sys.executable, "-m", "mover", str(source), "--json", *options],
            env=self.env, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert ended.stdout, ended.stderr
        return ended.returncode, json.loads(ended.stdout)

    def killed(self, rows: int, source: str | Path, *options: str) -> None:
        """Begin a move and kill it between the first and the last of so many messages."""
        argv = [sys.executable, "-m", "mover", str(source), "--json", *options]
        link = psycopg2.connect(self.url)
        link.autocommit = True
        begun = subprocess.Popen(argv, env=self.env, stdout=subprocess.PIPE)
        with link.cursor() as cursor:
            while begun.poll() is None:
                cursor.execute("SELECT count(*) FROM messages")
                if cursor.fetchone() != (0,):
                    break
                time.sleep(0.005)
        link.close()
        begun.send_signal(signal.SIGKILL)
        begun.communicate(timeout=30)
        assert 0 < self.ask("SELECT count(*) FROM messages")[0][0] < rows, "it was not killed in the middle"

    def shape(self) -> list[tuple[Any, ...]]:
        """Every index and every constraint."""
        return self.ask(
            "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename NOT LIKE 'mover%'"
            " UNION SELECT conrelid::regclass || conname || pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE conrelid IN ('users'::regclass, 'followers'::regclass, 'messages'::regclass) ORDER BY 1"
        )

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg2.connect(self.url) as link, link.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()


def write(path: Path) -> None:
    """Two people and what they said, with every sign that is special somewhere."""
    with sqlite3.connect(path) as link:
        link.executescript(SCHEMA_OF_2010)
        people = [(1, "Roger Histand", "r@x.dk", "pbkdf2:sha256:1$a$b"), (7, "Åse\tØ \\", "", "pbkdf2:sha256:1$a$b")]
        link.executemany("insert into user values (?, ?, ?, ?)", people)
        link.executemany("insert into follower values (?, ?)", [(1, 7), (7, 1)])
        said = [
            (n, 1 if n % 3 else 7, f"line {n}\nand \\N 'quotes' 🐘\r", 1_233_000_000 + n, n % 2) for n in range(1, 500)
        ]
        link.executemany("insert into message values (?, ?, ?, ?, ?)", said)
