"""Dumps in the bucket that the bot did not take: somebody's cron wrote them. They are told, never restored by guess, never deleted."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from opsbot.backups.storage import ROOT, Storage
from opsbot.errors import Refused

OURS = (ROOT, "audit/", "doctor/")
LOOKED_THROUGH = 10_000  # objects of the bucket
_DUMP = re.compile(
    r"\.(sql|dump|pgdump|backup|bak|tar|custom)(\.(gz|zst|xz|bz2|lz4|age|gpg))*$|pg_?dump", re.IGNORECASE
)


@dataclass(frozen=True)
class Dump:
    """One object that looks like a dump. `bytes` as stored; `at`: when it was written."""

    key: str
    bytes: int
    at: datetime

    @property
    def name(self) -> str:
        """The end of its key."""
        return self.key.rpartition("/")[2]


def dumps(storage: Storage) -> list[Dump]:
    """Those among the first objects of the bucket, newest first."""
    found = islice(storage.entries(""), LOOKED_THROUGH)
    looking = [Dump(*entry) for entry in found if not entry[0].startswith(OURS) and _DUMP.search(entry[0])]
    return sorted(looking, key=lambda dump: dump.at, reverse=True)


def sentence(found: Iterable[Dump]) -> str:
    """What people should know of them; empty if there are none."""
    known = list(found)
    if not known:
        return ""
    named = ", ".join(dump.key for dump in known[:2])
    return f"The bucket also holds {len(known)} {'dump' if len(known) == 1 else 'dumps'} that the bot did not take, the newest {named}."


def refuse(storage: Storage, wanted: str) -> None:
    """Raise Refused (code `foreign_dump`) with the way, if `wanted` is the key or the name of such a dump."""
    for dump in dumps(storage):
        if wanted in (dump.key, dump.name):
            raise Refused(
                f"{dump.key} is a dump that the bot did not take: nothing says of which database it is or whether it is"
                " whole, so it is not put in the place of a live one.",
                "Load it by hand into a new database and look at it; docs/operator.md tells how, under “Old dumps”.",
                code="foreign_dump",
            )
