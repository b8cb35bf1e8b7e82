"""Statistics, and the rows of build/bench.json: one figure each, with what it is held against and how it was measured."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

FILE = Path("build/bench.json")
Better = Literal["lower", "higher"]


@dataclass(frozen=True)
class Row:
    """One figure. `target` None: it is told, not judged. `against`: what stands beside it, "" if nothing."""

    area: str
    name: str
    value: float
    unit: str
    how: str
    target: float | None = None
    better: Better = "lower"
    against: str = ""

    @property
    def ok(self) -> bool | None:
        """Whether the target is met; None without one."""
        if self.target is None:
            return None
        return self.value <= self.target if self.better == "lower" else self.value >= self.target

    def as_json(self) -> dict[str, Any]:
        """As in build/bench.json."""
        return {**asdict(self), "value": rounded(self.value), "ok": self.ok}


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of the values do not exceed; no interpolation."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def median(values: Sequence[float]) -> float:
    """The middle value."""
    return statistics.median(values)


def rounded(value: float) -> float:
    """Four significant digits: more would pretend."""
    return float(f"{value:.4g}")


def write(rows: Sequence[Row], areas: Iterable[str], file: Path = FILE) -> None:
    """Put the rows in the file in place of what it holds of these areas."""
    measured = set(areas)
    before = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    kept = [row for row in before if row["area"] not in measured]
    file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps([*kept, *(row.as_json() for row in rows)], indent=1, ensure_ascii=False)
    file.write_text(text + "\n", encoding="utf-8")


def table(rows: Sequence[Row]) -> str:
    """For people: what, how much, against which target."""
    lines = [(row.area, row.name, f"{rounded(row.value):g} {row.unit}", _target(row), row.against) for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(4)]
    return "\n".join(
        f"{area:<{widths[0]}}  {name:<{widths[1]}}  {value:>{widths[2]}}  {target:<{widths[3]}}  {against}".rstrip()
        for area, name, value, target, against in lines
    )


def _target(row: Row) -> str:
    if row.target is None:
        return "–"
    sign = "≤" if row.better == "lower" else "≥"
    return f"{'ok    ' if row.ok else 'MISSED'} {sign} {row.target:g}"
