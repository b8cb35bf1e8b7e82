"""Strategy rolling: one Swarm service, updated in place, start-first; needs nothing of the edge, adopts what it finds."""

from __future__ import annotations

from opsbot.runtime import release as rules
from opsbot.runtime import spec as specs
from opsbot.runtime.progress import Progress
from opsbot.runtime.rollout import Live, Place, Prepared, labelled
from opsbot.runtime.verdict import Expected, wait_until_up
from opsbot.store.rows import ReleaseRow


class Rolling:
    """See `rollout.Rollout`. The update itself is `switch`; `prepare` brings the image here."""

    def __init__(self, place: Place) -> None:
        self._at = place
        self._name = rules.full_name(place.stack, place.name)

    def live(self) -> Live | None:
        found = self._at.swarm.service(self._name)
        if found is None:
            return None
        return Live(self._name, found["Spec"], None, len(self._at.swarm.running_tasks(self._name)))

    def warm(self, row: ReleaseRow) -> bool:
        return self.serving(row)

    def where(self, row: ReleaseRow) -> Prepared | None:
        return self._prepared() if self._at.swarm.images.has(row.image) else None

    def prepare(self, row: ReleaseRow, run: str, watch: Progress) -> Prepared:
        self._at.swarm.images.pull(row.image, watch)
        self._at.swarm.images.keep(row.image)
        return self._prepared()

    def ready(self, row: ReleaseRow, run: str) -> Prepared | None:
        return self.where(row)

    def discard(self, run: str, *, even_live: bool) -> bool:
        ours = labelled(self._at.swarm.service(self._name), rules.RUN) == run
        return ours and even_live and self._at.swarm.remove(self._name)

    def switch(self, row: ReleaseRow, run: str, watch: Progress) -> None:
        found = self._at.swarm.service(self._name)
        replicas = specs.keep_scale(found["Spec"] if found else None, self._at.service.replicas)
        mark = self._at.stamp(row, run, self._name, self._at.name, replicas, None)
        before = frozenset(task["ID"] for task in self._at.swarm.tasks(self._name))
        self._at.swarm.put(specs.stamp(row.spec, mark))
        # One replica after the other, each watched by Swarm for some seconds: the time is per replica.
        within = self._at.service.ready_within.total_seconds() * max(1, replicas)
        called = f"{row.tag} ({row.id})"
        expected = Expected(
            self._name, self._at.name, called, row.number, replicas, within, before, "The earlier release is put back."
        )
        wait_until_up(self._at.swarm, expected, watch)

    def serving(self, row: ReleaseRow) -> bool:
        found = self._at.swarm.service(self._name)
        if found is None or not rules.is_release(found["Spec"], row):
            return False
        return rules.observe(self._at.swarm.tasks(self._name), str(row.number)).settled(specs.replicas(found["Spec"]))

    def _prepared(self) -> Prepared:
        return Prepared(None, f"http://{self._at.name}:{self._at.service.port}")
