"""What was already received: Slack delivers an event again when an acknowledgement is late, CI asks again when it heard nothing."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, literal, select

from opsbot.store.database import Database
from opsbot.store.tables import seen, settings

KEPT = timedelta(days=2)  # far longer than any sender retries
_NOTES = "heard:"  # what the names of notes about words begin with


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
    """store.seen. What is known of words stands in `settings` under their key, so that the version before can read the record."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, claim: Claim, now: datetime) -> Heard | None:
        """None = the words are new, and ours; otherwise what is known of them. Also forgets words older than two days."""
        old = seen.c.at < now - KEPT
        fresh = self._database.insert(seen).values(key=claim.key, at=now).on_conflict_do_nothing(index_elements=["key"])
        with self._database.write() as connection:
            connection.execute(
                settings.delete().where(settings.c.key.in_(select(literal(_NOTES) + seen.c.key).where(old)))
            )
            connection.execute(seen.delete().where(old))
            if connection.execute(fresh.returning(seen.c.key)).scalar() is None:
                return _known(connection, claim.key) or Heard(None, None, None)
            note = self._database.insert(settings).values(
                key=_name(claim.key), value=asdict(Heard(claim.owner, None, None))
            )
            # the version before forgets words without what is known of them, and may have served in between
            connection.execute(note.on_conflict_do_update(index_elements=["key"], set_={"value": note.excluded.value}))
            return None

    def take_over(self, claim: Claim, before: str) -> bool:
        """Work on what `before` left without an answer; False = it has one, or somebody else took it over."""
        with self._database.write() as connection:
            return _note(connection, claim.key, Heard(before, None, None), Heard(claim.owner, None, None))

    def end(self, claim: Claim, outcome: str) -> None:
        """What came of them, as the code of the answer; nothing happens if somebody else works on them now."""
        with self._database.write() as connection:
            known = _known(connection, claim.key)
            if known is not None and known.owner == claim.owner and known.outcome is None:
                _note(connection, claim.key, known, replace(known, outcome=outcome))


def begun(connection: Connection, claim: Claim, run: str) -> None:
    """Within the transaction that adds the run: these words began it. TakenOver unless they are ours and began none before."""
    if not _note(connection, claim.key, Heard(claim.owner, None, None), Heard(claim.owner, run, None)):
        raise TakenOver


def _note(connection: Connection, key: str, before: Heard, now: Heard) -> bool:
    """Note this of the words if that is what is known of them."""
    same = (settings.c.key == _name(key)) & (settings.c.value == literal(asdict(before), settings.c.value.type))
    return connection.execute(settings.update().where(same).values(value=asdict(now))).rowcount == 1


def _known(connection: Connection, key: str) -> Heard | None:
    wanted = select(settings.c.key, settings.c.value).where(settings.c.key.in_([_name(key), key]))
    found = {row.key: row.value for row in connection.execute(wanted)}
    if value := found.get(_name(key)):
        return Heard(**value)
    run = found.get(key)  # where the version before kept the run that CI's words began
    return Heard(None, run, None) if isinstance(run, str) else None


def _name(key: str) -> str:
    return f"{_NOTES}{key}"
