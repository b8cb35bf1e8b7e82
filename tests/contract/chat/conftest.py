"""A real bolt app of ours on a real local workspace, with a store in a file and a front that the test writes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from chat_doors import Hall, as_installed, connected, settings_of
from chat_team import Team
from pretend_world import CONFIG, World

from opsbot.chat.front import SlackFront
from opsbot.chat.socket import PING_EVERY, PONG_WITHIN
from opsbot.clock import SystemClock
from opsbot.commands.desk import Desk
from opsbot.commands.reply import Button, Reply, Words
from opsbot.commands.request import Request
from opsbot.commands.run_card import card_with
from opsbot.config.settings import Config
from opsbot.store import Store, open_store
from opsbot.store.rows import RunRow
from opsbot.workspace import Settings, Workspace


@pytest.fixture
def granted() -> str:
    """What the app may do and hears: what its manifest asks for; or, where a test says so, `everything`."""
    return "its manifest"


@pytest.fixture
def workspace(granted: str) -> Iterator[Workspace]:
    settings = Settings if granted == "everything" else as_installed
    with Workspace(settings=settings(redelivery_pauses=(0.1, 0.3, 0.6))) as running:
        yield running


@pytest.fixture
def door() -> str:
    """How Slack reaches us: socket, or http. A module that says `DOORS` is run through both."""
    return "socket"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    doors = getattr(metafunc.module, "DOORS", None)
    if doors and "door" in metafunc.fixturenames:
        metafunc.parametrize("door", doors)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path / 'opsbot.db'}")
    yield opened
    opened.close()


@dataclass
class Bot:
    """SlackFront with a front that notes what it was asked."""

    workspace: Workspace
    store: Store
    spacing: float = 0.2
    pings: tuple[float, float] | None = (1.0, 0.5)
    asked: list[Request] = field(default_factory=list)
    answer: Callable[[Request], Reply] = lambda request: Reply(f"heard `{request.text}`")
    door: str = "socket"
    home: str = "#staging"
    running: SlackFront | None = None
    hall: Hall | None = None

    def config(self) -> Config:
        slack = settings_of(self.workspace, self.door)
        staging = {"stack": "mini-staging", "channel": self.home}
        return Config.model_validate(
            {"slack": slack, "team": {"channel": "#ops"}, "environments": {"staging": staging}}
        )

    def start(self, *, wait: bool = True) -> SlackFront:
        every, within = self.pings or (PING_EVERY, PONG_WITHIN)
        self.running = SlackFront(
            self.config(), self.store, SystemClock(), self._front, self._view, self._card,
            spacing=self.spacing, ping_every=every, pong_within=within,
        )  # fmt: skip
        self.running.start()
        if wait:
            self.heard()
        return self.running

    def heard(self) -> None:
        """Wait until words reach the bot."""
        assert self.running
        self.hall = connected(self.workspace, self.running, self.door)

    def stop(self) -> None:
        if self.hall:
            self.hall.close()
            self.hall = None
        if self.running:
            self.running.stop()
            self.running = None

    def _front(self, request: Request) -> Reply:
        self.asked.append(request)
        return self.answer(request)

    def _view(self, run: str) -> RunRow:
        row = self.store.runs.get(run)
        assert row
        return row

    def _card(self, run: RunRow) -> Reply:
        kinds = [f"{event.kind} {event.body.get('text', '')}".strip() for event in self.store.events.after(run.id, 0)]
        words = Words("\n".join(kinds))
        return Reply(f"*{run.title}*: {run.status}", "busy", [words], [Button("Cancel", f"cancel {run.id}")])


@pytest.fixture
def bot(workspace: Workspace, store: Store, door: str) -> Iterator[Bot]:
    made = Bot(workspace, store, door=door)
    yield made
    made.stop()


@pytest.fixture
def team(workspace: Workspace, tmp_path: Path, door: str) -> Iterator[Team]:
    """The real commands before a pretended world, in chat."""
    world = World(tmp_path, f"{CONFIG}slack: {json.dumps(settings_of(workspace, door))}\n")
    card = card_with(world.playbooks)
    front = SlackFront(
        world.config, world.store, SystemClock(), world.front.handle, world.engine.view, card, Desk(world.front),
        ping_every=1.0, pong_within=0.5,
    )  # fmt: skip
    assert front._counter
    front._counter.home._pace = 0.1
    front.start()
    hall = connected(workspace, front, door)
    yield Team(workspace, world, front)
    if hall:
        hall.close()
    front.stop()
    world.store.close()
