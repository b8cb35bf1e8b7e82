"""Brings the tables to the newest migration, one process at a time."""

from __future__ import annotations

from sqlalchemy import func, select

from opsbot.errors import ConfigError
from opsbot.store.database import Database
from opsbot.store.migrations import ALL
from opsbot.store.tables import migrations

_LOCK = 7031994  # any constant: the advisory lock of opsbot's migrations


def migrate(database: Database) -> int:
    """Apply what is missing, all in one transaction; returns the number of the newest. Newer tables than ours are refused."""
    with database.write() as connection:
        if not database.is_sqlite:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        connection.exec_driver_sql(
            "CREATE TABLE IF NOT EXISTS migrations"
            " (number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, CONSTRAINT migrations_name UNIQUE (name))"
        )
        newest = connection.execute(select(func.max(migrations.c.number))).scalar() or 0
        if newest > ALL[-1].number:
            raise ConfigError("The store was written by a newer opsbot.", "Start that version, or name another store.")
        for step in ALL:
            if step.number <= newest:
                continue
            for statement in step.statements + (step.sqlite if database.is_sqlite else step.postgres):
                connection.exec_driver_sql(statement)
            connection.execute(migrations.insert().values(number=step.number, name=step.name))
    return ALL[-1].number
