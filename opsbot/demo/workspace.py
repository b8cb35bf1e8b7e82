"""The local workspace as a program of its own, beside the bot."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, field

import requests

from opsbot.commands.hint import HINT
from opsbot.demo import daemon
from opsbot.demo.argv import Say, run, timed, wait_until
from opsbot.demo.state import CHECKOUT, State, port_is_free, read_json, write_private
from opsbot.errors import Unavailable

START_SECONDS = 30


@dataclass(frozen=True)
class Workspace:
    """A workspace that answers: its page, its Web API, and the bot's two tokens."""

    url: str
    api: str
    bot_token: str = field(repr=False)
    app_token: str = field(repr=False)


def ensure(state: State, prefix: str, prefer_port: int, say: Say) -> Workspace:
    """A workspace that runs, the one of this stack prefix."""
    with state.locked(f"workspace-{prefix}"):
        return _ensure(state, prefix, prefer_port, say)


def _ensure(state: State, prefix: str, prefer_port: int, say: Say) -> Workspace:
    name, folder = f"workspace-{prefix}", state.folder("prefixes", prefix)
    card = folder / "workspace.json"
    if daemon.running(state, name) and card.exists():
        workspace = Workspace(**read_json(card))
        if _answers(workspace):
            return workspace
    daemon.stop(state, name)
    if not port_is_free(state.port(name, prefer_port)):
        state.forget_port(name)
    with timed(say, "starting the chat workspace"):
        workspace = _start(state, name, state.port(name, prefer_port), str(folder / "workspace"))
    write_private(card, json.dumps(asdict(workspace)))
    return workspace


def stop(state: State, prefix: str) -> None:
    """End it; what was said is kept in its folder."""
    daemon.stop(state, f"workspace-{prefix}", grace=5)


def _start(state: State, name: str, port: int, folder: str) -> Workspace:
    log = state.log(name)
    before = log.stat().st_size if log.exists() else 0
    argv = [sys.executable, "-m", "opsbot.workspace", "--port", str(port), "--state", folder, "--usage", HINT]
    daemon.start(state, name, argv, env={"PYTHONPATH": str(CHECKOUT)})

    def announced() -> Workspace | None:
        """It prints one JSON line when it is ready."""
        with log.open() as file:
            file.seek(before)
            for line in file:
                if line.startswith("{") and '"bot_token"' in line and line.endswith("\n"):
                    said = json.loads(line)
                    return Workspace(said["url"], said["api"], said["bot_token"], said["app_token"])
        return None

    wait_until(lambda: bool(announced()) or daemon.running(state, name) is None, START_SECONDS)
    workspace = announced()
    if workspace is None:
        tail = run(["tail", "-n", "3", str(log)]).strip()
        raise Unavailable(f"The chat workspace did not start: {tail}", f"Its log is {log}.")
    return workspace


def _answers(workspace: Workspace) -> bool:
    try:
        return bool(requests.get(workspace.url, timeout=3).ok)
    except requests.RequestException:
        return False
