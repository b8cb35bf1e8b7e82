"""Three million messages of an old MiniTwit brought over: the mover beside pgloader, on one Postgres, in turn."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from opsbot.demo import packages
from opsbot.demo.images import APP
from opsbot.demo.state import State
from tests import own_postgres
from tests.bench.rows import Row
from tests.bench.world import NotMeasured, say

USERS, FOLLOWS, MESSAGES = 100_000, 1_000_000, 3_000_000
PASSES = 2
OLD = f"""
CREATE TABLE user (user_id integer PRIMARY KEY AUTOINCREMENT, username string NOT NULL, email string NOT NULL, pw_hash string NOT NULL);
CREATE TABLE follower (who_id integer, whom_id integer);
CREATE TABLE message (message_id integer PRIMARY KEY AUTOINCREMENT, author_id integer NOT NULL, text string NOT NULL,
                      pub_date integer, flagged integer);
WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {USERS})
    INSERT INTO user SELECT n, 'Person ' || n, 'person' || n || '@example.org', 'pbkdf2:sha256:50000$' || hex(n) || '$' || hex(randomblob(32)) FROM n;
WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < {FOLLOWS} - 1)
    INSERT INTO follower SELECT 1 + n % {USERS}, 1 + (n % {USERS} + 1 + 7919 * (n / {USERS})) % {USERS} FROM n;
WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {MESSAGES})
    INSERT INTO message SELECT n, 1 + n * 7919 % {USERS}, 'What I wanted to say, for the ' || n || 'th time: ' || hex(randomblob(20)), 1233000000 + n, 0 FROM n;
"""  # noqa: S608 - numbers of ours
LOAD = """LOAD DATABASE FROM sqlite://{file} INTO postgresql://{owner}@unix:{folder}:5432/{name}
WITH include drop, create tables, create indexes, reset sequences CAST type string to text;
"""


@dataclass(frozen=True)
class Took:
    """Seconds, and the most memory that the program had, in MB; the server's is not counted."""

    seconds: float
    megabytes: float


def measure() -> Sequence[Row]:
    """A time and a memory for each, the better one of the passes; the databases go again."""
    packages.ensure({"pgloader": "pgloader"}, say)
    if not (own_postgres.BIN / "postgres").exists():
        raise NotMeasured("PostgreSQL 15 is not installed: `python -m tests.prepare` does it")
    old = _old()
    ours: list[Took] = []
    theirs: list[Took] = []
    with own_postgres.running("shared_buffers=128MB", "max_wal_size=4GB") as folder:
        for number in range(PASSES):
            ours.append(_ours(folder, f"ours{number}", old))
            theirs.append(_pgloader(folder, f"theirs{number}", old))
    return list(_rows(ours, theirs))


def _rows(ours: Sequence[Took], theirs: Sequence[Took]) -> Sequence[Row]:
    how = (
        f"A SQLite file of the schema of 2010 with {MESSAGES} messages, {USERS} people and {FOLLOWS} follows into one Postgres, in turn,"
        f" the better of {PASSES}. Ours checks first, moves into our schema with its keys, notes where it is, and compares checksums;"
        " pgloader makes tables after those of the file and compares nothing. Memory without the server's."
        f" Load average at the end {os.getloadavg()[0]:.1f}."
    )
    seconds = [min(took.seconds for took in each) for each in (ours, theirs)]
    megabytes = [max(took.megabytes for took in each) for each in (ours, theirs)]
    name, beside = f"{MESSAGES} old messages brought over", "pgloader"
    return [
        Row("app", f"{name}: time", seconds[0], "s", how, against=beside),
        Row("app", f"{name}: time of pgloader", seconds[1], "s", how),
        Row("app", f"{name}: time over pgloader's", seconds[0] / seconds[1], "×", how, against=beside),
        Row("app", f"{name}: memory", megabytes[0], "MB", how, against=beside),
        Row("app", f"{name}: memory of pgloader", megabytes[1], "MB", how),
        Row("app", f"{name}: memory over pgloader's", megabytes[0] / megabytes[1], "×", how, 1.0, against=beside),
    ]


def _old() -> Path:
    """The file, made once for this state folder."""
    state = State.default()
    state.claim()
    made = state.folder("bench") / "minitwit-2010.db"
    if not made.exists():
        say(f"an old MiniTwit with {MESSAGES} messages")
        draft = made.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        with sqlite3.connect(draft) as link:
            link.execute("PRAGMA synchronous = OFF")
            link.executescript(OLD)
        link.close()
        draft.rename(made)
    return made


def _ours(folder: str, name: str, old: Path) -> Took:
    own_postgres.create(folder, name)
    url = f"postgresql://{own_postgres.OWNER}@/{name}?host={folder}"
    env = {**os.environ, "DATABASE_URL": url, "PYTHONPATH": str(APP)}
    _took([sys.executable, "-m", "minitwit.migrate"], env)
    say("moving it with ours")
    took = _took([sys.executable, "-m", "mover", str(old), "--json"], env)
    _arrived(folder, name, "messages")
    return took


def _pgloader(folder: str, name: str, old: Path) -> Took:
    own_postgres.create(folder, name)
    say("moving it with pgloader")
    with tempfile.NamedTemporaryFile("w", suffix=".load") as script:
        script.write(LOAD.format(file=old, owner=own_postgres.OWNER, folder=folder, name=name))
        script.flush()
        took = _took(["pgloader", "--no-ssl-cert-verification", script.name], os.environ)
    _arrived(folder, name, "message")
    return took


def _took(argv: Sequence[str], env: Mapping[str, str]) -> Took:
    with tempfile.TemporaryFile() as said:
        started = time.monotonic()
        program = subprocess.Popen(argv, env=env, stdout=said, stderr=said)
        _, status, usage = os.wait4(program.pid, 0)
        program.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - started
        if program.returncode:
            said.seek(0)
            raise NotMeasured(
                f"{argv[0]} ended with {program.returncode}: {said.read()[-500:].decode(errors='replace')}"
            )
    return Took(seconds, usage.ru_maxrss / 1024)


def _arrived(folder: str, name: str, table: str) -> None:
    """Every message is there, and the room is free for the next pass."""
    link = psycopg2.connect(host=folder, user=own_postgres.OWNER, dbname=name)
    with link, link.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608 - a name of ours
        (count,) = cursor.fetchone() or (0,)
    link.close()
    if count != MESSAGES:
        raise NotMeasured(f"{count} of {MESSAGES} messages arrived in {name}")
    own_postgres.drop(folder, name)
