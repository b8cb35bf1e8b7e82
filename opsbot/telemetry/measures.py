"""What a chart can show: each measure with its PromQL. No person's text becomes a part of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from string import Template
from typing import Literal

Unit = Literal["per_second", "seconds", "share"]

WINDOW = 120  # seconds that a rate is taken over, at least: four times as long as most servers wait between two looks
_PEOPLE = 'route!~"/health|/health/deep|/release|/metrics"'  # health checks and scrapes are none
_REQUESTS = f"minitwit_http_requests_total{{{_PEOPLE}$labels}}[$window]"
_FAILED = f'minitwit_http_requests_total{{status=~"5..",{_PEOPLE}$labels}}[$window]'
_BUCKETS = f"minitwit_http_request_duration_seconds_bucket{{{_PEOPLE}$labels}}[$window]"
_DISKS = 'fstype!~"tmpfs|ramfs",mountpoint!~"/(var/lib/docker|run)/.+"$labels'
_HOSTS = 'instance!=""$labels'  # every series has one; the labels may follow it


@dataclass(frozen=True)
class Query:
    """One question. `promql` is a template: $labels are the environment's own, $window is the length of a rate."""

    name: str
    promql: str

    def expression(self, labels: Mapping[str, str], window: int) -> str:
        """The PromQL for an environment whose numbers carry these labels; `window` in seconds."""
        also = "".join(f',{name}="{_escaped(value)}"' for name, value in sorted(labels.items()))
        return Template(self.promql).substitute(labels=also, window=f"{window}s")


@dataclass(frozen=True)
class Measure:
    """A thing that is measured: one panel of a chart. `by`: the label that tells the lines of its one query apart."""

    name: str
    title: str
    unit: Unit
    queries: tuple[Query, ...]
    by: str = ""


def _slower(share: float) -> str:
    return f"histogram_quantile({share}, sum by (le) (rate({_BUCKETS})))"


TRAFFIC = Measure("traffic", "Traffic", "per_second", (Query("requests", f"sum(rate({_REQUESTS}))"),))
ERRORS = Measure(
    "errors",
    "Errors",
    "share",
    (Query("answered with 5xx", f"(sum(rate({_FAILED})) or vector(0)) / (sum(rate({_REQUESTS})) > 0)"),),
)
LATENCY = Measure(
    "latency",
    "Latency",
    "seconds",
    (Query("p50", _slower(0.5)), Query("p95", _slower(0.95)), Query("p99", _slower(0.99))),
)
MEMORY = Measure(
    "memory",
    "Memory in use",
    "share",
    (Query("host", f"1 - node_memory_MemAvailable_bytes{{{_HOSTS}}} / node_memory_MemTotal_bytes{{{_HOSTS}}}"),),
    by="instance",
)
PROCESSOR = Measure(
    "cpu",
    "Processor in use",
    "share",
    (Query("host", f'1 - avg by (instance) (rate(node_cpu_seconds_total{{mode="idle",{_HOSTS}}}[$window]))'),),
    by="instance",
)
DISK = Measure(
    "disk",
    "Fullest disk",
    "share",
    (
        Query(
            "host",
            f"max by (instance) (1 - node_filesystem_avail_bytes{{{_DISKS}}} / node_filesystem_size_bytes{{{_DISKS}}})",
        ),
    ),
    by="instance",
)
MEASURES: Mapping[str, Measure] = {one.name: one for one in (TRAFFIC, ERRORS, LATENCY, MEMORY, PROCESSOR, DISK)}
OVERVIEW = (TRAFFIC, ERRORS, replace(LATENCY, title="Latency (p95)", queries=LATENCY.queries[1:2]))


def _escaped(value: str) -> str:
    """A label's value inside double quotes, as PromQL (and Go) writes strings."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
