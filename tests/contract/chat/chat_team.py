"""People of a team before the real commands, in a real local workspace."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pretend_world import World

from opsbot.chat.front import SlackFront
from opsbot.workspace import Workspace, spoken

ALICE, BOB, CAROL, DAVE = "U01ALICE", "U02BOB", "U03CAROL", "U04DAVE"
FILLED = {"field:environment": "staging", "field:tag": "v2"}


def until(done: Callable[[], Any], within: float = 5.0) -> Any:
    limit = time.monotonic() + within
    while not (found := done()):
        assert time.monotonic() < limit, "it did not happen in time"
        time.sleep(0.02)
    return found


@dataclass
class Team:
    """The workspace and our bot in it, with the world that its commands see."""

    workspace: Workspace
    world: World
    front: SlackFront

    def form(self, user: str = ALICE, text: str = "deploy") -> dict[str, Any]:
        """Type a command that lacks something; the form that opens."""
        assert self.workspace.slash(user, "#ops", "/ops", text) == "ok"
        return self.view(user, lambda view: view["callback_id"] == "form")

    def view(self, user: str, fits: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        """The modal on top, as soon as it is as wanted."""
        return until(lambda: next((view for view in self.workspace.views(user)[-1:] if fits(view)), None))

    def shows(self, user: str, words: str) -> dict[str, Any]:
        return self.view(user, lambda view: words in spoken(view))

    def runs(self) -> list[str]:
        return [run.title for run in self.world.store.runs.list()]


def sent(user: str, view: dict[str, Any]) -> dict[str, Any]:
    """What Slack sends when somebody submits a form."""
    state = {"values": {"b": {name: {"value": text} for name, text in FILLED.items()}}}
    return {"user": {"id": user}, "view": view | {"state": state}}
