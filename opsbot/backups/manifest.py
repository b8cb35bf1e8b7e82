"""The manifest: everything a restore needs to know of a backup. Written last; a backup without one does not exist."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime
from typing import Literal

from pydantic import AwareDatetime, ValidationError

from opsbot.errors import StepFailed
from opsbot.postgres.describe import Identity, Properties, Record, Shape

DATA = "data.zst"


class Stored(Record):
    """One object in the bucket: sizes in bytes and SHA-256 in hex, as stored and as it came out of pg_dump."""

    key: str
    bytes: int
    sha256: str
    plain_bytes: int
    plain_sha256: str


class Source(Record):
    """The database a backup was taken of. `environment` and `database` are names of opsbot.yml, the rest Postgres's own."""

    environment: str
    database: str
    cluster: str
    oid: int
    name: str

    @property
    def identity(self) -> Identity:
        return Identity(self.cluster, self.name)


class Manifest(Record):
    """Version 1. `rows` are exact counts per table in the very snapshot that was dumped; `seconds` the time it took."""

    version: Literal[1] = 1
    id: str
    source: Source
    taken_at: AwareDatetime
    reason: str
    run: str
    lsn: str
    snapshot: str
    server_version: str
    dump_version: str
    properties: Properties
    shape: Shape
    roles: tuple[str, ...] = ()
    data: Stored
    rows: dict[str, int]
    seconds: float
    restore_with: tuple[str, ...] = (
        "createdb --template=template0 NEW",
        "zstd --decompress --stdout data.zst | pg_restore --exit-on-error --dbname=NEW",
    )

    @property
    def total_rows(self) -> int:
        return sum(self.rows.values())

    def as_bytes(self) -> bytes:
        """The stored form."""
        return self.model_dump_json(indent=1).encode()


def parse(body: bytes, key: str) -> Manifest:
    """The manifest in `body`; StepFailed (code `bad_manifest`) names the object that is not one."""
    try:
        return Manifest.model_validate_json(body)
    except ValidationError as error:
        raise StepFailed(f"{key} is not a manifest that this version of the bot reads.", code="bad_manifest") from error


def new_id(run: str, step: str, now: datetime) -> str:
    """Such as `20260131-120000-3f2a`: sorts by time, types easily; its end is the same for every try of one step."""
    return f"{now.astimezone(UTC):%Y%m%d-%H%M%S}-{suffix(run, step)}"


def newest_id(moment: datetime) -> str:
    """What no id of a backup that was begun by then is later than, as text."""
    return f"{moment.astimezone(UTC):%Y%m%d-%H%M%S}~"


def suffix(run: str, step: str) -> str:
    """Four hex digits that a run's step has for ever, so that a new owner finds what the old one made."""
    seed = f"{run}/{step}" if run else secrets.token_hex(8)
    return hashlib.sha256(seed.encode()).hexdigest()[:4]
