"""The store: one attribute per aggregate; every method of each is one short transaction."""

from __future__ import annotations

from sqlalchemy import text

from opsbot.store.alerts import Alerts
from opsbot.store.audit import Audit
from opsbot.store.database import Database
from opsbot.store.events import Events
from opsbot.store.journal import Journal
from opsbot.store.leases import Leases
from opsbot.store.locks import Locks
from opsbot.store.messages import Messages
from opsbot.store.migrate import migrate
from opsbot.store.releases import Releases
from opsbot.store.runs import Runs
from opsbot.store.seen import Seen
from opsbot.store.settings import Settings


class Store:
    """Our own state. Every method raises Unavailable when the database cannot be read or written."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.runs = Runs(database)
        self.journal = Journal(database)
        self.events = Events(database)
        self.messages = Messages(database)
        self.leases = Leases(database)
        self.locks = Locks(database)
        self.releases = Releases(database)
        self.alerts = Alerts(database)
        self.seen = Seen(database)
        self.audit = Audit(database)
        self.settings = Settings(database)

    def ping(self) -> None:
        """Unavailable if the database does not answer."""
        with self._database.read() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        """Close every connection."""
        self._database.close()


def open_store(url: str) -> Store:
    """Open and migrate `sqlite:///path` or `postgresql+psycopg2://…`; Unavailable if it cannot be reached or written."""
    database = Database(url)
    migrate(database)
    return Store(database)
