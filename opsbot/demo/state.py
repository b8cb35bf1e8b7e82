"""The one state folder of the demo: where each part keeps its files, ports and passwords."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opsbot.errors import OpsError

# sockaddr_un holds 108 bytes; containerd appends up to 45 characters to the folder we give it.
LONGEST_SOCKET_FOLDER = 60
CHECKOUT = Path(__file__).resolve().parents[2]
DEFAULT_PREFIX = "minitwit"
MARKER = "opsbot-state"


@dataclass(frozen=True)
class State:
    """Layout of the state folder. Nothing of the demo is written outside it, `runtime_folder` apart."""

    root: Path

    @classmethod
    def default(cls) -> State:
        """The folder named by OPSBOT_STATE, else `.state` in the checkout."""
        return cls(Path(os.environ.get("OPSBOT_STATE") or CHECKOUT / ".state").absolute())

    def claim(self) -> None:
        """Make the folder ours. Raises OpsError where it holds somebody else's files."""
        if (self.root / MARKER).exists():
            return
        if self.root.exists() and any(self.root.iterdir()):
            raise OpsError(
                f"{self.root} is not empty and was not made by the demo.",
                "Point OPSBOT_STATE at a folder that does not exist yet.",
                code="not_our_folder",
            )
        self.root.mkdir(parents=True, exist_ok=True)
        (self.root / MARKER).write_text("The demo's state folder; `make clean` removes it.\n")

    @property
    def ours(self) -> bool:
        """Whether the folder exists and `claim` made it."""
        return (self.root / MARKER).exists()

    @property
    def mark(self) -> str:
        """Six characters that tell this state folder's bridges, namespace and images from another's."""
        return hashlib.sha256(str(self.root).encode()).hexdigest()[:6]

    @property
    def runtime_folder(self) -> Path:
        """Where sockets live: in the state folder, or under /run where its path is too long for a socket."""
        own = self.root / "engine"
        return own if len(str(own)) <= LONGEST_SOCKET_FOLDER else Path(f"/run/opsbot-{self.mark}")

    @property
    def docker_config(self) -> Path:
        """The docker client's own folder, so that no login is written to the person's ~/.docker."""
        return self.folder("docker")

    def env_file(self, prefix: str = DEFAULT_PREFIX) -> Path:
        """The bot's environment for one stack prefix: NAME=value lines, readable by the owner alone."""
        return self.root / ("demo.env" if prefix == DEFAULT_PREFIX else f"{prefix}.env")

    def folder(self, *names: str) -> Path:
        """A subfolder, made if it is not there."""
        path = self.root.joinpath(*names)
        path.mkdir(parents=True, exist_ok=True)
        return path

    def log(self, name: str) -> Path:
        """The log file of one part."""
        return self.folder("logs") / f"{name}.log"

    def port(self, name: str, prefer: int = 0) -> int:
        """The port of one part: chosen once, the preferred one where it is free, then the same each time."""
        with self.locked("ports"):
            ports = read_json(self.root / "ports.json")
            if name not in ports:
                taken = set(ports.values())
                wanted = prefer and prefer not in taken and port_is_free(prefer)
                ports[name] = prefer if wanted else free_port(taken)
                write_private(self.root / "ports.json", json.dumps(ports, indent=1))
            return int(ports[name])

    def forget_port(self, name: str) -> None:
        """Give the part another port next time."""
        with self.locked("ports"):
            ports = read_json(self.root / "ports.json")
            if ports.pop(name, None) is not None:
                write_private(self.root / "ports.json", json.dumps(ports, indent=1))

    def secret(self, name: str) -> str:
        """A password made once and kept in a file that only the owner reads."""
        with self.locked("secrets"):
            path = self.folder("secrets") / name
            if not path.exists():
                write_private(path, secrets.token_hex(20))
            return path.read_text()

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Keep other programs that use this state folder out meanwhile."""
        with (self.folder("locks") / name).open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def free_port(taken: set[int]) -> int:
    """A loopback port that nobody listens on now, below the range that outgoing connections are given."""
    for _ in range(200):
        port = 20000 + secrets.randbelow(10000)
        if port not in taken and port_is_free(port):
            return port
    raise OSError("200 ports tried between 20000 and 30000, none is free")


def port_is_free(port: int, address: str = "127.0.0.1") -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; empty when there is none."""
    return dict(json.loads(path.read_text())) if path.exists() else {}


def write_private(path: Path, text: str) -> None:
    """Write a whole file at once, readable by the owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    draft.replace(path)
