"""The docker client, by argument list, against one engine."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from opsbot.demo.argv import ProgramFailed, run
from opsbot.demo.state import read_json, write_private

DEBIAN_CLIENT = Path("/usr/bin/docker")


@dataclass(frozen=True)
class Engine:
    """A swarm manager that answers.

    `host_address`: where this machine reaches a port that the engine publishes.
    `parts_address`: where a server on this machine must listen so that the engine reaches it too.
    """

    url: str
    private: bool
    host_address: str
    parts_address: str
    client: str
    config: Path

    def docker(
        self,
        *arguments: str,
        stdin: str | None = None,
        seconds: float = 120,
        env: Mapping[str, str] | None = None,
    ) -> str:
        """Run one docker command and return its stdout; raises ProgramFailed."""
        # The legacy builder is the one that every engine from 20.10 on has without a plugin.
        own = {"DOCKER_HOST": self.url, "DOCKER_CONFIG": str(self.config), "DOCKER_BUILDKIT": "0"}
        return run([self.client, *arguments], env={**(env or {}), **own}, stdin=stdin, seconds=seconds).strip()

    def has(self, *arguments: str) -> bool:
        """Whether an inspecting command finds its object."""
        try:
            self.docker(*arguments, seconds=20)
        except ProgramFailed:
            return False
        return True

    def lines(self, *arguments: str) -> list[str]:
        """The non-empty lines that a listing command prints."""
        return [line for line in self.docker(*arguments).splitlines() if line]

    def remember_login(self, registry: str, user: str, password: str) -> None:
        """Log in to a registry: written as the client would, without a password on a command line."""
        path = self.config / "config.json"
        settings = read_json(path)
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        settings.setdefault("auths", {})[registry] = {"auth": token}
        write_private(path, json.dumps(settings))


def best_client(candidates: Sequence[str]) -> str | None:
    """The first client that runs: Debian's matches Debian's engine; newer ones may refuse its old API."""
    for candidate in candidates:
        try:
            run([candidate, "--version"], seconds=10)
        except ProgramFailed:
            continue
        return candidate
    return None
