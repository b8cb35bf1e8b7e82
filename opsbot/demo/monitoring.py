"""What watches a stack of the demo: which images and settings app/stack.monitoring.yml gets, and where it answers."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from opsbot.demo.docker import Engine
from opsbot.demo.images import APP, Images
from opsbot.runtime.stackfile import content_hash

FILE = APP / "stack.monitoring.yml"
TOKEN = "alert_token"  # noqa: S105 - the secret's name
BRIDGE = "docker_gwbridge"
LOOPBACK = "127.0.0.1"
PORTS = {
    "prometheus": 9090,
    "alertmanager": 9093,
    "node-exporter": 9100,
    "postgres-exporter": 9187,
    "blackbox-exporter": 9115,
}


@dataclass(frozen=True)
class Monitoring:
    """`bot`: host:port where the bot listens for alerts; `host`: where the engine publishes ports. As containers reach them."""

    bot: str
    host: str


def settings(images: Images, monitoring: Monitoring) -> dict[str, str]:
    """What the stack file takes from the environment."""
    return {**images.monitoring, **hashes(FILE), "BOT": monitoring.bot, "HOST_ADDRESS": monitoring.host}


def hashes(file: Path) -> dict[str, str]:
    """`CONFIG_NAME` → a part of the hash of each config file's content: a changed file is a new config."""
    configs: Mapping[str, Mapping[str, str]] = yaml.safe_load(file.read_text(encoding="utf-8")).get("configs", {})
    contents = {name: (file.parent / config["file"]).read_bytes() for name, config in configs.items()}
    return {f"CONFIG_{name.upper()}": content_hash(content) for name, content in contents.items()}


def address_of_this_machine(engine: Engine) -> str:
    """Where the engine's containers reach a server of this machine."""
    return engine.parts_address if engine.parts_address != LOOPBACK else _gateway(engine)


def address_of_its_host(engine: Engine) -> str:
    """Where the engine's containers reach ports that it publishes."""
    return engine.host_address if engine.host_address != LOOPBACK else _gateway(engine)


def _gateway(engine: Engine) -> str:
    subnet = engine.docker("network", "inspect", "--format", "{{(index .IPAM.Config 0).Subnet}}", BRIDGE)
    return str(ipaddress.IPv4Network(subnet)[1])


def url(engine: Engine, stack: str, service: str) -> str | None:
    """Where this machine reaches a watching service, at its task's address on the bridge; None if it does not run."""
    task = f"--filter=label=com.docker.swarm.service.name={stack}_{service}"
    found = engine.lines("ps", "--quiet", "--no-trunc", task, "--filter=health=healthy")
    if not found:
        return None
    sandbox = engine.docker("inspect", "--format", "{{.NetworkSettings.SandboxID}}", found[0])[:12]
    wanted = (
        f'{{{{range .Containers}}}}{{{{if eq .Name "gateway_{sandbox}"}}}}{{{{.IPv4Address}}}}{{{{end}}}}{{{{end}}}}'
    )
    address = engine.docker("network", "inspect", "--format", wanted, BRIDGE).partition("/")[0]
    return f"http://{address}:{PORTS[service]}" if address else None
