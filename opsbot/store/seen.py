"""What was already received: Slack delivers an event again when an acknowledgement is late."""

from __future__ import annotations

from datetime import datetime, timedelta

from opsbot.store.database import Database
from opsbot.store.tables import seen

KEPT = timedelta(days=2)  # far longer than any sender retries


class Seen:
    """store.seen"""

    def __init__(self, database: Database) -> None:
        self._database = database

    def first(self, key: str, now: datetime) -> bool:
        """True for the first caller with this key; also forgets keys older than two days."""
        fresh = self._database.insert(seen).values(key=key, at=now).on_conflict_do_nothing(index_elements=["key"])
        with self._database.write() as connection:
            connection.execute(seen.delete().where(seen.c.at < now - KEPT))
            return connection.execute(fresh.returning(seen.c.key)).scalar() is not None
