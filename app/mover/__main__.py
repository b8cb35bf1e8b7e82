"""`python -m mover SOURCE`: move a MiniTwit database into ours, streamed, resumable, compared at the end.

SOURCE is a SQLite file or a postgresql:// address; ours is DATABASE_URL. Exit code 0: moved, and equal; 1: broken off (run
it again, it goes on); 2: wrong settings or mapping; 3: refused, because something would be lost and nobody said yes.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg2
from minitwit.settings import SettingsError, database_url

from mover import losses, mapping
from mover.losses import Finding
from mover.mapping import Wrong
from mover.move import move
from mover.source import open_source
from mover.target import Target


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    asked = _parser().parse_args(argv)
    began = time.monotonic()
    try:
        url = database_url(os.environ).set(drivername="postgresql").render_as_string(hide_password=False)
        tables = {table.name: table for table in mapping.read(asked.mapping)}
        source, target = open_source(asked.source), Target(url)
    except (SettingsError, Wrong) as error:
        return _say(asked, {"ok": False, "error": str(error)}, 2)
    try:
        target.untouched(source.name)
        found = losses.find(source, target, tables)
        if asked.check or _needs_a_yes(found, asked):
            told = {"ok": asked.check, "findings": [vars(one) for one in found]}
            return _say(asked, told, 0 if asked.check else 3)
        target.begin(source.name, tables.values())
        tables = losses.looked_through(tables, found)
        moved = move(source, target, tables, _nothing if asked.json else _progress)
    except Wrong as error:
        return _say(asked, {"ok": False, "error": str(error)}, 3)
    except psycopg2.Error as error:
        return _say(
            asked, {"ok": False, "error": f"{str(error).strip().splitlines()[0]}. Run it again: it goes on."}, 1
        )
    finally:
        source.close()
        target.close()
    whole = all(table["equal"] for table in moved.values())
    seconds = round(time.monotonic() - began, 1)
    told = {"ok": whole, "tables": moved, "seconds": seconds, "findings": [vars(one) for one in found]}
    return _say(asked, told, 0 if whole else 1)


def _needs_a_yes(found: Sequence[Finding], asked: argparse.Namespace) -> bool:
    refused = any(one.kind == "refused" for one in found)
    return refused or (not asked.accept_loss and any(one.kind in ("lost", "changed") for one in found))


def _progress(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _nothing(_text: str) -> None:
    return None


def _say(asked: argparse.Namespace, told: dict[str, Any], code: int) -> int:
    if asked.json:
        sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
        return code
    for one in told.get("findings", ()):
        sys.stdout.write(f"{one['kind']}: {one['text']}\n")
    for name, table in told.get("tables", {}).items():
        verdict = "equal on both sides" if table["equal"] else f"NOT equal: theirs are {table['expected']:,}"
        sys.stdout.write(f"{name}: {table['rows']:,} rows, {verdict}\n")
    if "error" in told:
        sys.stderr.write(f"{told['error']}\n")
    elif code == 3:
        sys.stderr.write("Nothing was moved. Mend what is refused; --accept-loss takes the rest as it is.\n")
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mover", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", help="a SQLite file, or postgresql://user@host/database")
    parser.add_argument("--mapping", type=Path, help="which column becomes which; default: the MiniTwit of 2010")
    parser.add_argument("--check", action="store_true", help="say what would be lost, and move nothing")
    parser.add_argument("--accept-loss", action="store_true", help="move although something is lost or changed")
    parser.add_argument("--json", action="store_true", help="one line of JSON at the end")
    return parser


if __name__ == "__main__":
    sys.exit(main())
