"""The heads of the audit in the bucket: where the store's owner cannot change them, each day's last row is kept."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date

from opsbot.backups.storage import Storage
from opsbot.store.audit import Head, Kept

HEADS = "audit"  # the folder of the bucket
MOST = 10_000  # bytes; a head has some hundred


def keep(bucket: Storage, head: Head) -> None:
    """Write a day's head into the bucket; what lies there already is never replaced."""
    name = f"{HEADS}/{head.day.isoformat()}-{head.hash[:12]}.json"
    if bucket.size(name) is None:
        bucket.put_new(name, json.dumps({**asdict(head), "day": head.day.isoformat()}).encode())


def kept(bucket: Storage) -> Kept:
    """Every head in the bucket, to hold the chain against; and what lies beside them that is none."""
    heads: dict[int, str] = {}
    odd: list[str] = []
    for name, size, _ in bucket.entries(f"{HEADS}/"):
        if name.endswith("/") and not size:
            continue  # a mark that some programs leave to show a folder
        head = _head(bucket, name) if size <= MOST else None
        if head is None:
            odd.append(f"{name} is not a head.")
        elif heads.setdefault(head.number, head.hash) != head.hash:
            odd.append(f"{name} names another hash for row {head.number} than the one before it.")
    return Kept(heads, tuple(odd))


def _head(bucket: Storage, name: str) -> Head | None:
    """The head under that name, or None if something else lies there."""
    try:
        found = json.loads(bucket.get(name))
        return Head(date.fromisoformat(found["day"]), int(found["number"]), str(found["hash"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
