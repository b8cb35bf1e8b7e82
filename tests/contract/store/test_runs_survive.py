"""Several real processes on one store: each run happens once, whoever drives it and whoever is killed."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from acting import ALICE, Stage, engine, mark, plan, sleep

from opsbot.errors import Unavailable
from opsbot.runs.engine import Engine
from opsbot.store import Store, open_store

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/opsbot.db"
    made: str = request.getfixturevalue("fresh_postgres")
    return made


def recovered(bot: Engine, run: str) -> str:
    """What the next owner makes of it, once the dead one's lease has expired."""
    end = time.monotonic() + 10
    while run not in bot.recover():
        assert time.monotonic() < end, "the lease never expired"
        time.sleep(0.02)
    return bot.drive(run)


def halt(driver: subprocess.Popen[bytes], store: Store) -> None:
    """It stands still, between two writes: inside one it would hold SQLite's only lock, and nobody could take over."""
    for _ in range(5):
        driver.send_signal(signal.SIGSTOP)
        try:
            store.settings.put("halt", "somebody else writes")
        except Unavailable:
            driver.send_signal(signal.SIGCONT)
        else:
            return
    raise AssertionError("it was inside a write each time")


def test_two_processes_share_the_work_and_do_each_run_once(
    store: Store, bot: Engine, stage: Stage, start: Start
) -> None:
    crew = [start("work", expiry=30), start("work", expiry=30)]
    for each in crew:
        stage.wait_for(f"up {each.pid}", 30)
    runs = [
        bot.submit(plan(mark(f"s{n}"), sleep("bake", times=2), mark(f"t{n}"), lock=None), ALICE, "slack")
        for n in range(12)
    ]
    stage.write("go")
    assert [each.wait(60) for each in crew] == [0, 0]
    assert {bot.view(run).status for run in runs} == {"succeeded"}
    assert sorted(stage.effects()) == sorted([f"do s{n}" for n in range(12)] + [f"do t{n}" for n in range(12)])
    assert len({line.split()[-1] for line in stage.lines() if line.startswith("try ")}) == 2, "one process did it all"


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_kill_in_the_middle_of_a_step_is_survived_and_the_step_happens_once(
    bot: Engine, stage: Stage, start: Start, moment: str
) -> None:
    wait_for_kill = {moment: 1.5, "deaf": True}
    run = bot.submit(plan(mark("a"), mark("b", **wait_for_kill), mark("c")), ALICE, "slack")
    driver = start("once", run)
    stage.wait_for("do b" if moment == "after" else f"try b {driver.pid}", 30)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    assert recovered(bot, run) == "succeeded"
    assert stage.effects() == ["do a", "do b", "do c"]
    view = bot.view(run)
    assert view.resumed == 1
    assert [step.state for step in view.steps] == ["done", "done", "done"]


def test_a_kill_in_the_middle_of_an_undo_goes_on_undoing(bot: Engine, stage: Stage, start: Start) -> None:
    run = bot.submit(plan(mark("a"), mark("b", undo_slow=1.5), mark("c", fails=True)), ALICE, "slack")
    driver = start("once", run)
    stage.wait_for("undo b", 30)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    assert recovered(bot, run) == "undone"
    assert stage.effects() == ["do a", "do b", "do c", "undo c", "undo b", "undo a"]


def test_a_process_that_stood_still_for_too_long_does_not_write_over_the_new_owner(
    store: Store, bot: Engine, stage: Stage, start: Start
) -> None:
    run = bot.submit(plan(mark("a", after=0.3, deaf=True), mark("b")), ALICE, "slack")
    driver = start("once", run)
    stage.wait_for("do a", 30)
    halt(driver, store)
    assert recovered(bot, run) == "succeeded"
    rows, events = store.journal.rows(run), store.events.after(run, 0)
    driver.send_signal(signal.SIGCONT)
    assert driver.wait(10) == 0
    assert store.journal.rows(run) == rows
    assert store.events.after(run, 0) == events
    assert stage.effects() == ["do a", "do b"]


def test_the_store_is_whole_after_a_kill_in_the_middle_of_writing(url: str, stage: Stage, start: Start) -> None:
    store = open_store(url)
    bot = engine(store, stage)
    runs = [bot.submit(plan(*[mark(f"s{n}-{m}") for m in range(5)], lock=None), ALICE, "slack") for n in range(8)]
    stage.write("go")
    first = start("work")
    stage.wait_for("do s3-0", 30)
    first.kill()
    first.wait()
    assert start("work").wait(60) == 0
    for run in runs:
        view = bot.view(run)
        assert view.status == "succeeded"
        assert [event.seq for event in store.events.after(run, 0)] == list(range(1, view.cursor + 1))
    assert sorted(stage.effects()) == sorted(f"do s{n}-{m}" for n in range(8) for m in range(5))
    store.close()
