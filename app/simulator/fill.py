"""`python -m simulator.fill`: a database as a busy year leaves it, for measuring. Only into an empty one.

The rows are made by the database itself, from the seed alone: same arguments, same rows. Some people write
and are followed far more than others, a few follow thousands. Nobody can log in: there is no password.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from minitwit.settings import SettingsError, database_url
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

CHUNK = 250_000
LAST_SECOND = 1_700_000_000
SPAN_SECONDS = 365 * 86_400

# A number in [0, 1) that depends on the seed and the given text alone.
CHANCE = text("""
    CREATE FUNCTION pg_temp.chance(what text) RETURNS double precision IMMUTABLE LANGUAGE sql
    AS $$ SELECT ('x' || substr(md5(what), 1, 8))::bit(32)::bigint / 4294967296.0 $$""")
USERS = text("""
    INSERT INTO users (user_id, username, email, pw_hash)
    SELECT n, (ARRAY['Åse','Roger','Zoë','Bjørn','李','Nneka','José','Mira'])[1 + n % 8] || ' Author ' || n,
           'author' || n || '@example.org', ''
      FROM generate_series(:first, :last) n""")
FOLLOWERS = text("""
    INSERT INTO followers (who_id, whom_id)
    SELECT DISTINCT who, 1 + floor(:users * power(pg_temp.chance(:seed || 'whom' || who || ' ' || n), 2))::int
      FROM generate_series(:first, :last) who,
           generate_series(1, least(3000, 1 + floor(2.5 / power(1.0001 - pg_temp.chance(:seed || who), 0.7))::int)) n
        ON CONFLICT DO NOTHING""")
MESSAGES = text("""
    INSERT INTO messages (author_id, text, pub_date, flagged)
    SELECT 1 + floor(:users * power(pg_temp.chance(:seed || 'author' || n), 2.5))::int,
           'message ' || n || ' ' || repeat(md5(n::text) || ' ', 1 + n % 3),
           :last_second - (:messages - n) * CAST(:span AS bigint) / :messages, (n % 200 = 0)::int
      FROM generate_series(:first, :last) n""")


class NotEmpty(Exception):
    """The database holds rows already; nothing was written."""


def fill(connection: Connection, users: int, messages: int, seed: int, say: Callable[[str], None]) -> dict[str, int]:
    """Write the rows and gather statistics; returns how many there are of each. Raises NotEmpty."""
    if connection.scalar(text("SELECT EXISTS (SELECT FROM users)")):
        raise NotEmpty("there are users in this database already: fill an empty one")
    # Not waiting for the disk at each of a dozen commits: what a crash loses is made again.
    connection.execute(text("SET synchronous_commit = off"))
    connection.execute(CHANCE)
    shared: dict[str, Any] = {"seed": f"{seed} ", "users": users, "messages": messages}
    shared |= {"span": SPAN_SECONDS, "last_second": LAST_SECOND}
    for name, statement, total, chunk in (
        ("users", USERS, users, CHUNK),
        ("followers", FOLLOWERS, users, CHUNK // 10),
        ("messages", MESSAGES, messages, CHUNK),
    ):
        for first in range(1, total + 1, chunk):
            last = min(first + chunk - 1, total)
            wanted = {key: shared[key] for key in shared if f":{key}" in statement.text}
            connection.execute(statement, wanted | {"first": first, "last": last})
            connection.commit()
            say(f"{name}: {last} of {total}")
    connection.execute(text("SELECT setval(pg_get_serial_sequence('users', 'user_id'), :last)"), {"last": users})
    connection.commit()
    _settle(connection)
    return {
        name: connection.scalar(text(f"SELECT count(*) FROM {name}")) or 0  # noqa: S608 - names of this list
        for name in ("users", "followers", "messages")
    }


def _settle(connection: Connection) -> None:
    """What a database that has lived for a while has done: statistics, and pages known to be visible to all."""
    connection.execution_options(isolation_level="AUTOCOMMIT")
    for table in ("users", "followers", "messages"):
        connection.execute(text(f"VACUUM ANALYZE {table}"))


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point. Prints one JSON line; exit code 0: filled; 1: not; 2: wrong settings."""
    arguments = _parser().parse_args(argv)
    try:
        url = database_url(os.environ)
    except SettingsError as error:
        return _answer({"ok": False, "error": str(error)}, 2)
    engine = create_engine(url)
    started = time.monotonic()
    try:
        with engine.connect() as connection:
            made = fill(connection, arguments.users, arguments.messages, arguments.seed, _say)
    except (SQLAlchemyError, NotEmpty) as error:
        return _answer({"ok": False, "error": str(error).splitlines()[0]}, 1)
    finally:
        engine.dispose()
    return _answer({"ok": True, **made, "seconds": round(time.monotonic() - started, 1)}, 0)


def _say(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")


def _answer(found: dict[str, Any], code: int) -> int:
    sys.stdout.write(json.dumps(found) + "\n")
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="simulator.fill", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--messages", type=int, default=3_000_000)
    parser.add_argument("--seed", type=int, default=1, help="same seed, same rows (default 1)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
