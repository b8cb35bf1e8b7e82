"""Chooses addresses for our bridges that collide with nothing the machine already routes."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable
from dataclasses import dataclass

from opsbot.demo.argv import run
from opsbot.errors import OpsError

POOL = ipaddress.IPv4Network("10.213.0.0/16")
BLOCK_PREFIX = 21


@dataclass(frozen=True)
class Subnets:
    """One free /21, cut up: the wire to a namespace, docker0, docker_gwbridge, later bridge networks."""

    block: ipaddress.IPv4Network

    @property
    def host(self) -> str:
        """Our end of the wire into the namespace."""
        return str(self.block[1])

    @property
    def engine(self) -> str:
        """The engine's end of that wire."""
        return str(self.block[2])

    @property
    def wire(self) -> ipaddress.IPv4Network:
        return self._part(0)

    @property
    def bridge(self) -> ipaddress.IPv4Network:
        return self._part(1)

    @property
    def gateway(self) -> ipaddress.IPv4Network:
        """docker_gwbridge: where the host meets the tasks."""
        return self._part(2)

    @property
    def others(self) -> ipaddress.IPv4Network:
        """A /22 for bridge networks that are made later."""
        return list(self.block.subnets(new_prefix=22))[1]

    def _part(self, number: int) -> ipaddress.IPv4Network:
        return list(self.block.subnets(new_prefix=24))[number]


def free_block(routed: Iterable[ipaddress.IPv4Network]) -> Subnets:
    """The first /21 of the pool that overlaps with no route."""
    taken = list(routed)
    for block in POOL.subnets(new_prefix=BLOCK_PREFIX):
        if not any(block.overlaps(network) for network in taken):
            return Subnets(block)
    raise OpsError(
        f"Every network of {POOL} is already routed on this machine.",
        "Free one of them: the private engine needs a /21 there.",
        code="no_subnet",
    )


def routes() -> list[ipaddress.IPv4Network]:
    """What the machine routes now, the default route apart."""
    found = json.loads(run(["ip", "-json", "-4", "route", "show"]) or "[]")
    return [ipaddress.IPv4Network(route["dst"]) for route in found if route["dst"] != "default"]


def uplink_mtu() -> int:
    """The largest packet that leaves the machine by its default route; 1500 where there is none."""
    found = json.loads(run(["ip", "-json", "-4", "route", "show", "default"]) or "[]")
    if not found:
        return 1500
    links = json.loads(run(["ip", "-json", "link", "show", "dev", found[0]["dev"]]))
    return min(1500, int(links[0]["mtu"]))
