"""The real parts, under a stack prefix and ports of their own: engine, registry, Postgres, S3, workspace, bot."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page
from room import PHONE, Room, look
from scene import Scene

from opsbot.commands.hint import HINT
from opsbot.demo import parts as demo_parts
from opsbot.demo.chatbot import Chatbot
from opsbot.demo.parts import Parts
from opsbot.demo.state import State
from opsbot.store import open_store
from opsbot.workspace import Settings, Workspace
from opsbot.workspace.client import Person
from tests import prepare

PREFIX = os.environ.get("OPSBOT_TEST_PREFIX", "optest")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tour goes first: it begins where nothing was ever deployed, and blocks a release that others do without."""
    ours = [item for item in items if "acceptance" in item.path.parts]
    for item in ours:
        item.add_marker(pytest.mark.engine)
    ordered = iter(sorted(ours, key=lambda item: item.path.stem != "test_tour"))
    items[:] = [next(ordered) if "acceptance" in item.path.parts else item for item in items]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with prepare.chromium_for_a_test() as launched:
        yield launched


@pytest.fixture(scope="session")
def room() -> Iterator[Room]:
    """A workspace with a small app, for tests of the page that need no bot."""
    with Workspace(settings=Settings(rate_limits=False, commands={"/ops": HINT})) as workspace:
        opened = Room.open(workspace)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser, room: Room, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Alice in the room's #ops, on a phone where the test says so. Nothing may go wrong in the page's scripts."""
    room.heard.clear()
    room.view, room.on_submit = {}, lambda _view: {}
    size = {"viewport": PHONE} if "phone" in request.node.name else {}
    opened, faults = look(browser, room, timezone_id="Asia/Tokyo", **size)
    yield opened
    opened.close()
    for view in room.workspace.views("U01ALICE"):
        room.workspace.close("U01ALICE", view["id"], whole_stack=True)
    assert faults == []


@pytest.fixture(scope="session")
def parts() -> Iterator[Parts]:
    """Everything but the bot; the prefix's stacks and data are removed at the end."""
    state = State.default()
    demo_parts.down(state, print, PREFIX)
    found = demo_parts.up(state, print, PREFIX)
    yield found
    demo_parts.down(state, print, PREFIX)


@pytest.fixture(scope="session")
def chatbot(parts: Parts) -> Iterator[Chatbot]:
    """The bot, serving. A test that stops or kills it starts it again."""
    bot = Chatbot(parts, bake="3s")
    bot.start()
    yield bot
    bot.stop()


@pytest.fixture
def alice(chatbot: Chatbot) -> Person:
    """An admin."""
    return Person("U01ALICE", chatbot.parts.workspace.url)


@pytest.fixture
def bob(chatbot: Chatbot) -> Person:
    """An approver."""
    return Person("U02BOB", chatbot.parts.workspace.url)


@pytest.fixture
def dave(chatbot: Chatbot) -> Person:
    """A guest."""
    return Person("U04DAVE", chatbot.parts.workspace.url)


@pytest.fixture(scope="session")
def scene(chatbot: Chatbot) -> Iterator[Scene]:
    """The bot and its world, seen from outside. Tags made for tests are removed at the end."""
    store = open_store(chatbot.environment["OPSBOT_STORE"])
    found = Scene(chatbot, store)
    yield found
    found.forget_tags()
    store.close()


@pytest.fixture
def serving(scene: Scene) -> Scene:
    """While `serve` runs."""
    scene.bot.start()
    return scene


@pytest.fixture
def alone(scene: Scene) -> Iterator[Scene]:
    """While no `serve` runs; it is started again afterwards."""
    scene.bot.stop()
    yield scene
    scene.bot.start()


@pytest.fixture
def something_live(serving: Scene) -> Scene:
    """Staging has a live release."""
    if serving.store.releases.live("staging", "web") is None:
        run = serving.ask(serving.person("U01ALICE"), f"@opsbot deploy {serving.new_tag()} to staging")
        assert serving.ended(run).status == "succeeded"
    return serving
