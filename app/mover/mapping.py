"""Which of their tables and columns becomes which of ours. Pure, but for reading the file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

KEYS = {"from", "key", "unique", "refers", "columns", "defaults"}


class Wrong(Exception):
    """What was asked cannot be done as it is; the message says what to change. Nothing was written."""


@dataclass(frozen=True)
class Table:
    """One of our tables and where its rows come from. `whole`: it was found that each of theirs becomes one of ours."""

    name: str
    source: str
    key: tuple[str, ...]
    columns: Mapping[str, str]
    unique: tuple[str, ...] = ()
    refers: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    whole: bool = False

    def theirs(self, column: str) -> str:
        """Their name of our column."""
        return self.columns[column]


def read(path: Path | None) -> tuple[Table, ...]:
    """The tables of a mapping file, in its order; None = the schema of 2010. Raises Wrong."""
    try:
        text = path.read_text("utf-8") if path else files(__package__).joinpath("minitwit_2010.toml").read_text("utf-8")
        tables = {name: _table(name, body) for name, body in tomllib.loads(text).items()}
    except OSError as error:
        raise Wrong(f"The mapping file cannot be read: {error}.") from error
    except tomllib.TOMLDecodeError as error:
        raise Wrong(f"The mapping file is not TOML: {error}.") from error
    for table in tables.values():
        for column, other in table.refers.items():
            if other not in tables:
                raise Wrong(
                    f"[{table.name}] refers: {column} names the table {other}, which the mapping does not have."
                )
    if not tables:
        raise Wrong("The mapping file names no table.")
    return tuple(tables.values())


def _table(name: str, body: Any) -> Table:
    if not isinstance(body, dict) or not {"from", "key", "columns"} <= body.keys():
        raise Wrong(f"[{name}] needs from, key and columns.")
    unknown = sorted(body.keys() - KEYS)
    if unknown:
        raise Wrong(f"[{name}] has no key {', '.join(unknown)}; there are {', '.join(sorted(KEYS))}.")
    columns = dict(body["columns"])
    for what in ("key", "unique", "refers", "defaults"):
        strange = [column for column in body.get(what, ()) if column not in columns]
        if strange:
            raise Wrong(f"[{name}] {what}: {', '.join(strange)} is not among its columns.")
    return Table(
        name,
        str(body["from"]),
        tuple(body["key"]),
        columns,
        tuple(body.get("unique", ())),
        dict(body.get("refers", {})),
        dict(body.get("defaults", {})),
    )


def quoted(name: str) -> str:
    """An identifier as both databases read it literally."""
    return '"' + name.replace('"', '""') + '"'


def listed(names: Any) -> str:
    """Identifiers with commas."""
    return ", ".join(quoted(name) for name in names)
