"""Is a stored backup whole? Sizes, checksums, and pg_restore's own reading of its table of contents."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from opsbot.backups.download import plain
from opsbot.backups.manifest import Manifest
from opsbot.backups.storage import Storage
from opsbot.backups.target import DatabaseTarget, OneOff
from opsbot.backups.watch import Follower, Watch
from opsbot.errors import OpsError, StepFailed

EXIT_SECONDS = 60.0


def check(target: DatabaseTarget, storage: Storage, manifest: Manifest, follower: Follower, run: str = "") -> int:
    """Read the whole stored object once; its bytes. StepFailed with code `damaged` says what is wrong."""
    pieces = plain(storage, manifest.data, follower, "checked")
    with (
        target.run_offline(["pg_restore", "--list"], run=run) as container,
        Watch(follower.check, container.kill),
    ):
        listing = _list(container, pieces)
    _expect(manifest, listing)
    return manifest.data.bytes


def _list(container: OneOff, pieces: Iterator[bytes]) -> str:
    output = bytearray()
    chunks = container.stdout()
    reader = threading.Thread(target=lambda: output.extend(b"".join(chunks)), name="contents", daemon=True)
    reader.start()
    try:
        _feed(container, pieces)
    except BaseException:
        container.kill()
        raise
    finally:
        reader.join(EXIT_SECONDS)
    code = container.wait(EXIT_SECONDS)
    if code != 0:
        raise StepFailed(
            f"pg_restore cannot read the backup's contents (exit code {code}): {container.stderr_tail().strip()}.",
            "Use another backup; see `backups`.",
            code="damaged",
        )
    return output.decode(errors="replace")


def _feed(container: OneOff, pieces: Iterator[bytes]) -> None:
    """All pieces are read, for the checksums; the table of contents is at the front, and pg_restore leaves after it."""
    listening = True
    for piece in pieces:
        if listening:
            try:
                container.write(piece)
            except (OSError, OpsError):
                listening = False
    if listening:
        container.close_stdin()


def _expect(manifest: Manifest, listing: str) -> None:
    entries = sum(" TABLE DATA " in line for line in listing.splitlines() if not line.startswith(";"))
    if entries < len(manifest.rows):
        raise StepFailed(
            f"The backup {manifest.id} has the rows of {entries} tables, its manifest names {len(manifest.rows)}.",
            "Use another backup; see `backups`.",
            code="damaged",
        )
