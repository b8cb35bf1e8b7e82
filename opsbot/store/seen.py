"""What was already received: Slack delivers an event again when an acknowledgement is late, CI asks again when it heard nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, select

from opsbot.store.database import Database
from opsbot.store.tables import seen

KEPT = timedelta(days=2)  # far longer than any sender retries


class Claim(NamedTuple):
    """Words by their key, and who works on them."""

    key: str
    owner: str


@dataclass(frozen=True)
class Heard:
    """What is known of words that were heard before: who claimed them, the run that they began, the code of the answer.

    Without `outcome`, whoever claimed them is still at work or died. Without `owner`, an earlier bot heard them.
    """

    owner: str | None
    run: str | None
    outcome: str | None


class TakenOver(Exception):
    """Somebody else works on these words now; what the transaction did is undone with it."""


class Seen:
    """store.seen"""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, claim: Claim, now: datetime) -> Heard | None:
        """None = the words are new, and ours; otherwise what is known of them. Also forgets words older than two days."""
        fresh = self._database.insert(seen).values(key=claim.key, owner=claim.owner, at=now)
        wanted = select(seen.c.owner, seen.c.run, seen.c.outcome).where(seen.c.key == claim.key)
        with self._database.write() as connection:
            connection.execute(seen.delete().where(seen.c.at < now - KEPT))
            added = fresh.on_conflict_do_nothing(index_elements=["key"]).returning(seen.c.key)
            if connection.execute(added).scalar() is not None:
                return None
            return Heard(*connection.execute(wanted).one())

    def take_over(self, claim: Claim, before: str) -> bool:
        """Work on what `before` left without an answer; False = it has one, or somebody else took it over."""
        with self._database.write() as connection:
            taken = seen.update().where(_open(Claim(claim.key, before))).values(owner=claim.owner)
            return connection.execute(taken).rowcount == 1

    def end(self, claim: Claim, outcome: str) -> None:
        """What came of them, as the code of the answer; nothing happens if somebody else works on them now."""
        ours = (seen.c.key == claim.key) & (seen.c.owner == claim.owner) & seen.c.outcome.is_(None)
        with self._database.write() as connection:
            connection.execute(seen.update().where(ours).values(outcome=outcome))


def begun(connection: Connection, claim: Claim, run: str) -> None:
    """Within the transaction that adds the run: these words began it. TakenOver unless they are ours and began none before."""
    if connection.execute(seen.update().where(_open(claim)).values(run=run)).rowcount != 1:
        raise TakenOver


def _open(claim: Claim) -> ColumnElement[bool]:
    ours = (seen.c.key == claim.key) & (seen.c.owner == claim.owner)
    return ours & seen.c.run.is_(None) & seen.c.outcome.is_(None)
