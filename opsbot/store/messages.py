"""Live chat messages: where each one stands, what it shows, so that it survives a restart."""

from __future__ import annotations

from sqlalchemy import select

from opsbot.store.database import Database
from opsbot.store.rows import MessageRow, record
from opsbot.store.tables import messages, runs


class Messages:
    """store.messages. `kind` is "run" or "alert"."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, kind: str, key: str) -> MessageRow | None:
        """The message, or None if there is none yet."""
        wanted = select(messages).where(messages.c.kind == kind, messages.c.key == str(key))
        with self._database.read() as connection:
            row = connection.execute(wanted).one_or_none()
        return record(MessageRow, row) if row else None

    def put(
        self,
        kind: str,
        key: str,
        channel: str,
        ts: str | None,
        thread_ts: str | None,
        cursor: int,
        digest: str | None,
    ) -> None:
        """Remember the message as it is now."""
        values = {"channel": channel, "ts": ts, "thread_ts": thread_ts, "cursor": cursor, "digest": digest}
        insert = self._database.insert(messages).values(kind=kind, key=str(key), **values)
        with self._database.write() as connection:
            connection.execute(insert.on_conflict_do_update(index_elements=["kind", "key"], set_=values))
            if kind == "run":
                connection.execute(runs.update().where(runs.c.id == str(key)).values(told=cursor))
