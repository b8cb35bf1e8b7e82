"""An owner that stalls just before it writes, while another one has taken its run: nothing of what it wanted is written."""

from __future__ import annotations

import copy
import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from acting import ALICE, BOB, QUICK, Mark, Sleep, Stage, engine, mark, plan, resolve, sleep

from opsbot.clock import SystemClock
from opsbot.runs.engine import Engine
from opsbot.runs.plan import Plan
from opsbot.store import Store
from opsbot.store.leases import Lost
from opsbot.store.runs import Change, Runs

STALLS = replace(QUICK, expiry=20.0, heartbeat=60.0)  # as a program does that was stopped: its lease is not renewed


class Later(SystemClock):
    """The clock of somebody who finds that lease expired."""

    def now(self) -> datetime:
        return super().now() + timedelta(minutes=1)


class Stalled:
    """store.runs for a program that stands still just before it sets one status."""

    def __init__(self, runs: Runs, to: str) -> None:
        self._runs, self._to = runs, to
        self.reached, self.goes_on = threading.Event(), threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runs, name)

    def transition(self, run: str, before: Iterable[str], to: str, now: datetime, **more: Any) -> bool:
        if to == self._to:
            self.reached.set()
            assert self.goes_on.wait(30)
        return self._runs.transition(run, before, to, now, **more)


def stalls(store: Store, stage: Stage, to: str) -> tuple[Engine, Stalled]:
    runs = Stalled(store.runs, to)
    mine = copy.copy(store)
    mine.runs = runs  # type: ignore[assignment]  # it passes everything on
    return engine(mine, stage, "old", pace=STALLS), runs


def takes_over(store: Store, stage: Stage) -> Engine:
    steps: dict[str, Any] = {"mark": Mark(stage), "sleep": Sleep()}
    return Engine(store, Later(), steps, resolve, "new", pace=replace(QUICK, expiry=20.0))


def told(store: Store, run: str, kind: str) -> int:
    return [event.kind for event in store.events.after(run, 0)].count(kind)


def test_who_stalls_before_it_parks_does_not_put_another_owners_run_to_sleep(store: Store, stage: Stage) -> None:
    old, stalled = stalls(store, stage, "waiting")
    new = takes_over(store, stage)
    run = new.submit(plan(sleep("look", ask="Is it well?"), mark("b", before=0.4)), ALICE, "slack")
    with ThreadPoolExecutor(2) as pool:
        late = pool.submit(old.drive, run)
        assert stalled.reached.wait(30)
        assert new.drive(run) == "waiting"
        new.answer(run, BOB, "yes", "slack")
        driven = pool.submit(new.drive, run)
        stage.wait_for(f"try b {os.getpid()}")
        stalled.goes_on.set()
        late.result(30)
        assert new.view(run).status in ("running", "succeeded")
        assert driven.result(30) == "succeeded"
    assert told(store, run, "parked") == 1
    assert stage.effects() == ["do b"]


def test_who_stalls_before_it_ends_a_run_does_not_end_it_while_another_owner_goes_on(
    store: Store, stage: Stage
) -> None:
    old, stalled = stalls(store, stage, "failed")
    new = takes_over(store, stage)
    made = plan(mark("a", undo_slow=0.4), mark("b", undo_fails=True), mark("c", fails=True))
    run = new.submit(made, ALICE, "slack")
    with ThreadPoolExecutor(2) as pool:
        late = pool.submit(old.drive, run)
        assert stalled.reached.wait(30)
        assert new.drive(run) == "failed"
        new.complete(run, "b", BOB, "removed it on the host", "slack")
        driven = pool.submit(new.drive, run)
        stage.wait_for("undo a")
        stalled.goes_on.set()
        late.result(30)
        assert new.view(run).status in ("undoing", "undone")
        assert driven.result(30) == "undone"
    assert told(store, run, "finished") == 2, "once as failed, once after a person had reversed what was left"


def moves(store: Store, run: str, owner: str) -> None:
    store.runs.transition(run, ["queued"], "running", datetime.now(UTC), event=("started", {}), owner=owner)


def decides(store: Store, run: str, owner: str) -> None:
    store.runs.change(run, datetime.now(UTC), lambda row, around: Change({"status": "running"}), owner)


def says(store: Store, run: str, owner: str) -> None:
    store.events.add(run, "say", {"text": "I am here."}, datetime.now(UTC), owner)


@pytest.mark.parametrize("writes", [moves, decides, says])
def test_who_lost_a_run_writes_nothing_more(
    bot: Engine, store: Store, writes: Callable[[Store, str, str], None]
) -> None:
    made: Plan = plan(mark("a"))
    run = bot.submit(made, ALICE, "slack")
    assert store.leases.take(f"run:{run}", "new", 60, datetime.now(UTC))
    before = store.events.after(run, 0)
    with pytest.raises(Lost):
        writes(store, run, "old")
    assert bot.view(run).status == "queued"
    assert store.events.after(run, 0) == before
    writes(store, run, "new")
    assert bot.view(run).status == ("queued" if writes is says else "running")
