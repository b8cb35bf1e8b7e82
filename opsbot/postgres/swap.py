"""Put one database in another's place by renaming, with a gap of a fraction of a second, and mend what a crash left.

1. Under an advisory lock: mark the live database `swapping` and refuse connections to both, in one transaction.
2. End the connections that are left.
3. Both renames, the marks, and connections to the new live one, in one transaction. This is the commit point.
A failure before 3 is committed allows connections again; a crash there leaves the mark `swapping`, which `mend` finds.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from psycopg2.sql import SQL, Identifier

from opsbot.errors import OpsError, StepFailed, Unavailable
from opsbot.postgres import databases
from opsbot.postgres.connect import MAINTENANCE, Server, Session, session
from opsbot.postgres.marks import Mark

LOCK_SPACE = 0x6F707362  # "opsb": our half of the advisory lock number
DRAIN_SECONDS = 10.0
RENAME_SECONDS = 5.0  # RENAME itself waits up to 5 s for autovacuum to leave


@dataclass(frozen=True)
class Swap:
    """`incoming` takes the name `live`; the present `live`, if there is one, is kept as `outgoing`.

    `mark_in` and `mark_out` are written on them at the commit point; None removes the mark."""

    run: str
    live: str
    incoming: str
    outgoing: str
    mark_in: Mark | None
    mark_out: Mark | None


def swap(server: Server, order: Swap, *, before_commit: Callable[[], None] = lambda: None) -> float:
    """Do it; the seconds during which connections were refused. On an error both databases are as they were."""
    with _alone(server, order.live) as one:
        _possible(one, order)
        started = time.monotonic()
        try:
            _refuse(one, order)
            before_commit()
            _empty(one, order)
            _rename(one, order)
        except BaseException:
            _allow_again(server, one, order)
            raise
        return time.monotonic() - started


def mend(server: Server, live: str) -> bool:
    """Allow connections again to a database that a crashed swap left closed. True if there was something to mend.

    Safe at any time: a swap that is alive holds the lock, and is left alone (StepFailed, code `swap_running`)."""
    with session(server, MAINTENANCE) as one:
        found = databases.mark_of(one, live)
        if not found or found.kind != "swapping":
            return False
    with _alone(server, live) as one:
        return _mend(one, live)


def _mend(one: Session, live: str) -> bool:
    found = databases.mark_of(one, live)
    if not found or found.kind != "swapping":
        return False
    with one.transaction():
        for name in (live, found.other):
            if databases.exists(one, name):
                _connections(one, name, allowed=True)
        databases.put_mark(one, live, None)
    return True


@contextmanager
def _alone(server: Server, live: str) -> Iterator[Session]:
    """A session that is the only one to swap or mend `live`; its end, even by a crash, frees the lock."""
    with session(server, MAINTENANCE, lock_timeout=RENAME_SECONDS) as one:
        numbers = (LOCK_SPACE, zlib.crc32(live.encode()) - 2**31)
        if not one.value("SELECT pg_try_advisory_lock(%s, %s)", numbers):
            raise StepFailed(
                f"Another swap of {live} is under way.", "Wait for it to end.", code="swap_running", again=True
            )
        yield one


def _possible(one: Session, order: Swap) -> None:
    _mend(one, order.live)
    if not databases.exists(one, order.incoming):
        raise StepFailed(f"There is no database {order.incoming} to put in place of {order.live}.")
    if databases.exists(one, order.outgoing):
        raise StepFailed(f"A database {order.outgoing} exists already.", "Drop it or rename it.")
    if one.rows("SELECT 1 FROM pg_prepared_xacts WHERE database = ANY(%s)", [[order.live, order.incoming]]):
        raise StepFailed(
            f"{order.live} has prepared transactions, which forbid a rename.", "Commit or roll them back first."
        )


def _refuse(one: Session, order: Swap) -> None:
    with one.transaction():
        if databases.exists(one, order.live):
            databases.put_mark(
                one, order.live, Mark(kind="swapping", run=order.run, of=order.live, other=order.incoming)
            )
            _connections(one, order.live, allowed=False)
        _connections(one, order.incoming, allowed=False)


def _empty(one: Session, order: Swap) -> None:
    deadline = time.monotonic() + DRAIN_SECONDS
    names = [order.live, order.incoming]
    while one.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ANY(%s)", [names]):
        if time.monotonic() > deadline:
            raise StepFailed(f"Connections to {order.live} do not end.", "Stop what holds them.", again=True)
        time.sleep(0.005)


def _rename(one: Session, order: Swap) -> None:
    with one.transaction():
        if databases.exists(one, order.live):
            _rename_one(one, order.live, order.outgoing)
            databases.put_mark(one, order.outgoing, order.mark_out)
        _rename_one(one, order.incoming, order.live)
        databases.put_mark(one, order.live, order.mark_in)
        _connections(one, order.live, allowed=True)


def _rename_one(one: Session, name: str, to: str) -> None:
    one.rows(SQL("ALTER DATABASE {} RENAME TO {}").format(Identifier(name), Identifier(to)))


def _connections(one: Session, name: str, *, allowed: bool) -> None:
    word = SQL("true" if allowed else "false")
    one.rows(SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}").format(Identifier(name), word))


def _allow_again(server: Server, one: Session, order: Swap) -> None:
    """After a failure: open both again, on a new connection if ours is gone. What cannot be done, `mend` does later."""
    try:
        _open(one, order)
    except Unavailable:
        try:
            with session(server, MAINTENANCE) as other:
                _open(other, order)
        except OpsError:
            return  # the first error is the one to tell; the mark `swapping` stays for `mend`


def _open(one: Session, order: Swap) -> None:
    with one.transaction():
        for name in (order.live, order.incoming):
            if databases.exists(one, name):
                _connections(one, name, allowed=True)
        found = databases.mark_of(one, order.live)
        if found and found.kind == "swapping":
            databases.put_mark(one, order.live, None)
