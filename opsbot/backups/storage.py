"""What backups need of a bucket, and the names of objects in it.

v1/<cluster>/<oid>-<name>/<backup>/data.zst and, last, v1/<cluster>/<oid>-<name>/manifests/<backup>.json
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol
from urllib.parse import quote, unquote

from opsbot.backups.manifest import DATA, Source

ROOT = "v1/"


class Readable(Protocol):
    """A source of bytes; b"" at the end."""

    def read(self, size: int = -1, /) -> bytes:
        """Up to `size` bytes."""


class Storage(Protocol):
    """A bucket. Every method raises OpsError: no S3, no such bucket, key refused."""

    def ready(self) -> None:
        """Return if the bucket is there and answers; quick."""

    def upload(self, key: str, source: Readable) -> None:
        """Store all of `source`. If it raises, there is no object and no open upload."""

    def put_new(self, key: str, body: bytes) -> None:
        """Store a small object that must not exist yet (StepFailed, code `exists`)."""

    def get(self, key: str) -> bytes:
        """A small object; NotFound."""

    def open(self, key: str) -> Readable:
        """A large object as a stream that survives broken connections; NotFound."""

    def size(self, key: str) -> int | None:
        """Bytes stored, None if there is no such object."""

    def keys(self, prefix: str) -> Iterator[str]:
        """Every key below `prefix`, sorted."""

    def entries(self, prefix: str) -> Iterator[tuple[str, int, datetime]]:
        """Every key below `prefix` with its bytes and the moment it was written, sorted."""

    def folders(self, prefix: str) -> list[str]:
        """The names of the folders directly below `prefix`."""

    def delete(self, key: str) -> None:
        """Remove the object; nothing happens if there is none."""

    def unfinished(self, prefix: str) -> list[str]:
        """The keys below `prefix` that are being uploaded, or whose upload died."""

    def abandon(self, key: str) -> None:
        """End every unfinished upload of exactly this key."""


def folder(source: Source) -> str:
    """Where everything of one database lies; ends with a slash, so no other name's folder begins with it."""
    return f"{ROOT}{quote(source.cluster, safe='')}/{source.oid}-{quote(source.name, safe='')}/"


def data_key(source: Source, backup: str) -> str:
    """The dump."""
    return f"{folder(source)}{backup}/{DATA}"


def manifest_key(source: Source, backup: str) -> str:
    """The manifest."""
    return f"{folder(source)}manifests/{backup}.json"


def folders_of(storage: Storage, cluster: str, name: str) -> list[str]:
    """The folders of every database of exactly this name in a cluster: after a restore there is one oid more.

    Names are compared whole: `shop` never finds `shop_staging`."""
    root = f"{ROOT}{quote(cluster, safe='')}/"
    return [f"{root}{each}/" for each in storage.folders(root) if unquote(each.partition("-")[2]) == name]


def backup_of(key: str) -> str:
    """The backup's id in a manifest's key."""
    return key.rpartition("/")[2].removesuffix(".json")
