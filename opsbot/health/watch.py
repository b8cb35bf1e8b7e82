"""The watch: looks at every probe at its own pace and keeps the alerts of the store true."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

from opsbot import log, metrics
from opsbot.clock import Clock
from opsbot.errors import OpsError
from opsbot.health.alert import State, Threshold, step
from opsbot.health.probe import Probe
from opsbot.health.result import Result

PREFIX = "probe:"  # of the conditions that this watch owns

_log = log.get(__name__)
Body = Mapping[str, Any]


class Alerts(Protocol):
    """What the watch needs of the store's alerts."""

    def open(
        self,
        condition: str,
        title: str,
        severity: str,
        environment: str | None,
        channel: str | None,
        body: dict[str, Any],
        now: Any,
    ) -> Any: ...

    def resolve(self, condition: str, now: Any) -> Any: ...

    def open_ones(self) -> Sequence[Any]: ...


@dataclass
class Watch:
    """Looks, decides, records.

    `muted(probe)` is true while a run is expected to disturb what the probe looks at. `context(probe)` adds to an
    alert what a person wants beside it (the last change, the command that undoes it). `changed()` is called after
    each alert that opened or resolved.
    """

    probes: Sequence[Probe]
    alerts: Alerts
    clock: Clock
    muted: Callable[[Probe], bool] = lambda _probe: False
    context: Callable[[Probe], Body] = lambda _probe: {}
    changed: Callable[[], None] = lambda: None
    workers: int = 4
    _results: dict[str, Result] = field(default_factory=dict)
    _states: dict[str, State] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _news: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to look; alerts that were open before the bot's last end are known as open, or over with their probe."""
        open_before = {alert.condition for alert in self.alerts.open_ones()}
        for orphan in open_before - {_condition(probe) for probe in self.probes}:
            if orphan.startswith(PREFIX):
                self.alerts.resolve(orphan, self.clock.now())
        self._states = {probe.name: State(open=_condition(probe) in open_before) for probe in self.probes}
        self._thread = threading.Thread(target=self._loop, name="watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Return when no probe looks any more."""
        self._stop.set()
        self._news.set()
        if self._thread:
            self._thread.join()

    @property
    def alive(self) -> bool:
        """Whether somebody looks; a watch without probes has nothing to look at."""
        return not self.probes or (self._thread is not None and self._thread.is_alive())

    def results(self) -> dict[str, Result]:
        """The last result of each probe that has looked."""
        return dict(self._results)

    def nudge(self) -> None:
        """Something changed: look at everything now, so that nobody reads what was true before."""
        self._news.set()

    def _loop(self) -> None:
        queue = [(self.clock.monotonic(), index) for index in range(len(self.probes))]
        heapq.heapify(queue)
        with ThreadPoolExecutor(self.workers, thread_name_prefix="probe") as pool:
            running: set[int] = set()
            while queue and not self._stop.is_set():
                due, index = queue[0]
                if self._news.wait(max(0.0, due - self.clock.monotonic())):
                    self._news.clear()
                    queue = [(self.clock.monotonic(), index) for index in range(len(self.probes))]
                    continue
                heapq.heapreplace(queue, (self.clock.monotonic() + self.probes[index].every, index))
                if index not in running:
                    running.add(index)
                    pool.submit(self._look, index, running)

    def _look(self, index: int, running: set[int]) -> None:
        probe = self.probes[index]
        try:
            self.look(probe)
        except OpsError as error:
            _log.warning("watch.unrecorded", probe=probe.name, error=error)
        except Exception:  # noqa: BLE001 - one probe's bug must not silence the others; it is logged whole
            _log.exception("watch.broken", probe=probe.name)
        finally:
            running.discard(index)

    def look(self, probe: Probe) -> Result:
        """Look once and record what follows from it."""
        result = probe.check(self.clock)
        self._results[probe.name] = result
        metrics.PROBE_UP.labels(probe.name).set(1 if result.ok else 0)
        state = self._states.get(probe.name, State())
        threshold = Threshold(probe.fail_after, probe.recover_after)
        after, decision = step(state, result.ok, threshold, muted=not result.ok and self.muted(probe))
        if decision == "open":
            self._open(probe, result)
        elif decision == "resolve":
            self.alerts.resolve(_condition(probe), self.clock.now())
        self._states[probe.name] = after
        if decision in ("open", "resolve"):
            _log.info(f"alert.{decision}", probe=probe.name, why=result.sentence)
            self.changed()
        return result

    def _open(self, probe: Probe, result: Result) -> None:
        body = {"why": result.sentence, "probe": probe.name, "service": probe.service, "page": probe.kind.page}
        self.alerts.open(
            _condition(probe),
            title(probe),
            "critical",
            probe.environment,
            probe.channel,
            {**body, **self.context(probe)},
            self.clock.now(),
        )


def title(probe: Probe) -> str:
    """The alert's first words: what is wrong, where."""
    where = f" in {probe.environment}" if probe.environment else ""
    return f"{probe.name} fails{where}"


def _condition(probe: Probe) -> str:
    return PREFIX + probe.name
