"""Pure: stack files as data. The subset of Compose that our stacks use; any other key is refused, so nothing is dropped.

Settings of `${NAME}` and `${NAME:-default}` are filled in; `CONFIG_NAME` is a part of the hash of a config's file.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError

from opsbot.config.values import Duration, Frozen
from opsbot.errors import ConfigError

HASHED = 10  # characters of a content's hash in a config's name
_VARIABLE = re.compile(r"\$(?:\$|\{(\w+)(?::-([^}]*))?\})")
_JOINED = ("ports", "secrets", "configs", "volumes", "networks")  # lists of a later file are added to the earlier ones'


class Given(Frozen):
    """A config or secret as a file of the container."""

    source: str
    target: str


class Volume(Frozen):
    """`name:/path`, `/host:/path:ro`, or memory."""

    type: Literal["volume", "bind", "tmpfs"]
    target: str
    source: str | None = None
    read_only: bool = False
    tmpfs: dict[Literal["size"], int] = {}


class Port(Frozen):
    """A port on the host itself: the routing mesh needs a kernel with IPVS."""

    target: int
    published: int
    protocol: Literal["tcp", "udp"] = "tcp"
    mode: Literal["host"]


class Logging(Frozen):
    driver: str
    options: dict[str, str] = {}


class Healthcheck(Frozen):
    test: tuple[str, ...]
    interval: Duration | None = None
    timeout: Duration | None = None
    start_period: Duration | None = None
    retries: int | None = None


class Update(Frozen):
    order: Literal["start-first", "stop-first"] = "stop-first"
    failure_action: Literal["pause", "rollback", "continue"] = "pause"
    parallelism: int = 1


class Restart(Frozen):
    condition: Literal["any", "on-failure", "none"] = "any"
    delay: Duration | None = None
    max_attempts: int | None = None


class Deploy(Frozen):
    mode: Literal["replicated", "global"] = "replicated"
    replicas: int = 1
    endpoint_mode: Literal["dnsrr", "vip"] = "vip"
    update_config: Update = Update()
    rollback_config: Update = Update()
    restart_policy: Restart = Restart()
    resources: dict[Literal["limits"], dict[Literal["memory"], str]] = {}
    placement: dict[Literal["constraints"], tuple[str, ...]] = {}


class Service(Frozen):
    """One service of a stack file. Short forms are made long before."""

    image: str
    command: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    environment: dict[str, str] = {}
    configs: tuple[Given, ...] = ()
    secrets: tuple[Given, ...] = ()
    volumes: tuple[Volume, ...] = ()
    ports: tuple[Port, ...] = ()
    logging: Logging | None = None
    stop_grace_period: Duration | None = None
    healthcheck: Healthcheck | None = None
    deploy: Deploy = Deploy()


class Network(Frozen):
    driver: Literal["overlay"] = "overlay"
    attachable: bool = False


class Config(Frozen):
    """A config whose content is a file beside the stack file; its name ends in a part of the content's hash."""

    name: str
    file: str
    template_driver: Literal["golang"] | None = None


class Secret(Frozen):
    """A secret that was made beforehand."""

    external: Literal[True]
    name: str


class Document(Frozen):
    version: str = "3.8"
    services: dict[str, Service] = Field(min_length=1)
    networks: dict[str, Network] = {}
    volumes: dict[str, dict[str, str]] = {}
    configs: dict[str, Config] = {}
    secrets: dict[str, Secret] = {}


@dataclass(frozen=True)
class Stack:
    """Stack files joined, with their settings filled in. `contents`: config → bytes."""

    name: str
    document: Document
    contents: Mapping[str, bytes] = field(default_factory=dict)


def read(name: str, files: Sequence[Path], settings: Mapping[str, str]) -> Stack:
    """Read and join stack files. ConfigError names the file, the key and the cure."""
    joined: dict[str, Any] = {}
    contents: dict[str, bytes] = {}
    for file in files:
        raw = _yaml(file)
        contents |= _contents(file, raw)
        joined = _join(joined, raw)
    hashed = {f"CONFIG_{key.upper()}": content_hash(content) for key, content in contents.items()}
    filled = _fill(joined, {"STACK": name, **hashed, **settings})
    for service in (filled.get("services") or {}).values():
        _lengthen(service)
    try:
        document = Document.model_validate(filled)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        names = ", ".join(file.name for file in files)
        raise ConfigError(f"{names}: {where}: {first['msg']}.", "Only what our stacks need is understood.") from error
    return Stack(name, document, contents)


def content_hash(content: bytes) -> str:
    """The part of a content's hash that is in its config's name."""
    return hashlib.sha256(content).hexdigest()[:HASHED]


def _yaml(file: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"The stack file {file} cannot be read: {error}.", "See `stack` in opsbot.yml.") from error
    if not isinstance(found, dict):
        raise ConfigError(f"The stack file {file} holds no services.", "See `stack` in opsbot.yml.")
    return {key: value for key, value in found.items() if not str(key).startswith("x-")}


def _contents(file: Path, raw: Mapping[str, Any]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for name, config in (raw.get("configs") or {}).items():
        try:
            found[name] = (file.parent / str(config["file"])).read_bytes()
        except (OSError, KeyError, TypeError) as error:
            raise ConfigError(
                f"{file.name}: the file of the config {name} cannot be read.", "Name it as `file`."
            ) from error
    return found


def _join(first: Any, second: Any, key: str = "") -> Any:
    if isinstance(first, dict) and isinstance(second, dict):
        both = {name: _join(first[name], second[name], name) for name in first if name in second}
        return {**first, **second, **both}
    if isinstance(first, list) and isinstance(second, list) and key in _JOINED:
        return [*first, *second]
    return second


def _fill(node: Any, settings: Mapping[str, str]) -> Any:
    if isinstance(node, dict):
        return {key: _fill(value, settings) for key, value in node.items()}
    if isinstance(node, list):
        return [_fill(value, settings) for value in node]
    return _VARIABLE.sub(lambda match: _value(match, settings), node) if isinstance(node, str) else node


def _value(match: re.Match[str], settings: Mapping[str, str]) -> str:
    name, default = match[1], match[2]
    if name is None:
        return "$"
    if settings.get(name):
        return settings[name]
    if default is None:
        raise ConfigError(
            f"The stack file wants a value for {name}.",
            "Give it under `stack_settings` of the environment in opsbot.yml.",
        )
    return default


def _lengthen(service: dict[str, Any]) -> None:
    """Short forms become long ones."""
    if "volumes" in service:
        service["volumes"] = [_volume(one) if isinstance(one, str) else one for one in service["volumes"]]
    for kind in ("secrets", "configs"):
        if kind in service:
            service[kind] = [{"source": one, "target": one} if isinstance(one, str) else one for one in service[kind]]


def _volume(short: str) -> dict[str, Any]:
    source, target, *mode = short.split(":")
    kind = "bind" if source.startswith("/") else "volume"
    return {"type": kind, "source": source, "target": target, "read_only": mode == ["ro"]}
