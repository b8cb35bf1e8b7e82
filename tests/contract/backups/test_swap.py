"""A swap under busy clients loses nothing; a crash in the middle is mended; undo is the same swap back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import psycopg2
import pytest

from opsbot.backups.target import DatabaseTarget
from opsbot.errors import StepFailed, Unavailable
from opsbot.postgres import databases
from opsbot.postgres.connect import MAINTENANCE, session
from opsbot.postgres.marks import Mark
from opsbot.postgres.swap import Swap, mend, swap

LIKE = databases.Properties(owner="postgres", encoding="UTF8", collate="C.UTF-8", ctype="C.UTF-8")


class Killed(BaseException):
    """As `kill -9` would: nothing of ours runs after it."""


@pytest.fixture
def order(target: DatabaseTarget) -> Swap:
    """A live database that says `old` and one beside it that says `new`."""
    fresh = f"{target.name}_new"
    databases.create(target.server, fresh, LIKE)
    for name, word in ((target.name, "old"), (fresh, "new")):
        with session(target.server, name) as one:
            one.rows("CREATE TABLE public.word (word text)")
            one.rows("INSERT INTO public.word VALUES (%s)", [word])
            one.rows("CREATE TABLE public.written (client int, number int, PRIMARY KEY (client, number))")
    with session(target.server, MAINTENANCE) as one:
        one.rows(f"COMMENT ON DATABASE {target.name} IS 'The shop. Ask Ann.'")
    restored = Mark(kind="restored", run="r1", of=target.name)
    replaced = Mark(kind="old", run="r1", of=target.name)
    return Swap("r1", target.name, fresh, f"{target.name}_old", restored, replaced)


def back(order: Swap) -> Swap:
    return Swap(order.run, order.live, order.outgoing, order.incoming, None, None)


def word(target: DatabaseTarget, name: str) -> str:
    with session(target.server, name) as one:
        return str(one.value("SELECT word FROM public.word"))


def refused(target: DatabaseTarget, name: str) -> bool:
    try:
        with session(target.server, name):
            return False
    except Unavailable:
        return True


class Client(threading.Thread):
    """Writes numbers one after another, connecting again whenever it must, and keeps what was committed."""

    def __init__(self, target: DatabaseTarget, number: int, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self._target, self._number, self._stopped = target, number, stop
        self.committed: list[int] = []
        self.strange: list[BaseException] = []
        self.gap = 0.0

    def run(self) -> None:
        last = time.monotonic()
        count = 0
        while not self._stopped.is_set():
            try:
                with session(self._target.server, self._target.name) as one:
                    while not self._stopped.is_set():
                        count += 1
                        one.rows("INSERT INTO public.written VALUES (%s, %s)", [self._number, count])
                        self.committed.append(count)
                        self.gap, last = max(self.gap, time.monotonic() - last), time.monotonic()
            except Unavailable:
                time.sleep(0.002)
            except Exception as error:  # noqa: BLE001 - anything else is what the test is looking for
                self.strange.append(error)


def test_eight_busy_clients_see_a_short_gap_and_lose_nothing(target: DatabaseTarget, order: Swap) -> None:
    stop = threading.Event()
    clients = [Client(target, number, stop) for number in range(8)]
    for client in clients:
        client.start()
    time.sleep(0.5)
    refused_for = swap(target.server, order)
    time.sleep(0.5)
    stop.set()
    for client in clients:
        client.join(10)
    assert word(target, target.name) == "new"
    assert [client.strange for client in clients] == [[]] * 8
    with session(target.server, MAINTENANCE) as one:
        one.rows(f"ALTER DATABASE {order.outgoing} ALLOW_CONNECTIONS true")
    kept: set[tuple[int, int]] = set()
    for name in (order.outgoing, target.name):
        with session(target.server, name) as one:
            rows = one.rows("SELECT client, number FROM public.written")
            assert rows, f"nobody wrote into {name}"
            kept |= {(client, number) for client, number in rows}
    assert {(number, count) for number, client in enumerate(clients) for count in client.committed} <= kept
    assert refused_for < 1
    assert max(client.gap for client in clients) < 3


def test_the_replaced_database_is_kept_closed_and_a_persons_comment_stays(target: DatabaseTarget, order: Swap) -> None:
    swap(target.server, order)
    assert refused(target, order.outgoing)
    with session(target.server, MAINTENANCE) as one:
        assert databases.mark_of(one, target.name) == order.mark_in
        assert databases.mark_of(one, order.outgoing) == order.mark_out
        assert str(databases.comment(one, order.outgoing)).startswith("The shop. Ask Ann.")


def test_undo_is_the_same_swap_back(target: DatabaseTarget, order: Swap) -> None:
    swap(target.server, order)
    swap(target.server, back(order))
    assert word(target, target.name) == "old"
    with session(target.server, MAINTENANCE) as one:
        assert databases.comment(one, target.name) == "The shop. Ask Ann."


def crash(target: DatabaseTarget, order: Swap, monkeypatch: pytest.MonkeyPatch) -> None:
    def die() -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("opsbot.postgres.swap._allow_again", lambda *_: None)  # a killed process cleans nothing up
        with pytest.raises(Killed):
            swap(target.server, order, before_commit=die)


def test_a_crash_between_closing_and_renaming_is_mended(
    target: DatabaseTarget, order: Swap, monkeypatch: pytest.MonkeyPatch
) -> None:
    crash(target, order, monkeypatch)
    assert refused(target, target.name)
    assert mend(target.server, target.name) is True
    assert (word(target, target.name), word(target, order.incoming)) == ("old", "new")
    assert mend(target.server, target.name) is False
    swap(target.server, order)
    assert word(target, target.name) == "new"


def test_a_swap_after_a_crash_mends_by_itself(
    target: DatabaseTarget, order: Swap, monkeypatch: pytest.MonkeyPatch
) -> None:
    crash(target, order, monkeypatch)
    swap(target.server, order)
    assert word(target, target.name) == "new"


def test_mending_leaves_a_database_alone_that_a_person_closed(target: DatabaseTarget, order: Swap) -> None:
    with session(target.server, MAINTENANCE) as one:
        one.rows(f"ALTER DATABASE {target.name} ALLOW_CONNECTIONS false")
    assert mend(target.server, target.name) is False
    assert refused(target, target.name)


def in_the_middle(target: DatabaseTarget, order: Swap, then: Callable[[], None]) -> BaseException:
    with pytest.raises(StepFailed) as caught:
        swap(target.server, order, before_commit=then)
    return caught.value


def test_a_failure_before_the_commit_leaves_both_as_they_were(target: DatabaseTarget, order: Swap) -> None:
    def name_taken() -> None:
        databases.create(target.server, order.outgoing, LIKE)

    in_the_middle(target, order, name_taken)
    assert (word(target, target.name), word(target, order.incoming)) == ("old", "new")


def test_two_swaps_at_once_and_a_mend_in_between_do_not_meet(target: DatabaseTarget, order: Swap) -> None:
    codes: list[str] = []

    def meanwhile() -> None:
        for attempt in (lambda: swap(target.server, order), lambda: mend(target.server, target.name)):
            with pytest.raises(StepFailed) as caught:
                attempt()
            codes.append(caught.value.code)

    swap(target.server, order, before_commit=meanwhile)
    assert codes == ["swap_running", "swap_running"]
    assert word(target, target.name) == "new"


def test_a_prepared_transaction_is_refused_before_anything_is_closed(target: DatabaseTarget, order: Swap) -> None:
    with session(target.server, target.name) as one:
        one.rows("BEGIN")
        one.rows("INSERT INTO public.written VALUES (1, 1)")
        one.rows("PREPARE TRANSACTION 'two phases'")
        with pytest.raises(StepFailed, match="prepared transactions"):
            swap(target.server, order)
        one.rows("ROLLBACK PREPARED 'two phases'")


def test_a_database_that_is_gone_is_simply_replaced(target: DatabaseTarget, order: Swap) -> None:
    databases.drop(target.server, target.name)
    swap(target.server, order)
    assert word(target, target.name) == "new"


def test_the_sessions_own_errors_are_sentences(target: DatabaseTarget) -> None:
    with session(target.server, target.name, statement_timeout=0.1) as one:
        with pytest.raises(StepFailed, match="stopped") as caught:
            one.rows("SELECT pg_sleep(5)")
        assert isinstance(caught.value.__cause__, psycopg2.Error)
        with pytest.raises(StepFailed, match="42601"):
            one.rows("SELEKT 1")
