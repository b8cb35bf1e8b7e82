"""What both strategies offer: prepare a recorded release, make it live, tell what is live, take a preparation back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from opsbot.config.settings import Service
from opsbot.errors import NotFound
from opsbot.runtime import jobs
from opsbot.runtime import release as rules
from opsbot.runtime import spec as specs
from opsbot.runtime.edge import Edge
from opsbot.runtime.progress import Progress
from opsbot.runtime.release import Colour
from opsbot.runtime.swarm import Swarm
from opsbot.store.rows import ReleaseRow


@dataclass(frozen=True)
class Place:
    """One service of one environment, with what is needed to operate it."""

    swarm: Swarm
    edge: Edge
    stack: str
    name: str
    service: Service
    network: str
    environment: str

    def stamp(
        self, row: ReleaseRow, run: str, swarm_name: str, alias: str, replicas: int, colour: Colour | None
    ) -> specs.Stamp:
        """The stamp of a recorded release with today's ids; NotFound names a secret or network that is gone."""
        return specs.Stamp(
            name=swarm_name,
            alias=alias,
            release=row.number,
            run=run,
            tag=row.tag,
            revision=row.revision or "",
            replicas=replicas,
            network=self.network_id(),
            colour=colour,
            secrets=self.secret_ids(row.spec),
        )

    def secret_ids(self, recorded: Mapping[str, Any]) -> dict[str, str]:
        """Ids of the secrets that a spec needs, by name; NotFound names those that do not exist."""
        wanted = specs.secret_names(recorded)
        found = self.swarm.secret_ids(wanted)
        missing = [name for name in wanted if name not in found]
        if missing:
            what = f"The Swarm secret {', '.join(missing)} does not exist."
            raise NotFound(what, "Create it: docker secret create.", code="secret")
        return found

    def network_id(self) -> str:
        """The id of the stack's network; NotFound if it does not exist."""
        found = self.swarm.network_id(self.network)
        if found is None:
            raise NotFound(f"The network {self.network} does not exist.", "Deploy the stack first.", code="network")
        return found

    def once(
        self, recorded: Mapping[str, Any], verb: str, run: str, argv: Sequence[str], timeout: float, watch: Progress
    ) -> jobs.Ended:
        """Run an argv to its end in a container as the spec says, with its environment, secrets and network."""
        mark = specs.Stamp("", "", 0, run, "", "", 1, network=self.network_id(), secrets=self.secret_ids(recorded))
        labels = {rules.STACK: self.stack, rules.SERVICE: self.name, rules.RUN: run, jobs.VERB: verb}
        task = specs.stamp(recorded, mark)["TaskTemplate"]
        task["Placement"] = {
            "Constraints": [f"node.id == {self.swarm.node()}"]
        }  # where its image is, and can be cleared
        self.swarm.images.pull(task["ContainerSpec"]["Image"], watch)
        spec = jobs.job_spec(task, jobs.name_of(self.stack, self.name, verb, run), argv, labels)
        return jobs.run_to_end(self.swarm, spec, timeout, watch)


@dataclass(frozen=True)
class Live:
    """What takes the traffic now. `release` is None for a service that was not made by us."""

    swarm_name: str
    spec: Mapping[str, Any]
    colour: Colour | None
    running: int

    @property
    def wanted(self) -> int:
        """Replicas that there should be."""
        return specs.replicas(self.spec)

    @property
    def release(self) -> int | None:
        """The number on its label."""
        label = rules.labels_of(self.spec).get(rules.RELEASE)
        return int(label) if label else None

    @property
    def image(self) -> str:
        """`repo@sha256:…` as it runs."""
        return rules.image_of(self.spec)

    @property
    def well(self) -> bool:
        """True if every wanted replica runs."""
        return self.running >= self.wanted > 0

    def runs(self, row: ReleaseRow) -> bool:
        """True if it is that release; a service that was not made by us is known by its image."""
        named = row.image.partition("@")[0]  # a stack may have named it by its tag alone
        return rules.is_release(self.spec, row) or (self.release is None and self.image in (row.image, named))


@dataclass(frozen=True)
class Prepared:
    """Where a prepared release is: its colour (None for rolling) and its address on the stack's network."""

    colour: Colour | None
    address: str


class Rollout(Protocol):
    """A strategy for one service of one environment. A release is told by its number *and* its image."""

    def live(self) -> Live | None:
        """What takes the traffic, as observed; None if nothing does."""

    def warm(self, row: ReleaseRow) -> bool:
        """True if that release runs, all replicas well: switching to it takes a fraction of a second."""

    def where(self, row: ReleaseRow) -> Prepared | None:
        """Where a release is that could be switched to now; None if it would have to be prepared first."""

    def prepare(self, row: ReleaseRow, run: str, watch: Progress) -> Prepared:
        """Get a recorded release ready without touching what is live. Nothing is done when it is warm. Safe to repeat."""

    def ready(self, row: ReleaseRow, run: str) -> Prepared | None:
        """Where it is if `prepare` of this run took effect, else None."""

    def discard(self, run: str, *, even_live: bool) -> bool:
        """Remove what `prepare` of this run made, never what is live.

        `even_live`: it never should have been, so even then; people go to the other colour if there is one.
        """

    def switch(self, row: ReleaseRow, run: str, watch: Progress) -> None:
        """Make a prepared release live and see that it is. Safe to repeat."""

    def serving(self, row: ReleaseRow) -> bool:
        """True if that release is what answers now, as observed."""


def labelled(service: Mapping[str, Any] | None, label: str) -> str | None:
    """A label of a raw service, or None."""
    found: str | None = ((service or {}).get("Spec", {}).get("Labels") or {}).get(label)
    return found
