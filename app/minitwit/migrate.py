"""`python -m minitwit.migrate`: bring the schema to this release's head, once, however many start it.

Prints one JSON line; with `--list` only this release's migrations, for the image's label. Exit code 0: the schema fits; 1: it could not be reached or changed; 2: wrong settings. `changed` is
false where what failed left the schema as it was.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from minitwit import schema
from minitwit.settings import SettingsError, database_url

# Any number, as long as every release uses the same.
ADVISORY_LOCK = 6_481_020_771
ASK_AGAIN_SECONDS = 0.1


class NotAllowed(Exception):
    """A migration is pending that a deploy may not apply by itself."""


class TooLong(Exception):
    """Somebody else migrates and does not come to an end."""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    arguments = _parser().parse_args(argv)
    if arguments.list:
        sys.stdout.write(" ".join(f"{each.revision}:{each.kind}" for each in schema.listed()) + "\n")
        return 0
    try:
        url = database_url(os.environ)
    except SettingsError as error:
        return _say({"ok": False, "error": str(error)}, 2)
    engine = create_engine(url, connect_args={"connect_timeout": 5} if "sqlite" not in url.drivername else {})
    started = time.monotonic()
    try:
        with engine.connect() as connection:
            found = check(connection) if arguments.check else upgrade(connection, arguments)
    except (SQLAlchemyError, CommandError, NotAllowed, TooLong) as error:
        as_it_was = {} if arguments.began else {"changed": False}
        return _say({"ok": False, "error": _first_line(error), **as_it_was}, 1)
    finally:
        engine.dispose()
    return _say({"ok": True, **found, "seconds": round(time.monotonic() - started, 3)}, 0)


def check(connection: Connection) -> dict[str, Any]:
    """`{current, head, state, pending: [{revision, kind, title}]}`, changing nothing."""
    at = schema.current(connection)
    return {
        "current": at,
        "head": schema.head(),
        "state": schema.compare(at),
        "pending": schema.pending_as_json(at),
    }


def upgrade(connection: Connection, limits: argparse.Namespace) -> dict[str, Any]:
    """Apply what is pending, each migration in its own transaction. `{from, to, applied, state}`."""
    _take_lock(connection, limits)
    before = schema.current(connection)
    connection.commit()
    pending = schema.pending(before)
    _refuse_others(pending, limits.allow)
    if pending:
        config = Config()
        config.set_main_option("script_location", "minitwit:migrations")
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        limits.began = True
        command.upgrade(config, "head")
        connection.commit()
    after = schema.current(connection)
    applied = [revision.revision for revision in pending]
    return {"from": before, "to": after, "applied": applied, "state": schema.compare(after)}


def _refuse_others(pending: Sequence[schema.Revision], allowed: Sequence[str]) -> None:
    """Change nothing rather than take away what the release before still needs."""
    for revision in pending:
        if revision.kind not in {"expand", *allowed}:
            raise NotAllowed(
                f"migration {revision.revision} ({revision.title}) is of the kind {revision.kind}: older releases may not "
                f"work after it. Nothing was changed. Once none of them is to come back, run with --allow {revision.kind}"
            )


def _take_lock(connection: Connection, limits: argparse.Namespace) -> None:
    """Wait our turn; the lock is the session's and goes with it. Raises TooLong.

    Asked again and again: who waits inside `pg_advisory_lock` holds a snapshot, for which an index that is built
    concurrently by the one whose turn it is would wait in return.
    """
    if connection.dialect.name != "postgresql":
        return
    for name in ("statement_timeout", "lock_timeout"):
        setting = {"name": name, "value": getattr(limits, name)}
        connection.execute(text("SELECT set_config(:name, :value, false)"), setting)
    connection.commit()
    ends = time.monotonic() + limits.wait
    while not _try_lock(connection):
        if time.monotonic() > ends:
            raise TooLong(f"another migration has run for over {limits.wait:g} s; try again when it has ended")
        time.sleep(ASK_AGAIN_SECONDS)


def _try_lock(connection: Connection) -> bool:
    got = connection.scalar(text("SELECT pg_try_advisory_lock(:number)"), {"number": ADVISORY_LOCK})
    connection.commit()
    return bool(got)


def _first_line(error: Exception) -> str:
    """The error without SQLAlchemy's statement dump and link."""
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0]


def _say(result: dict[str, Any], code: int) -> int:
    sys.stdout.write(json.dumps(result) + "\n")
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="minitwit.migrate", description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--list", action="store_true", help="print REVISION:KIND of all migrations, oldest first; asks no database"
    )
    parser.add_argument("--check", action="store_true", help="say where the schema stands and change nothing")
    parser.add_argument(
        "--allow",
        action="append",
        default=[],
        choices=["contract", "irreversible"],
        help="apply migrations of this kind too",
    )
    parser.add_argument("--lock-timeout", default="5s", help="longest wait for a table lock (default 5s)")
    parser.add_argument("--statement-timeout", default="300s", help="longest statement (default 300s)")
    parser.add_argument(
        "--wait", type=float, default=60.0, help="longest wait for another migration, in seconds (default 60)"
    )
    parser.set_defaults(began=False)
    return parser


if __name__ == "__main__":
    sys.exit(main())
