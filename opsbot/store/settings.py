"""A few remembered values by key; any JSON."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from opsbot.store.database import Database
from opsbot.store.tables import settings


class Settings:
    """store.settings"""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, key: str) -> Any:
        """The value, or None."""
        with self._database.read() as connection:
            return connection.execute(select(settings.c.value).where(settings.c.key == key)).scalar()

    def put(self, key: str, value: Any) -> None:
        """Remember the value; None is remembered as nothing."""
        insert = self._database.insert(settings).values(key=key, value=value)
        with self._database.write() as connection:
            connection.execute(
                insert.on_conflict_do_update(index_elements=["key"], set_={"value": insert.excluded.value})
            )
