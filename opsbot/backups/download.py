"""The stream out of the bucket: decompressed in bounded pieces, and compared with its manifest byte for byte."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import IO, cast

import zstandard

from opsbot.backups.manifest import Stored
from opsbot.backups.storage import Readable, Storage
from opsbot.backups.watch import Follower
from opsbot.errors import StepFailed

PIECE = 2**20


class _Hashed:
    """Counts and hashes what is read through it."""

    def __init__(self, source: Readable) -> None:
        self._source, self._hash, self.bytes = source, hashlib.sha256(), 0

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def read(self, size: int = -1) -> bytes:
        chunk = self._source.read(size)
        self._hash.update(chunk)
        self.bytes += len(chunk)
        return chunk


def plain(storage: Storage, stored: Stored, follower: Follower, verb: str) -> Iterator[bytes]:
    """The dump as pg_dump wrote it, in pieces of at most a megabyte. StepFailed (code `damaged`) instead of an end
    if anything differs from the manifest; so nobody may act on the last piece before the iterator has ended."""
    present = storage.size(stored.key)
    if present != stored.bytes:
        raise _damaged(stored, f"it has {present or 0} bytes instead of {stored.bytes}")
    outer = _Hashed(storage.open(stored.key))
    inner = _Hashed(zstandard.ZstdDecompressor().stream_reader(cast(IO[bytes], outer)))
    try:
        while piece := inner.read(PIECE):
            follower.progress(inner.bytes, stored.plain_bytes, f"{inner.bytes / 1e6:.1f} MB {verb}")
            yield piece
    except zstandard.ZstdError as error:
        raise _damaged(stored, str(error)) from error
    while outer.read(PIECE):
        follower.check()
    if (outer.bytes, outer.sha256) != (stored.bytes, stored.sha256):
        raise _damaged(stored, "its checksum is another")
    if (inner.bytes, inner.sha256) != (stored.plain_bytes, stored.plain_sha256):
        raise _damaged(stored, "its content has another checksum")


def _damaged(stored: Stored, why: str) -> StepFailed:
    return StepFailed(
        f"The stored dump {stored.key} is damaged: {why}.", "Use another backup; see `backups`.", code="damaged"
    )
