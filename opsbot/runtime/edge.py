"""The switch: one flag file on the edge's volume decides which colour answers; confirmed by asking through the edge."""

from __future__ import annotations

import time
import uuid
from datetime import datetime
from typing import Any

import requests

from opsbot import direct
from opsbot.config import settings
from opsbot.direct import Answer
from opsbot.errors import StepFailed, Unavailable
from opsbot.runtime import jobs
from opsbot.runtime.release import COLOURS, Colour, Recorded, tells
from opsbot.runtime.swarm import Swarm

_CONFIRM_WITHIN = 10.0  # s; a switch is seen after milliseconds, so this only bounds a broken edge
_TIMEOUT = 5.0


class Edge:
    """The reverse proxy of one environment. `service` and `network` are full Swarm names."""

    def __init__(self, swarm: Swarm, service: str, network: str, configured: settings.Edge) -> None:
        self._swarm, self.service, self._network, self._settings = swarm, service, network, configured

    def url(self) -> str:
        """Where this program reaches the edge: `http://10.1.2.3:80`."""
        addresses = self._swarm.task_addresses(self.service, self._network)
        if not addresses:
            raise Unavailable(
                f"The edge {self.service} does not run.",
                f"Start it: `docker service ps {self.service}` tells why.",
                code="edge",
            )
        return f"http://{addresses[0]}:{self._settings.port}"

    def ask(self, path: str, *, follow: bool = False) -> Answer:
        """GET a path through the edge. Unavailable: code `edge` if the edge does not answer, `edge_slow` if what is behind it."""
        url = self.url()
        try:
            return direct.get(url + path, _TIMEOUT, follow=follow)
        except requests.Timeout as error:
            raise Unavailable(
                f"{path} does not answer through the edge {self.service} within {_TIMEOUT:.0f} s.", code="edge_slow"
            ) from error
        except requests.RequestException as error:
            raise Unavailable(f"The edge {self.service} does not answer.", code="edge") from error

    def told(self, path: str) -> dict[str, Any] | None:
        """The JSON object that a path answers with 200, else None."""
        answer = self.ask(path)
        return answer.json() if answer.status_code == 200 else None

    def flag(self) -> Colour:
        """The colour that the flag file says."""
        task = self._tasks()[0]
        code = self._do(task, ["test", "-e", self._settings.flag])
        return COLOURS[1] if code == 0 else COLOURS[0]

    def newest(self) -> datetime:
        """When the newest of its tasks was made."""
        return max(datetime.fromisoformat(task["CreatedAt"]) for task in self._tasks())

    def point(self, colour: Colour) -> None:
        """Write the flag at every edge task; safe to repeat."""
        argv = ["touch", self._settings.flag] if colour == COLOURS[1] else ["rm", "-f", self._settings.flag]
        for task in self._tasks():
            code = self._do(task, argv)
            if code != 0:
                raise StepFailed(
                    f"The edge's flag {self._settings.flag} cannot be written (exit code {code}).",
                    "Look at the edge's volume: is it full or read-only?",
                    code="flag",
                )

    def confirm(self, path: str, row: Recorded) -> None:
        """Return once the answers through the edge come from that release; StepFailed says who answers instead.

        One lost answer decides nothing: it is asked until the time is over.
        """
        ends, seen = time.monotonic() + _CONFIRM_WITHIN, ""
        while time.monotonic() < ends:
            try:
                answer = self.ask(path)
            except Unavailable as silent:
                seen = silent.what
                time.sleep(0.1)
                continue
            told = answer.json() if answer.status_code == 200 else None
            if tells(told, row):
                return
            seen = f"{_called(told)} answers." if told else f"It answers {answer.status_code}."
            time.sleep(0.02)
        what = f"{row.tag} (release {row.number}) does not answer through the edge. {seen}".strip()
        raise StepFailed(what, f"See why: docker service logs {self.service}.", code="not_confirmed")

    def _tasks(self) -> list[dict[str, Any]]:
        tasks = self._swarm.running_tasks(self.service)
        if not tasks:
            raise Unavailable(
                f"The edge {self.service} does not run.",
                f"Start it: `docker service ps {self.service}` tells why.",
                code="edge",
            )
        return tasks

    def _do(self, task: dict[str, Any], argv: list[str]) -> int:
        container = task["Status"]["ContainerStatus"]["ContainerID"]
        if len(self._swarm.nodes()) == 1 or task["NodeID"] == self._swarm.node():
            return self._swarm.execute(container, argv)[0]
        spec = task["Spec"]["ContainerSpec"]
        mount = next((one for one in spec.get("Mounts", []) if self._settings.flag.startswith(one["Target"])), None)
        if mount is None:
            raise StepFailed(
                f"The edge {self.service} has no volume at {self._settings.flag}.", "Give it a named volume."
            )
        name = f"{self.service}-flag-{uuid.uuid4().hex[:8]}"
        return jobs.on_node(self._swarm, task["NodeID"], name, spec["Image"], argv, mount).code


def _called(told: dict[str, Any]) -> str:
    return f"{told.get('tag') or 'Something'} (release {told.get('release') or '?'})"
