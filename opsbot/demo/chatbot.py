"""The bot itself as one of the demo's programs: its settings for a stack prefix, its start, its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from opsbot.demo import daemon
from opsbot.demo.argv import wait_until
from opsbot.demo.parts import Parts
from opsbot.demo.state import CHECKOUT, DEFAULT_PREFIX, State
from opsbot.errors import Unavailable

START_SECONDS = 30.0
STOP_SECONDS = 20.0


@dataclass(frozen=True)
class Chatbot:
    """Starts and ends `opsbot serve` for one prefix, and speaks its terminal commands."""

    parts: Parts
    bake: str = "15s"  # how long a copy of the settings watches a new release

    @property
    def name(self) -> str:
        """Of its process record and log."""
        return f"bot-{self.parts.prefix}"

    @property
    def config(self) -> Path:
        """The opsbot.yml at the root; for another prefix a copy of it with other stack names, playbooks beside it."""
        original = CHECKOUT / "opsbot.yml"
        if self.parts.prefix == DEFAULT_PREFIX:
            return original
        text = original.read_text(encoding="utf-8")
        for name in (f"{DEFAULT_PREFIX}-staging", DEFAULT_PREFIX):
            changed = name.replace(DEFAULT_PREFIX, self.parts.prefix, 1)
            text = text.replace(f"    stack: {name}\n", f"    stack: {changed}\n")
        text = text.replace("    bake: 15s\n", f"    bake: {self.bake}\n")
        return self._copy("opsbot.yml", text)

    def impatient(self, within: str) -> Path:
        """A copy of the settings for a plan that waits only so long for its yes, as `30s`."""
        text = self.config.read_text(encoding="utf-8")
        return self._copy("impatient.yml", text.replace("    approve_within: 1h ", f"    approve_within: {within} "))

    def _copy(self, name: str, text: str) -> Path:
        text = text.replace("playbooks: playbooks ", f"playbooks: {CHECKOUT / 'playbooks'} ")
        text = text.replace("app/stack", f"{CHECKOUT}/app/stack")
        copy = self.parts.state.folder("prefixes", self.parts.prefix) / name
        copy.write_text(text, encoding="utf-8")
        return copy

    @property
    def environment(self) -> Mapping[str, str]:
        """What its process gets beside the machine's own variables."""
        return {**self.parts.environment, "PYTHONPATH": str(CHECKOUT), "PYTHONUNBUFFERED": "1"}

    @property
    def log(self) -> Path:
        """What it wrote."""
        return self.parts.state.log(self.name)

    def argv(self, *words: str, config: Path | None = None) -> list[str]:
        """The command line of the bot."""
        return [sys.executable, "-m", "opsbot", "--config", str(config or self.config), *words]

    def start(self) -> int:
        """Start `serve` unless it runs, and wait until it hears the workspace; its pid."""
        found = daemon.running(self.parts.state, self.name)
        if found is None:
            before = self._connections()
            found = daemon.start(self.parts.state, self.name, self.argv("serve"), env=self.environment)
            if not wait_until(lambda: self._connections() > before, START_SECONDS):
                raise Unavailable("The bot did not connect to the workspace.", f"See {self.log}.")
        return found.pid

    def stop(self) -> None:
        """End it in its own time."""
        daemon.stop(self.parts.state, self.name, grace=STOP_SECONDS)

    def kill(self) -> None:
        """kill -9, as a host that runs out of memory does."""
        found = daemon.running(self.parts.state, self.name)
        if found is not None:
            os.kill(found.pid, signal.SIGKILL)
            daemon.end(found.pid, found.started, 5.0)

    def peak_megabytes(self) -> float:
        """The most resident memory that its process has had (VmHWM); 0 while it does not run."""
        found = daemon.running(self.parts.state, self.name)
        if found is None:
            return 0.0
        lines = Path(f"/proc/{found.pid}/status").read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024

    @staticmethod
    def stop_recorded(state: State, prefix: str = DEFAULT_PREFIX) -> None:
        """End the bot of an earlier program, if one still runs."""
        daemon.stop(state, f"bot-{prefix}", grace=STOP_SECONDS)

    def terminal(
        self, *words: str, seconds: float = 120, config: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """One command at the terminal, as the one who runs this."""
        argv, environment = self.argv(*words, config=config), {**os.environ, **self.environment}
        return subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=seconds, check=False)

    def _connections(self) -> int:
        if not self.log.exists():
            return 0
        return self.log.read_text(encoding="utf-8", errors="replace").count("action=slack.connected")
