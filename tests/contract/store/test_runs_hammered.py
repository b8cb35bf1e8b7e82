"""Two bots and three terminals hammer the same environment: every run happens once, locks hold, nothing is left half done."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from acting import Stage

from opsbot.clock import SystemClock
from opsbot.runs.run import FINAL
from opsbot.store import Store
from opsbot.store.rows import RunRow

Start = Callable[..., "subprocess.Popen[bytes]"]
EXPIRY = 3.0


def hammer(store: Store, stage: Stage, start: Start, seconds: float) -> list[RunRow]:
    bots = [start("serve", expiry=EXPIRY) for _ in range(2)]
    terminals = [start("terminal", str(seconds), str(seed), expiry=EXPIRY) for seed in range(3)]
    for each in [*bots, *terminals]:
        stage.wait_for(f"up {each.pid}", 60)
    stage.write("go")
    time.sleep(seconds / 2)
    bots[0].send_signal(signal.SIGKILL)
    assert [each.wait(seconds + 60) for each in terminals] == [0, 0, 0]
    stage.write("stop")
    assert bots[1].wait(120) == 0
    return store.runs.list(100_000)


def check(store: Store, stage: Stage, runs: list[RunRow]) -> None:
    assert len(runs) > 5
    assert {run.status for run in runs} <= FINAL - {"failed"}
    lines = stage.lines()
    counts = Counter(line for line in lines if line.startswith(("do ", "undo ")))
    assert set(counts.values()) == {1}, "an effect happened twice"
    where: dict[str, list[int]] = defaultdict(list)
    for number, line in enumerate(lines):
        verb, _, name = line.partition(" ")
        if verb in ("do", "undo"):
            where[name.rpartition(".")[0]].append(number)
    for run in runs:
        steps = {step for step in (f"{run.title}.{n}" for n in (1, 2, 3)) if counts[f"do {step}"]}
        undone = {step for step in steps if counts[f"undo {step}"]}
        assert undone == (set() if run.status == "succeeded" else steps), run.id
        assert len(steps) == 3 or run.status != "succeeded", run.id
    held: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for run in runs:
        for target in run.plan["lock"] if where[run.title] else ():
            held[target].append((where[run.title][0], where[run.title][-1], run.id))
    for target, spans in held.items():
        spans.sort()
        for (_, last, one), (first, _, other) in pairwise(spans):
            assert last < first, f"{one} and {other} overlapped on {target}"
    enough_others_said_yes(store, [run for run in runs if where[run.title]])
    nothing_is_left_half_done(store, runs)
    sys.stdout.write(f"{figures(runs, counts)}\n")


def enough_others_said_yes(store: Store, begun: list[RunRow]) -> None:
    """To what began, before it began, and to what was done."""
    asked = [run for run in begun if run.plan["approval"]]
    for run in asked:
        yes = [row for row in store.approvals.of(run.id) if row.verdict == "yes"]
        assert len({row.by for row in yes} - {run.actor["id"]}) >= run.plan["approval"]["people"], run.id
        assert {row.fingerprint for row in yes} == {run.fingerprint}, run.id
        assert run.started_at, run.id
        assert max(row.at for row in yes) <= run.started_at, run.id


def nothing_is_left_half_done(store: Store, runs: list[RunRow]) -> None:
    now = SystemClock().now()
    assert store.locks.list(now) == []
    told = [row for row in store.audit.list(10**6) if row.outcome in FINAL or "outcome" in row.body]
    ends = Counter(row.body["run"] for row in told)  # what never began ends with the code of why
    for run in runs:
        assert store.leases.holder(f"run:{run.id}", now) is None
        assert all(row.ended_at for row in store.journal.rows(run.id)), run.id
        kinds = [event.kind for event in store.events.after(run.id, 0)]
        assert (kinds.count("submitted"), kinds.count("finished"), ends[run.id]) == (1, 1, 1), run.id
    assert store.audit.verify().ok


def figures(runs: list[RunRow], effects: Counter[str]) -> str:
    """For people: how much happened, and what was never seen."""
    ended = ", ".join(f"{count} {status}" for status, count in Counter(run.status for run in runs).most_common())
    spans = [(run.ended_at - run.created_at).total_seconds() for run in runs if run.ended_at]
    done = sum(name.startswith("do ") for name in effects)
    approved = sum(bool(run.approved_by) for run in runs)
    return (
        f"{len(runs)} runs: {ended}; {approved} of them approved; {done} effects, {len(effects) - done} of them undone, none twice; "
        f"the slowest run took {max(spans):.1f} s"
    )


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/opsbot.db"
    made: str = request.getfixturevalue("fresh_postgres")
    return made


def test_ten_seconds_of_it(store: Store, stage: Stage, start: Start) -> None:
    check(store, stage, hammer(store, stage, start, 10))


@pytest.mark.long
def test_a_minute_of_it(store: Store, stage: Stage, start: Start) -> None:
    runs = hammer(store, stage, start, 60)
    check(store, stage, runs)
    assert any(run.approved_by and run.status == "succeeded" for run in runs)
    assert {"undone", "cancelled", "rejected"} <= {run.status for run in runs}
