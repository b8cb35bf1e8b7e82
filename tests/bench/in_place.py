"""What the switch is held against: the same image as one plain Swarm service behind the same edge, updated in place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import requests

from opsbot.demo.argv import wait_until
from opsbot.demo.docker import Engine
from tests.bench.world import SERVICE, NotMeasured, World

UP_SECONDS = 60.0


@dataclass(frozen=True)
class Plain:
    """A plain service of two replicas. `images` by release number; its edge answers at `url`."""

    engine: Engine
    name: str
    images: dict[int, str]
    url: str

    def update(self, number: int) -> None:
        """Order the update, start-first and all replicas at once, which is the fastest that it can be."""
        order = ["--update-order=start-first", "--update-parallelism=0", f"--env-add=RELEASE_ID={number}"]
        image = ["--no-resolve-image", "--with-registry-auth", f"--image={self.images[number]}"]
        self.engine.docker("service", "update", "--detach", *order, *image, self.name)

    def settled(self) -> bool:
        """Whether the last update has ended."""
        state = self.engine.docker("service", "inspect", "--format", "{{.UpdateStatus.State}}", self.name)
        return state == "completed"

    def answers(self, number: int) -> bool:
        """Whether this release answers through the edge."""
        try:
            told = requests.get(f"{self.url}/release", timeout=2)
        except requests.RequestException:
            return False
        return told.ok and told.json().get("release") == str(number)


@contextmanager
def plain(world: World, first: int, second: int) -> Iterator[Plain]:
    """The service at release `first`, answering; removed at the end."""
    engine, stack, network = world.parts.engine, world.target.stack, world.target.network_name
    rows = {number: world.target.row(SERVICE, number) for number in (first, second)}
    name, edge = f"{stack}_plain", f"{stack}_plain-edge"
    image = rows[first].image
    env = {**rows[first].env, "RELEASE_ID": str(first)}
    options = [f"--env={key}={value}" for key, value in env.items()]
    options += [f"--secret=source={stack}_{secret},target={file}" for file, secret in rows[first].secrets.items()]
    common = ["--detach", "--endpoint-mode=dnsrr", "--with-registry-auth", "--no-resolve-image"]
    at = f"--network=name={network},alias=plain"
    try:
        engine.docker("service", "create", *common, f"--name={name}", "--replicas=2", at, *options, image)
        upstream = ["--env=UPSTREAM=plain", f"--network={network}", world.parts.images.edge]
        engine.docker("service", "create", *common, f"--name={edge}", *upstream)
        if not wait_until(lambda: bool(world.target.swarm.task_addresses(edge)), UP_SECONDS, 0.2):
            raise NotMeasured("the edge of the plain service did not start")
        url = f"http://{world.target.swarm.task_addresses(edge)[0]}:80"
        found = Plain(engine, name, {number: row.image for number, row in rows.items()}, url)
        if not wait_until(lambda: found.answers(first), UP_SECONDS, 0.2):
            raise NotMeasured("the plain service does not answer through its edge")
        yield found
    finally:
        for service in (name, edge):
            world.target.swarm.remove(service)
