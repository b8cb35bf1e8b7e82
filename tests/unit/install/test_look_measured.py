"""What `doctor` says of a Prometheus: whether it answers, and which charts there are numbers for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import time

from opsbot.bot.reach import Reach
from opsbot.clock import SystemClock
from opsbot.config.settings import Config
from opsbot.install import look_measured
from opsbot.install.finding import Finding, look
from opsbot.runtime.target import Targets
from opsbot.store import open_store
from tests.unit.telemetry.answering import answering, matrix


@contextmanager
def found(folder: Path, url: str) -> Iterator[dict[str, list[Finding]]]:
    """Every finding for a team that measures one of its two environments at that address."""
    staging = {"stack": "s", "prometheus": {"url": url}}
    config = Config.model_validate({"environments": {"staging": staging, "production": {"stack": "p"}}})
    store, clock = open_store(f"sqlite:///{folder}/opsbot.db"), SystemClock()
    targets = Targets(config, store, clock)
    yield look(look_measured.checks(config, Reach(config, targets), clock))
    targets.close()
    store.close()


def test_a_server_with_numbers_is_well_and_they_are_named(tmp_path: Path) -> None:
    with answering(matrix(({}, [(time(), "1")]))) as (url, asked), found(tmp_path, url) as findings:
        [one] = findings.pop("prometheus of staging")
    assert findings == {}
    assert (one.state, one.cure) == ("ok", "")
    assert one.says == "It answers, and has numbers of traffic, errors, latency, memory, cpu, disk."
    assert len(asked) == 8


def test_a_server_that_measures_something_else_is_told(tmp_path: Path) -> None:
    with answering(matrix()) as (url, _), found(tmp_path, url) as findings:
        [one] = findings["prometheus of staging"]
    assert (one.state, one.says) == ("warn", "It answers, and has none of the numbers that `chart` shows.")
    assert "node_exporter" in one.cure


def test_a_server_that_is_away_is_bad_and_named(tmp_path: Path) -> None:
    with answering(matrix()) as (url, _):
        gone = url
    with found(tmp_path, gone) as findings:
        [one] = findings["prometheus of staging"]
    assert one.state == "bad"
    assert gone.removeprefix("http://") in one.says
