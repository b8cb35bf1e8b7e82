"""Strategy blue-green: each colour is a Swarm service of its own; the edge's flag file chooses who answers."""

from __future__ import annotations

from typing import Any

import requests

from opsbot import direct
from opsbot.errors import NotFound, StepFailed, Unavailable
from opsbot.runtime import release as rules
from opsbot.runtime import spec as specs
from opsbot.runtime.progress import Progress, RolloutFailed
from opsbot.runtime.release import COLOURS, Colour
from opsbot.runtime.rollout import Live, Place, Prepared, labelled
from opsbot.runtime.verdict import Expected, wait_until_up
from opsbot.store.rows import ReleaseRow

_TIMEOUT = 5.0
_UNTOUCHED = "Nobody was sent to it."


class BlueGreen:
    """See `rollout.Rollout`. Nothing here touches the colour that is live, but for the flag."""

    def __init__(self, place: Place) -> None:
        self._at = place

    def live(self) -> Live | None:
        flag = self._at.edge.flag()
        found = self._colour(flag)
        return self._described(flag, found) if found else None

    def _described(self, colour: Colour, found: dict[str, Any]) -> Live:
        name = self._name(colour)
        return Live(name, found["Spec"], colour, len(self._at.swarm.running_tasks(name)))

    def warm(self, row: ReleaseRow) -> bool:
        return self.colour_of(row) is not None

    def where(self, row: ReleaseRow) -> Prepared | None:
        colour = self.colour_of(row)
        return self._prepared(colour) if colour else None

    def colour_of(self, row: ReleaseRow) -> Colour | None:
        """The colour in which that release runs, all replicas well; None if it does not."""
        for colour in COLOURS:
            found = self._colour(colour)
            if found is None or not rules.is_release(found["Spec"], row):
                continue
            seen = rules.observe(self._at.swarm.tasks(self._name(colour)), str(row.number))
            if seen.settled(specs.replicas(found["Spec"])):
                return colour
        return None

    def prepare(self, row: ReleaseRow, run: str, watch: Progress) -> Prepared:
        warm = self.where(row)
        if warm:
            return warm
        live = self._agreed_live()
        colour = rules.idle(live.colour if live else None)
        self._at.swarm.images.pull(row.image, watch)
        self._at.swarm.images.keep(row.image)
        watch.check()
        self._bring_up(row, run, colour, watch)
        return self._prepared(colour)

    def _bring_up(self, row: ReleaseRow, run: str, colour: Colour, watch: Progress) -> None:
        name = self._name(colour)
        running = self._colour(rules.other(colour))
        replicas = specs.keep_scale(running["Spec"] if running else None, self._at.service.replicas)
        mark = self._at.stamp(row, run, name, rules.alias(self._at.name, colour), replicas, colour)
        before = frozenset(task["ID"] for task in self._at.swarm.tasks(name))
        self._at.swarm.put(specs.stamp(row.spec, mark))
        within = self._at.service.ready_within.total_seconds()
        expected = Expected(
            name, self._at.name, f"{row.tag} ({row.id})", row.number, replicas, within, before, _UNTOUCHED
        )
        wait_until_up(self._at.swarm, expected, watch)
        self._ask_each(name, row)

    def _ask_each(self, name: str, row: ReleaseRow) -> None:
        """Every reachable task says by itself that it is this release: a label alone can lie."""
        for address in self._at.swarm.task_addresses(name, self._at.network):
            for path in (self._at.service.health_path, self._at.service.release_path):
                answer = _get(f"http://{address}:{self._at.service.port}{path}")
                if answer.status_code != 200:
                    raise RolloutFailed(
                        f"{name} answers {answer.status_code} on {path}.", _UNTOUCHED,
                        details=answer.text[:500],
                    )  # fmt: skip
            if not rules.tells(answer.json(), row):
                raise RolloutFailed(
                    f"{name} does not say on {self._at.service.release_path} that it is release {row.number}.",
                    f"It must answer RELEASE_ID as `release`. {_UNTOUCHED}",
                    details=answer.text[:500],
                )

    def ready(self, row: ReleaseRow, run: str) -> Prepared | None:
        colour = self.colour_of(row)
        if colour is None or labelled(self._colour(colour), rules.RUN) != run:
            return None
        return self._prepared(colour)

    def discard(self, run: str, *, even_live: bool) -> bool:
        flag = self._at.edge.flag()
        for colour in COLOURS:
            if labelled(self._colour(colour), rules.RUN) != run or (colour == flag and not even_live):
                continue
            if colour == flag and self._colour(rules.other(colour)):
                self._at.edge.point(rules.other(colour))
            return self._at.swarm.remove(self._name(colour))
        return False

    def switch(self, row: ReleaseRow, run: str, watch: Progress) -> None:
        colour = self.colour_of(row)
        if colour is None:
            raise NotFound(
                f"Release {row.id} does not run in either colour, so nobody was sent to it.", "Prepare it first.",
                code="not_prepared",
            )  # fmt: skip
        watch.check()
        self._at.edge.point(colour)
        self._at.edge.confirm(self._at.service.release_path, row)

    def serving(self, row: ReleaseRow) -> bool:
        live = self.live()
        return (
            live is not None and live.runs(row) and rules.tells(self._at.edge.told(self._at.service.release_path), row)
        )

    def _agreed_live(self) -> Live | None:
        """What the flag says, unless the answers through the edge say otherwise: then nobody should guess."""
        live = self.live()
        told = self._told() if live else None
        if live and told and str(told.get("release")) != str(live.release):
            raise StepFailed(
                f"The edge's flag says {live.colour} (release {live.release}), but release {told.get('release')} answers.",
                "Look at the edge before you deploy.",
                code="edge_disagrees",
            )
        return live

    def _told(self) -> dict[str, Any] | None:
        """What answers, or None: a live release that hangs disagrees with nobody, and must not keep its cure away."""
        try:
            return self._at.edge.told(self._at.service.release_path)
        except Unavailable:
            return None

    def _prepared(self, colour: Colour) -> Prepared:
        return Prepared(colour, f"http://{rules.alias(self._at.name, colour)}:{self._at.service.port}")

    def _name(self, colour: Colour) -> str:
        return rules.full_name(self._at.stack, self._at.name, colour)

    def _colour(self, colour: Colour) -> dict[str, Any] | None:
        return self._at.swarm.service(self._name(colour))


def _get(url: str) -> direct.Answer:
    try:
        return direct.get(url, _TIMEOUT)
    except requests.RequestException as error:
        raise RolloutFailed(f"A healthy container does not answer on {url}.", "Is `port` right?") from error
