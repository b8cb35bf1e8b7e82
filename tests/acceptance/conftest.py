"""The real parts, under a stack prefix and ports of their own: engine, registry, Postgres, S3, workspace, bot."""

from collections.abc import Iterator

import pytest

from opsbot.demo import parts as demo_parts
from opsbot.demo.chatbot import Chatbot
from opsbot.demo.parts import Parts
from opsbot.demo.state import State
from opsbot.workspace.client import Person

PREFIX = "optest"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "acceptance" in item.path.parts:
            item.add_marker(pytest.mark.engine)


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
    bot = Chatbot(parts)
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
