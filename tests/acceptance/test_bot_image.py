"""The bot as it is installed: its image, one Swarm service on the stack's network, and a person in chat who deploys."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from loopback import Loopback, ports
from scene import STAGING, until

from opsbot.demo import images
from opsbot.demo import parts as demo_parts
from opsbot.demo.chatbot import Chatbot
from opsbot.demo.parts import Parts
from opsbot.workspace.client import Person, spoken

SOCKET = "/var/run/docker.sock"
DRAWS = """
from opsbot.telemetry import drawn, sketch
print(len(drawn.png(sketch.Sketch("Traffic", "an hour", (sketch.Panel("Traffic", "no numbers"),)))))
"""
HIDDEN = ("PASSWORD", "SECRET", "TOKEN", "S3_KEY")
INSIDE = {
    "OPSBOT_ENGINE": f"unix://{SOCKET}",
    "OPSBOT_STORE": "sqlite:////var/lib/opsbot/opsbot.db",
    "OPSBOT_LISTEN": "127.0.0.1:8090",
}


@pytest.fixture(scope="module")
def house(parts: Parts) -> Iterator[Parts]:
    """Stacks and a workspace that no other bot operates."""
    prefix = f"{parts.prefix}-image"
    demo_parts.down(parts.state, print, prefix)
    yield demo_parts.up(parts.state, print, prefix)
    demo_parts.down(parts.state, print, prefix)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may open a port inside a container's network")
def test_the_image_runs_as_a_swarm_service_and_deploys_for_a_person_in_chat(house: Parts) -> None:
    service = _install(house)
    container = _container(house, service)
    alice = Person("U01ALICE", house.workspace.url)
    with Loopback(int(_inspect(house, container, "{{.State.Pid}}")), _ports_on_loopback(house)):
        until(
            lambda: _inspect(house, container, "{{.State.Health.Status}}") == "healthy", 90, "it did not become healthy"
        )
        assert house.engine.docker("exec", container, "id", "-u") != "0"
        assert int(house.engine.docker("exec", container, "python", "-c", DRAWS)) > 1_000  # it needs no typeface either
        alice.controls.wait_for_links(timeout=60)
        alice.say(STAGING, "@opsbot deploy v2 to staging")
        alice.wait_for(STAGING, "v2 is live in staging", 120)
        assert requests.get(f"{house.staging.url}/release", timeout=5).json()["tag"] == "v2"
        alice.say(STAGING, "@opsbot status")
        status = spoken(alice.wait_for(STAGING, "Answering:", 20))
        assert "Not answering" not in status, status
        assert "*v2*" in status
        assert "2 of 2 running" in status
        assert _inspect(house, container, "{{.State.Health.Status}}") == "healthy"
        log = house.engine.docker("logs", container)
    for name, value in house.environment.items():
        assert not (value and _is_hidden(name)) or value not in log, f"{name} is in the bot's log"


def _install(house: Parts) -> str:
    """What an operator does by hand: settings as a config, passwords as secrets, one service beside the stack."""
    engine, stack = house.engine, house.staging.name
    socket = house.engine.url.removeprefix("unix://")
    text = Chatbot(house, bake="3s").config.read_text(encoding="utf-8")
    text = text.replace(f"playbooks: {images.CHECKOUT / 'playbooks'} ", "playbooks: /opt/opsbot/playbooks ")
    options = ["--env=OPSBOT_CONFIG=/etc/opsbot/opsbot.yml"]
    for name, value in {**house.environment, **INSIDE}.items():
        if value and _is_hidden(name):
            text = text.replace(f"{{env: {name}}}", f"{{file: /run/secrets/{name}}}")
            engine.docker("secret", "create", f"{stack}_bot_{name}", "-", stdin=value)
            options.append(f"--secret=source={stack}_bot_{name},target={name}")
        else:
            options.append(f"--env={name}={value}")
    engine.docker("config", "create", f"{stack}_bot", "-", stdin=text)
    options += [f"--config=source={stack}_bot,target=/etc/opsbot/opsbot.yml"]
    options += [f"--network={name}_net" for name in (stack, house.production.name)]
    options += [f"--mount=type=bind,source={socket},target={SOCKET}", f"--group={Path(socket).stat().st_gid}"]
    options += [f"--mount=type=volume,source={stack}_bot,target=/var/lib/opsbot"]
    options += ["--endpoint-mode=dnsrr", "--constraint=node.role==manager", "--stop-grace-period=30s", "--detach"]
    image = images.build_bot(house.state, engine, house.registry, print)
    engine.docker("service", "create", f"--name={stack}_bot", "--with-registry-auth", *options, image)
    return f"{stack}_bot"


def _container(house: Parts, service: str) -> str:
    running = ["ps", "-q", "--filter", f"label=com.docker.swarm.service.name={service}"]
    until(lambda: bool(house.engine.lines(*running)), 60, "the service did not start")
    return house.engine.lines(*running)[0]


def _inspect(house: Parts, container: str, wanted: str) -> str:
    return house.engine.docker("inspect", "--format", wanted, container)


def _ports_on_loopback(house: Parts) -> list[int]:
    """Of the parts that a container cannot reach by itself."""
    return ports((f"http://{house.registry.address}", house.s3.endpoint, house.workspace.url))


def _is_hidden(name: str) -> bool:
    return name.endswith(HIDDEN)
