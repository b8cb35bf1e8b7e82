"""A workspace of its own for each test, and a real bolt app connected to it over the websocket-client adapter."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from slack_bolt import App
from slack_bolt.adapter.socket_mode.websocket_client import SocketModeHandler
from slack_sdk import WebClient

from opsbot.workspace import Settings, Workspace

QUICK = Settings(ack_seconds=0.5, redelivery_pauses=(0.05, 0.1, 0.2), post_burst=3)


@pytest.fixture
def workspace() -> Iterator[Workspace]:
    with Workspace(settings=QUICK) as running:
        yield running


@pytest.fixture
def web(workspace: Workspace) -> WebClient:
    return WebClient(token=workspace.bot_token, base_url=workspace.api_url)


@pytest.fixture
def app(web: WebClient) -> Iterator[App]:
    with ThreadPoolExecutor(20) as listeners:
        yield App(client=web, listener_executor=listeners)


@pytest.fixture
def connect(workspace: Workspace, app: App) -> Iterator[Callable[[], SocketModeHandler]]:
    """Connects the app; call it after the listeners are registered."""
    opened = []

    def connect_app() -> SocketModeHandler:
        handler = SocketModeHandler(app, workspace.app_token)
        opened.append(handler)
        handler.connect()
        workspace.wait_for_links(len(opened))
        return handler

    yield connect_app
    for handler in opened:
        handler.close()
