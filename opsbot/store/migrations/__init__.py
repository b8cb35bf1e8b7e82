"""Numbered changes of our own tables, oldest first; each is a tuple of SQL that SQLite and Postgres both accept."""

from opsbot.store.migrations import m0001_first

ALL: tuple[tuple[int, str, tuple[str, ...]], ...] = ((1, "first", m0001_first.STATEMENTS),)
