"""What the containers of a real service wrote."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from opsbot.errors import NotFound
from opsbot.runtime import lines
from opsbot.runtime.lines import Written, written
from opsbot.runtime.swarm import Swarm

pytestmark = pytest.mark.engine
SCRIPT = "for n in 1 2 3; do echo line $n from $HOSTNAME; sleep 0.2; done; echo oops >&2; exec sleep 600"


@pytest.fixture(scope="module")
def service(parts: Any, swarm: Swarm) -> Iterator[str]:
    """Two containers that write three lines and a complaint each."""
    name = f"dtest_lines-{uuid.uuid4().hex[:6]}"
    container = {"Image": str(parts.images.base), "Command": ["sh", "-c", SCRIPT]}
    swarm.put({"Name": name, "TaskTemplate": {"ContainerSpec": container}, "Mode": {"Replicated": {"Replicas": 2}}})
    yield name
    swarm.remove(name)


def an_hour(swarm: Swarm, service: str) -> Written:
    return written(swarm, service, datetime.now(UTC) - timedelta(hours=1))


@pytest.fixture(scope="module")
def all_of_it(swarm: Swarm, service: str) -> Written:
    limit = time.monotonic() + 30
    while len((found := an_hour(swarm, service)).lines) < 8:
        assert time.monotonic() < limit, found
        time.sleep(0.2)
    return found


def test_the_lines_of_all_containers_come_in_the_order_in_which_they_were_written(all_of_it: Written) -> None:
    times = [at for at, _ in all_of_it.lines]
    assert None not in times
    assert times == sorted(times, key=str)
    assert sorted({text.split(" from ")[0] for _, text in all_of_it.lines}) == ["line 1", "line 2", "line 3", "oops"]
    assert not all_of_it.cut


def test_only_what_was_written_since_then_is_read(swarm: Swarm, service: str, all_of_it: Written) -> None:
    last = max(at for at, _ in all_of_it.lines if at is not None)
    assert [text for _, text in written(swarm, service, last).lines] == ["oops"]
    assert written(swarm, service, last + timedelta(seconds=1)).lines == ()


def test_more_than_may_be_read_at_once_is_cut_and_says_so(
    swarm: Swarm, service: str, all_of_it: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "MOST_BYTES", 60)
    found = an_hour(swarm, service)
    assert found.cut
    assert len(found.lines) < len(all_of_it.lines)


def test_what_does_not_run_is_told(swarm: Swarm) -> None:
    with pytest.raises(NotFound, match="dtest_nobody does not run"):
        an_hour(swarm, "dtest_nobody")
