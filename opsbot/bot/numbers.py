"""What Prometheus learns of releases and backups: set where the watch looks at them anyway."""

from __future__ import annotations

from datetime import datetime

from opsbot import metrics
from opsbot.store.rows import ReleaseRow


class Numbers:
    """One series per service: the release that went before is not told any more."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], tuple[str, str]] = {}

    def live(self, environment: str, service: str, row: ReleaseRow | None) -> None:
        """This release is live since its `live_at`; None: nothing is."""
        told = (str(row.number), row.tag) if row is not None and row.live_at is not None else None
        before = self._told.pop((environment, service), None)
        if before is not None and before != told:
            metrics.RELEASE_LIVE.remove(environment, service, *before)
        if told is not None and row is not None and row.live_at is not None:
            self._told[environment, service] = told
            metrics.RELEASE_LIVE.labels(environment, service, *told).set(row.live_at.timestamp())

    @staticmethod
    def backup(environment: str, database: str, newest: datetime | None, size: int = 0) -> None:
        """The newest backup was taken then, and its data has so many bytes."""
        if newest is not None:
            metrics.BACKUP_BYTES.labels(environment, database).set(size)
            metrics.BACKUP_NEWEST.labels(environment, database).set(newest.timestamp())
