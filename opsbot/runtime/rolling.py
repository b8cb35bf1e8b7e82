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
        label = labelled(found, rules.RELEASE)
        running = len(self._at.swarm.running_tasks(self._name))
        return Live(self._name, int(label) if label else None, None, running, specs.replicas(found["Spec"]))

    def found(self) -> specs.Spec | None:
        """The spec of a service that somebody else made, to be recorded as the way back; None if it is ours."""
        found = self._at.swarm.service(self._name)
        return dict(found["Spec"]) if found and labelled(found, rules.RELEASE) is None else None

    def warm(self, number: int) -> bool:
        return self.serving(number)

    def prepare(self, row: ReleaseRow, run: str, watch: Progress) -> Prepared:
        self._at.swarm.images.pull(row.image, watch)
        self._at.swarm.images.keep(row.image)
        return self._prepared()

    def ready(self, row: ReleaseRow, run: str) -> Prepared | None:
        return self._prepared() if self._at.swarm.images.has(row.image) else None

    def discard(self, run: str, *, only_one: bool) -> bool:
        ours = labelled(self._at.swarm.service(self._name), rules.RUN) == run
        return ours and only_one and self._at.swarm.remove(self._name)

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
            self._name, called, row.number, replicas, within, before, "The earlier release is put back."
        )
        wait_until_up(self._at.swarm, expected, watch)

    def serving(self, number: int) -> bool:
        found = self._at.swarm.service(self._name)
        if found is None or labelled(found, rules.RELEASE) != str(number):
            return False
        return rules.observe(self._at.swarm.tasks(self._name), str(number)).settled(specs.replicas(found["Spec"]))

    def _prepared(self) -> Prepared:
        return Prepared(None, f"http://{self._at.name}:{self._at.service.port}")
