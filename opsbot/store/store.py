"""The store: one attribute per aggregate; every method of each is one short transaction."""

from __future__ import annotations

from sqlalchemy import text

from opsbot.store.alerts import Alerts
from opsbot.store.approvals import Approvals
from opsbot.store.audit import Audit
from opsbot.store.database import Database
from opsbot.store.debts import Debts
from opsbot.store.events import Events
from opsbot.store.holds import Holds
from opsbot.store.journal import Journal
from opsbot.store.leases import Leases
from opsbot.store.locks import Locks
from opsbot.store.messages import Messages
from opsbot.store.migrate import migrate
from opsbot.store.releases import Releases
from opsbot.store.runs import Runs
from opsbot.store.seen import Seen
from opsbot.store.settings import Settings
from opsbot.store.space import Space


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
        self.holds = Holds(database)
        self.approvals = Approvals(database)
        self.debts = Debts(database)
        self.releases = Releases(database)
        self.alerts = Alerts(database)
        self.seen = Seen(database)
        self.audit = Audit(database)
        self.settings = Settings(database)
        self.space = Space(database.path)
        database.on_full = self.space.release

    def ping(self) -> None:
        """Unavailable if the database does not answer."""
        with self._database.read() as connection:
            connection.execute(text("SELECT 1"))

    def damage(self) -> str | None:
        """What SQLite finds broken in its own file, as a sentence; None if it is whole. Postgres looks after itself."""
        if self._database.path is None:
            return None
        with self._database.read() as connection:
            found = [str(row[0]) for row in connection.execute(text("PRAGMA quick_check(3)"))]
        return None if found == ["ok"] else "; ".join(found)

    def close(self) -> None:
        """Close every connection."""
        self._database.close()


def open_store(url: str) -> Store:
    """Open and migrate `sqlite:///path` or `postgresql+psycopg2://…`; Unavailable if it cannot be reached or written."""
    database = Database(url)
    migrate(database)
    store = Store(database)
    store.space.keep()
    return store
