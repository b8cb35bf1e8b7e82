"""A batch of rows in one piece: what COPY reads, and the sum of the rows' hashes. Pure."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mover.mapping import Table

Row = tuple[str | None, ...]
BETWEEN, ROWS, EMPTY, NUL = (
    "\x1f",
    "\x1e",
    "\x01",
    "\x00",
)  # between columns, between rows, for NULL, what Postgres cannot hold
_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", BETWEEN: f"\\{BETWEEN}"})


@dataclass(frozen=True)
class Batch:
    """`text`: UTF-8, as COPY reads it with BETWEEN as the delimiter. `after`: the key of its last row."""

    text: bytes
    rows: int
    checksum: int
    after: tuple[str, ...]


def batch(rows: Sequence[Row], table: Table) -> Batch:
    """The rows as one piece; at least one row."""
    lines, text = at_once(rows) or one_by_one(rows)
    place = [list(table.columns).index(column) for column in table.key]
    after = tuple(str(rows[-1][index]) for index in place)
    return Batch(text.encode(), len(rows), checksum(lines), after)


def at_once(rows: Sequence[Row]) -> tuple[list[str], str] | None:
    """What is hashed, and what COPY reads, made of all rows together: ten times as fast. None where a value is special."""
    try:
        lines = list(map(BETWEEN.join, rows))  # type: ignore[arg-type]  # an empty value is told by the TypeError
    except TypeError:
        return None
    text = ROWS.join(lines)
    usual = text.count(ROWS) == len(rows) - 1 and text.count(BETWEEN) == len(rows) * (len(rows[0]) - 1)
    if NUL in text or not usual:
        return None
    escaped = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return lines, escaped.replace(ROWS, "\n") + "\n"


def one_by_one(rows: Sequence[Row]) -> tuple[list[str], str]:
    """The same for whatever stands in the rows. NULs are left out."""
    clean = [tuple(None if value is None else value.replace(NUL, "") for value in row) for row in rows]
    lines = [BETWEEN.join(EMPTY if value is None else value for value in row) for row in clean]
    copied = (BETWEEN.join("\\N" if value is None else value.translate(_ESCAPES) for value in row) for row in clean)
    return lines, "".join(f"{line}\n" for line in copied)


def checksum(lines: Iterable[str]) -> int:
    """64 bits of each row's MD5, signed, added up; Postgres computes the same. It finds mistakes, not malice."""
    digests = [hashlib.md5(line.encode(), usedforsecurity=False).digest()[:8] for line in lines]
    return sum(struct.unpack(f">{len(digests)}q", b"".join(digests)))
