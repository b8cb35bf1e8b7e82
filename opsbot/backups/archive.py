"""Taking a backup: one snapshot, counted and dumped by the database's own pg_dump, streamed to the bucket without a temporary file.

1. The bucket and the database answer, the database is not empty.
2. A held snapshot: properties, shape, exact row counts, in the moment that is dumped.
3. pg_dump → zstd → SHA-256 → bucket. If anything fails or someone cancels, no object is left.
4. The stored size is read back, then the manifest is written. Now the backup exists.
"""

from __future__ import annotations

from dataclasses import dataclass

from opsbot.backups.dump import DumpReader, dump_version
from opsbot.backups.manifest import DATA, Manifest, Source, Stored
from opsbot.backups.storage import Storage, data_key, folders_of, manifest_key
from opsbot.backups.target import DatabaseTarget, named
from opsbot.backups.watch import Follower, Watch
from opsbot.clock import Clock
from opsbot.errors import OpsError, StepFailed
from opsbot.log import get
from opsbot.postgres import describe
from opsbot.postgres.describe import Identity, Shape
from opsbot.postgres.snapshot import Snapshot, hold

log = get(__name__)


@dataclass(frozen=True)
class Order:
    """Which backup to take, why, and for which run."""

    id: str
    reason: str
    run: str


@dataclass(frozen=True)
class _Seen:
    """What the snapshot holds."""

    source: Source
    shape: Shape
    rows: dict[str, int]
    bytes: int


def take(target: DatabaseTarget, storage: Storage, order: Order, follower: Follower, clock: Clock) -> Manifest:
    """Take it; the manifest that was written. StepFailed with code `empty` if there is nothing to back up."""
    storage.ready()
    started = clock.monotonic()
    taken_at = clock.now()
    with hold(target.server, target.name) as snapshot:
        with Watch(follower.check, snapshot.session.cancel):
            seen = _look(target, snapshot)
        if not seen.rows:
            raise empty(target.name)
        properties = describe.properties(snapshot.session, target.name)
        assert properties is not None
        roles = describe.roles_used(snapshot.session)
        version = describe.server_version(snapshot.session)
        data, dumped_by = _dump(target, storage, order, snapshot, seen, follower)
    manifest = Manifest(
        id=order.id,
        source=seen.source,
        taken_at=taken_at,
        reason=order.reason,
        run=order.run,
        lsn=snapshot.lsn,
        snapshot=snapshot.id,
        server_version=version,
        dump_version=dumped_by,
        properties=properties,
        shape=seen.shape,
        roles=roles,
        data=data,
        rows=seen.rows,
        seconds=round(clock.monotonic() - started, 3),
    )
    _write(storage, manifest, follower)
    log.info("backup.taken", backup=order.id, database=target.name, bytes=data.bytes, seconds=manifest.seconds)
    return manifest


def empty(name: str) -> StepFailed:
    """The error for a database without tables: a backup of it would push good ones out."""
    return StepFailed(
        f"The database {name} has no tables, so there is nothing to back up.",
        "Check that it is the right database, and that its volume was not replaced.",
        code="empty",
    )


def _look(target: DatabaseTarget, snapshot: Snapshot) -> _Seen:
    one = snapshot.session
    source = Source(
        environment=target.environment,
        database=target.database,
        cluster=describe.cluster(one),
        oid=one.value("SELECT oid FROM pg_catalog.pg_database WHERE datname = %s", [target.name]),
        name=target.name,
    )
    return _Seen(source, describe.shape(one), describe.row_counts(one), describe.table_bytes(one))


def _dump(
    target: DatabaseTarget, storage: Storage, order: Order, snapshot: Snapshot, seen: _Seen, follower: Follower
) -> tuple[Stored, str]:
    key = data_key(seen.source, order.id)
    if storage.size(key) is not None:
        raise StepFailed(f"There is a backup {order.id} already.", "It was not changed.", code="exists")
    arguments = ["--format=custom", "--compress=0", f"--snapshot={snapshot.id}", "--lock-wait-timeout=60s"]
    try:
        with (
            target.run("pg_dump", [*arguments, named(target.name)], run=order.run, stdin=False) as container,
            Watch(follower.check, container.kill),
        ):
            reader = DumpReader(container, seen.bytes, follower)
            storage.upload(key, reader)
        _confirm(storage, key, reader.stored_bytes)
    except BaseException:
        forget(storage, seen.source, order.id)
        raise
    stored = Stored(
        key=key,
        bytes=reader.stored_bytes,
        sha256=reader.stored_sha256,
        plain_bytes=reader.plain_bytes,
        plain_sha256=reader.plain_sha256,
    )
    return stored, dump_version(reader.head)


def _confirm(storage: Storage, key: str, expected: int) -> None:
    size = storage.size(key)
    if size != expected:
        raise StepFailed(
            f"The bucket holds {size} bytes of {expected}.", "Try again.", code="upload_incomplete", again=True
        )


def _write(storage: Storage, manifest: Manifest, follower: Follower) -> None:
    try:
        follower.check()
        storage.put_new(manifest_key(manifest.source, manifest.id), manifest.as_bytes())
    except BaseException:
        if not _written(storage, manifest):
            forget(storage, manifest.source, manifest.id)
        raise


def _written(storage: Storage, manifest: Manifest) -> bool:
    """Whether the manifest got there although its answer did not; if we cannot tell, we must not delete its dump."""
    try:
        return storage.size(manifest_key(manifest.source, manifest.id)) is not None
    except OpsError:
        return True


def forget(storage: Storage, source: Source, backup: str) -> None:
    """Remove what an unfinished backup left. A dump without a manifest is not a backup, so a failure here is only logged."""
    key = data_key(source, backup)
    try:
        storage.delete(key)
        storage.abandon(key)
    except OpsError as error:
        log.warning("backup.leftover", backup=backup, error=error)


def remove(storage: Storage, backup: Manifest) -> None:
    """Remove a whole backup, its manifest first: whatever comes between, nobody is offered a backup without its dump.

    What is left then is a dump without a manifest, which `sweep` removes.
    """
    storage.delete(manifest_key(backup.source, backup.id))
    storage.delete(data_key(backup.source, backup.id))
    log.info("backup.removed", backup=backup.id, database=backup.source.name)


def sweep(storage: Storage, identity: Identity, suffix: str) -> None:
    """Remove dumps without a manifest that a run's step left when it died; `suffix` is the end of its backups' ids."""
    for folder in folders_of(storage, identity.cluster, identity.name):
        for backup in storage.folders(folder):
            if backup.endswith(f"-{suffix}") and storage.size(f"{folder}manifests/{backup}.json") is None:
                storage.delete(f"{folder}{backup}/{DATA}")
        for key in storage.unfinished(folder):
            if key.endswith(f"-{suffix}/{DATA}"):
                storage.abandon(key)
