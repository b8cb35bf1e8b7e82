"""Numbered changes of our own tables, oldest first: SQL that both databases accept, and what each must say in its own words."""

from __future__ import annotations

from dataclasses import dataclass

from opsbot.store.migrations import m0001_first, m0002_trust, m0003_many_runs


@dataclass(frozen=True)
class Migration:
    """`statements` run on both databases, then those of the one at hand."""

    number: int
    name: str
    statements: tuple[str, ...]
    sqlite: tuple[str, ...] = ()
    postgres: tuple[str, ...] = ()


ALL = (
    Migration(1, "first", m0001_first.STATEMENTS),
    Migration(2, "trust", m0002_trust.STATEMENTS, m0002_trust.SQLITE, m0002_trust.POSTGRES),
    Migration(3, "many_runs", m0003_many_runs.STATEMENTS),
)
