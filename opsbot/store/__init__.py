"""The bot's own state in one small database: SQLite by default, Postgres by setting one URL."""

from opsbot.store.store import Store, open_store

__all__ = ["Store", "open_store"]
