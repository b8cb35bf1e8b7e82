"""Loading a backup into a new database beside the live one, and checking it there. The live one is not touched.

1. Refuse what cannot work: roles that are missing, a server that is older than the backup's.
2. A new database with the manifest's encoding and collation, marked `loading`.
3. Bucket → zstd → pg_restore --exit-on-error; the checksums must fit before the result counts.
4. ANALYZE, owner, privileges, settings and connection limit (a rename does not carry them), exact row counts.
5. The mark becomes `loaded`. Any error before that drops the new database.
"""

from __future__ import annotations

import uuid

from opsbot.backups import compare
from opsbot.backups.download import plain
from opsbot.backups.manifest import Manifest
from opsbot.backups.storage import Storage
from opsbot.backups.target import DatabaseTarget, OneOff, named
from opsbot.backups.watch import Follower, Watch
from opsbot.errors import OpsError, StepFailed
from opsbot.postgres import databases, describe
from opsbot.postgres.connect import MAINTENANCE, session
from opsbot.postgres.marks import Mark

EXIT_SECONDS = 6 * 3600.0  # an index may take hours; the step's own deadline and a person's cancel come first


def obstacles(target: DatabaseTarget, manifest: Manifest) -> list[str]:
    """Why this backup cannot be loaded into this server, each a sentence; [] if it can."""
    with session(target.server, MAINTENANCE) as one:
        missing = describe.missing_roles(one, tuple({*manifest.roles, manifest.properties.owner}))
        version = describe.server_version(one)
    found = []
    if missing:
        found.append(f"The server does not have the role {compare.some(missing)}: create it first.")
    if _major(version) < _major(manifest.server_version):
        found.append(f"The server is version {version}, older than the backup's {manifest.server_version}.")
    return found


def load(
    target: DatabaseTarget, storage: Storage, manifest: Manifest, scratch: str, run: str, follower: Follower
) -> int:
    """Fill the new database `scratch`; how many rows it holds. On any error it is dropped again."""
    in_the_way = obstacles(target, manifest)
    if in_the_way:
        raise StepFailed(" ".join(in_the_way), code="cannot_restore")
    mark = Mark(kind="loading", run=run, of=target.name, backup=manifest.id, at=uuid.uuid4().hex)
    discard(target, scratch, run)
    databases.create(target.server, scratch, manifest.properties)
    try:
        _put_mark(target, scratch, mark)
        _fill(target, storage, manifest, scratch, run, follower)
        rows = _settle(target, manifest, scratch, follower)
        follower.check()
        _put_mark(target, scratch, mark.model_copy(update={"kind": "loaded", "rows": rows}))
    except BaseException:
        _drop_ours(target, scratch, mark)
        raise
    return rows


def _drop_ours(target: DatabaseTarget, scratch: str, mark: Mark) -> None:
    """Not one that a new owner of the run has made under the same name while this one stood still."""
    with session(target.server, MAINTENANCE) as one:
        found = databases.mark_of(one, scratch)
    if found is None or found.at == mark.at:
        databases.drop(target.server, scratch)


def discard(target: DatabaseTarget, scratch: str, run: str) -> None:
    """Drop the scratch database of `run`; a database of that name that is not this run's is refused, not dropped."""
    with session(target.server, MAINTENANCE) as one:
        if not databases.exists(one, scratch):
            return
        mark = databases.mark_of(one, scratch)
    if mark is not None and mark.run != run:
        raise StepFailed(f"The database {scratch} belongs to another restore.", code="not_ours")
    if mark is not None and mark.kind not in ("loading", "loaded"):
        raise StepFailed(f"The database {scratch} is not a scratch database.", code="not_ours")
    databases.drop(target.server, scratch)


def verdict(target: DatabaseTarget, manifest: Manifest, scratch: str, follower: Follower) -> list[str]:
    """What is wrong with a loaded database against its manifest; [] if nothing."""
    with (
        session(target.server, scratch, statement_timeout=0, lock_timeout=60) as one,
        Watch(follower.check, one.cancel),
    ):
        return compare.faults(manifest, describe.row_counts(one), describe.shape(one))


def _fill(
    target: DatabaseTarget, storage: Storage, manifest: Manifest, scratch: str, run: str, follower: Follower
) -> None:
    # Owners and grants are restored as they were, by a superuser: with one --role for all, extensions fail and
    # objects of several owners end up with one.
    arguments = ["--exit-on-error", "--no-subscriptions", named(scratch)]
    with (
        target.run("pg_restore", arguments, run=run, stdin=True) as container,
        Watch(follower.check, container.kill),
    ):
        for piece in plain(storage, manifest.data, follower, "restored"):
            _write(container, piece)
        container.close_stdin()
        code = container.wait(EXIT_SECONDS)
        if code != 0:
            raise _failed(container, code)


def _write(container: OneOff, piece: bytes) -> None:
    try:
        container.write(piece)
    except (OSError, OpsError) as error:
        raise _failed(container, container.wait(60)) from error


def _failed(container: OneOff, code: int) -> OpsError:
    words = container.stderr_tail().strip() or "it said nothing"
    return StepFailed(
        f"pg_restore ended with {code}: {words}.",
        "The live database was not touched; the new one was dropped.",
        code="restore_failed",
    )


def _settle(target: DatabaseTarget, manifest: Manifest, scratch: str, follower: Follower) -> int:
    with session(target.server, scratch, statement_timeout=0) as one, Watch(follower.check, one.cancel):
        one.rows("ANALYZE")
        rows = describe.row_counts(one)
        wrong = compare.row_faults(manifest.rows, rows)
    if wrong:
        raise StepFailed(
            f"The restored database is not what was backed up: {'; '.join(wrong)}.", code="restore_differs"
        )
    with session(target.server, MAINTENANCE) as one:
        # The live database's present privileges win over the backup's: a restore brings rows back, not rights.
        like = describe.properties(one, target.name) or manifest.properties
    databases.dress(target.server, scratch, like)
    return sum(rows.values())


def _put_mark(target: DatabaseTarget, name: str, mark: Mark) -> None:
    with session(target.server, MAINTENANCE) as one:
        databases.put_mark(one, name, mark)


def _major(version: str) -> int:
    head = version.partition(".")[0]
    return int(head) if head.isdigit() else 0
