"""What differs between a backup and a database, in words and numbers. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from opsbot.backups.manifest import Manifest
from opsbot.postgres.describe import Shape

SHOWN = 3


def faults(manifest: Manifest, rows: Mapping[str, int], shape: Shape) -> list[str]:
    """Why a restored database is not what was backed up: [] if it is. Each is part of a sentence."""
    found = row_faults(manifest.rows, rows)
    wanted = manifest.shape
    for kind, then, now in (
        ("extension", wanted.extensions, shape.extensions),
        ("constraint", wanted.constraints, shape.constraints),
        ("index", wanted.indexes, shape.indexes),
        ("sequence", wanted.sequences, shape.sequences),
    ):
        lost = [name for name in then if name not in set(now)]
        if lost:
            found.append(f"{kind} {some(lost)} is missing")
    if shape.revision != wanted.revision:
        found.append(f"its schema revision is {_revision(shape)}, not {_revision(wanted)}")
    if shape.large_objects != wanted.large_objects:
        found.append(f"it has {shape.large_objects} large objects, not {wanted.large_objects}")
    return found


def row_faults(then: Mapping[str, int], now: Mapping[str, int]) -> list[str]:
    """Tables whose exact row count is not the backup's."""
    wrong = [
        f"{table} has {now.get(table, 'no')} rows, not {then.get(table, 'any')}"
        for table in sorted({*then, *now})
        if now.get(table) != then.get(table)
    ]
    return [*wrong[:SHOWN], *([f"{len(wrong) - SHOWN} more tables differ"] if len(wrong) > SHOWN else [])]


@dataclass(frozen=True)
class Drift:
    """What putting the backup in place would change, as rows per table. Counts alone: a row changed in place is not seen."""

    lost: Mapping[str, int]
    back: Mapping[str, int]
    tables_lost: tuple[str, ...]
    tables_back: tuple[str, ...]

    def sentence(self) -> str:
        """For the card of a restore."""
        parts = [
            f"at least {_rows(self.lost)} written since would be lost" if self.lost else "",
            f"{_rows(self.back)} come back" if self.back else "",
            f"table {some(self.tables_lost)} is newer than the backup and would be gone" if self.tables_lost else "",
            f"table {some(self.tables_back)} comes back" if self.tables_back else "",
        ]
        said = "; ".join(part for part in parts if part)
        return f"{said[0].upper()}{said[1:]}." if said else "Every table has as many rows now as in the backup."


def drift(then: Mapping[str, int], now: Mapping[str, int]) -> Drift:
    """From the row counts of the backup and of the live database."""
    more = {table: now[table] - then.get(table, 0) for table in now}
    less = {table: then[table] - now.get(table, 0) for table in then}
    return Drift(
        lost={table: count for table, count in more.items() if count > 0},
        back={table: count for table, count in less.items() if count > 0},
        tables_lost=tuple(sorted(set(now) - set(then))),
        tables_back=tuple(sorted(set(then) - set(now))),
    )


def some(names: tuple[str, ...] | list[str]) -> str:
    """The first few names and how many more."""
    rest = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _rows(counts: Mapping[str, int]) -> str:
    most = sorted(counts, key=lambda table: -counts[table])
    which = ", ".join(f"{table.removeprefix('public.')} {counts[table]}" for table in most[:SHOWN])
    total = sum(counts.values())
    return f"{total} {'row' if total == 1 else 'rows'} ({which}{', …' if len(most) > SHOWN else ''})"


def _revision(shape: Shape) -> str:
    return ", ".join(shape.revision) or "none"
