"""What Prometheus learns of releases: only what is live now."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from prometheus_client import REGISTRY

from opsbot.bot.numbers import Numbers
from opsbot.store.rows import ReleaseRow

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FIRST = ReleaseRow(
    number=1, tag="v1", live_at=NOON, environment="nowhere", service="web", state="live", image="i", digest="d",
    **{name: None for name in ReleaseRow.__dataclass_fields__ if name not in
       ("number", "tag", "live_at", "environment", "service", "state", "image", "digest")},
)  # fmt: skip


def told(release: str, tag: str) -> float | None:
    labels = {"environment": "nowhere", "service": "web", "release": release, "tag": tag}
    return REGISTRY.get_sample_value("opsbot_release_live_seconds", labels)


def test_the_release_that_was_left_is_not_told_any_more() -> None:
    numbers, second = Numbers(), replace(FIRST, number=2, tag="v2", live_at=NOON + timedelta(hours=1))
    numbers.live("nowhere", "web", FIRST)
    numbers.live("nowhere", "web", FIRST)
    assert told("1", "v1") == NOON.timestamp()
    numbers.live("nowhere", "web", second)
    assert (told("1", "v1"), told("2", "v2")) == (None, NOON.timestamp() + 3600)
    numbers.live("nowhere", "web", None)
    assert told("2", "v2") is None


def test_a_backup_that_does_not_exist_is_no_number() -> None:
    Numbers.backup("nowhere", "main", None)
    labels = {"environment": "nowhere", "database": "main"}
    assert REGISTRY.get_sample_value("opsbot_backup_newest_seconds", labels) is None
    Numbers.backup("nowhere", "main", NOON, 1_400_000)
    assert REGISTRY.get_sample_value("opsbot_backup_newest_seconds", labels) == NOON.timestamp()
    assert REGISTRY.get_sample_value("opsbot_backup_newest_bytes", labels) == 1_400_000
