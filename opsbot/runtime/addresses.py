"""Where this program reaches a task: on the overlay if it is itself inside, else at docker_gwbridge. No port is published."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_BRIDGE = "docker_gwbridge"


class Addresses:
    """Looks addresses up through docker's client and remembers them: a container's address never changes."""

    def __init__(self, api: Any) -> None:
        self._api = api
        self._known: dict[str, str] = {}
        self._inside: dict[str, bool] = {}

    def of(self, task: Mapping[str, Any], network: str | None) -> str | None:
        """The address of a running task, or None if it cannot be reached from here (another node)."""
        if network and self._is_inside(network):
            return _overlay_address(task, network)
        container = task["Status"].get("ContainerStatus", {}).get("ContainerID", "")
        if container not in self._known:
            address = self._bridge_address(container)
            if address is None:
                return None
            self._known[container] = address
        return self._known[container]

    def _bridge_address(self, container: str) -> str | None:
        here = self._api.containers(all=True, filters={"id": container})
        if not here:
            return None
        sandbox = self._api.inspect_container(container)["NetworkSettings"]["SandboxID"][:12]
        ends = self._api.inspect_network(_BRIDGE)["Containers"].values()
        return next((end["IPv4Address"].split("/")[0] for end in ends if end["Name"] == f"gateway_{sandbox}"), None)

    def _is_inside(self, network: str) -> bool:
        if network not in self._inside:
            self._inside[network] = Path("/.dockerenv").exists() and network in self._own_networks()
        return self._inside[network]

    def _own_networks(self) -> set[str]:
        own = self._api.containers(filters={"id": socket.gethostname()})
        return set(own[0]["NetworkSettings"]["Networks"]) if own else set()


def _overlay_address(task: Mapping[str, Any], network: str) -> str | None:
    for attached in task.get("NetworksAttachments") or []:
        if network in (attached["Network"]["Spec"]["Name"], attached["Network"]["ID"]):
            return str(attached["Addresses"][0]).split("/", maxsplit=1)[0]
    return None
