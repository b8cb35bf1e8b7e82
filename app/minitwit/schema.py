"""Where the schema stands: the revision this code expects, the one the database has, what lies between."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache
from typing import Literal

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection

State = Literal["expected", "behind", "ahead", "unknown"]


@dataclass(frozen=True)
class Revision:
    """One migration: its number, its kind (`expand`, `contract` or `irreversible`) and its first line."""

    revision: str
    kind: str
    title: str


@cache
def scripts() -> ScriptDirectory:
    """The migrations that are part of this release."""
    config = Config()
    config.set_main_option("script_location", "minitwit:migrations")
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config)


@cache
def head() -> str:
    """The revision that this code expects."""
    return scripts().get_current_head() or ""


def listed() -> list[Revision]:
    """All migrations of this release, oldest first."""
    found = [_revision(script) for script in scripts().walk_revisions()]
    return found[::-1]


def current(connection: Connection) -> str | None:
    """The database's revision; None before the first migration."""
    return MigrationContext.configure(connection).get_current_revision()


def pending(at: str | None) -> list[Revision]:
    """The migrations after revision `at`, in the order they would run; none if `at` is ahead of this code."""
    if at is not None and compare(at) in {"ahead", "unknown"}:
        return []
    found = [_revision(script) for script in scripts().iterate_revisions("head", at or "base")]
    return [revision for revision in reversed(found) if revision.revision != at]


def _revision(script: Script) -> Revision:
    """What says no kind counts as irreversible."""
    return Revision(script.revision, str(getattr(script.module, "kind", "irreversible")), script.doc)


def pending_as_json(at: str | None) -> list[dict[str, str]]:
    """`pending` as plain dictionaries."""
    return [asdict(revision) for revision in pending(at)]


def compare(at: str | None) -> State:
    """How a database at revision `at` stands to this code.

    `ahead` is what an older release sees after a newer one migrated: deploys only expand the schema, so the
    older release still works on it. Revisions are numbers, which makes this decidable without the newer code.
    """
    if at == head():
        return "expected"
    known = {script.revision for script in scripts().walk_revisions()}
    if at is None or at in known:
        return "behind"
    return "ahead" if at.isdecimal() and at > head() else "unknown"
