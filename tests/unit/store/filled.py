"""What the tests of the store put into it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from opsbot.store import Store
from opsbot.store.locks import LockHeld
from opsbot.store.rows import LockRow, ReleaseRow

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
SOON = NOW + timedelta(minutes=1)
PLAN = {
    "playbook": "deploy",
    "title": "Deploy v2",
    "environment": "staging",
    "lock": "staging/web",
    "fingerprint": "f1",
}


def add_run(store: Store, run: str = "r1", **more: Any) -> LockRow | None:
    """None, or who holds a lock that it wants."""
    try:
        store.runs.add(run, {**PLAN, "params": {"tag": "v2"}}, {"id": "U1"}, "slack", "queued", "C1", None, NOW, **more)
    except LockHeld as held:
        return held.holder
    return None


def wish(run: str, expires: datetime | None = None) -> LockRow:
    return LockRow("staging/web", run, "alice", "deploy v2", NOW, expires)


def release(store: Store, service: str = "web", run: str = "r1", tag: str = "v1") -> ReleaseRow:
    return store.releases.add(
        "staging", service, f"registry/{service}@sha256:1", "sha256:1", tag, "abc", {"A": "1"}, {"key": "main"},
        {"Name": "web"}, None, run, "alice", NOW,
    )  # fmt: skip


def together(work: Callable[[int], Any], times: int = 16) -> list[Any]:
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(work, range(times)))
