"""The switch: one flag file on the edge's volume decides which colour answers; confirmed by asking through the edge."""

from __future__ import annotations

import time
import uuid
from typing import Any

import requests

from opsbot.config import settings
from opsbot.errors import StepFailed, Unavailable
from opsbot.runtime import jobs
from opsbot.runtime.release import COLOURS, Colour
from opsbot.runtime.swarm import Swarm

_CONFIRM_WITHIN = 10.0  # s; a switch is seen after milliseconds, so this only bounds a broken edge
_TIMEOUT = 5.0


class Edge:
    """The reverse proxy of one environment. `service` and `network` are full Swarm names."""

    def __init__(self, swarm: Swarm, service: str, network: str, configured: settings.Edge) -> None:
        self._swarm, self.service, self._network, self._settings = swarm, service, network, configured
        self._session = requests.Session()
        self._session.trust_env = False  # the edge is beside us; no proxy leads there
        self._session.headers["Connection"] = (
            "close"  # an idle connection may be gone: that is no finding about the edge
        )

    def url(self) -> str:
        """Where this program reaches the edge: `http://10.1.2.3:80`."""
        addresses = self._swarm.task_addresses(self.service, self._network)
        if not addresses:
            raise Unavailable(
                f"The edge {self.service} does not run.", "Start it: docker service ps tells why.", code="edge"
            )
        return f"http://{addresses[0]}:{self._settings.port}"

    def ask(self, path: str, *, follow: bool = False) -> requests.Response:
        """GET a path through the edge; Unavailable if nobody answers."""
        url = self.url()
        try:
            return self._session.get(url + path, timeout=_TIMEOUT, allow_redirects=follow)
        except requests.RequestException as error:
            raise Unavailable(f"The edge {self.service} does not answer.", "", code="edge") from error

    def told(self, path: str) -> dict[str, Any] | None:
        """The JSON object that a path answers with 200, else None."""
        answer = self.ask(path)
        if answer.status_code != 200:
            return None
        try:
            body = answer.json()
        except requests.JSONDecodeError:
            return None
        return body if isinstance(body, dict) else None

    def flag(self) -> Colour:
        """The colour that the flag file says."""
        task = self._tasks()[0]
        code = self._do(task, ["test", "-e", self._settings.flag])
        return COLOURS[1] if code == 0 else COLOURS[0]

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

    def confirm(self, path: str, release: int) -> None:
        """Return once the answers through the edge come from `release`; StepFailed says who answers instead."""
        ends, seen = time.monotonic() + _CONFIRM_WITHIN, "nothing"
        while time.monotonic() < ends:
            answer = self.told(path)
            if answer is not None and str(answer.get("release")) == str(release):
                return
            seen = f"release {answer.get('release') or '?'}" if answer else "an error"
            time.sleep(0.02)
        raise StepFailed(f"Through the edge answers {seen}, not release {release}.", code="not_confirmed")

    def _tasks(self) -> list[dict[str, Any]]:
        tasks = self._swarm.running_tasks(self.service)
        if not tasks:
            raise Unavailable(
                f"The edge {self.service} does not run.", "Start it: docker service ps tells why.", code="edge"
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
