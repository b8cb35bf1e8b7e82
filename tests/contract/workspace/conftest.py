"""A workspace of its own for each test, and a real bolt app connected to it over our client for websocket-client."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from slack_bolt import App
from slack_bolt.adapter.socket_mode.websocket_client import SocketModeHandler
from slack_sdk import WebClient
from slack_sdk.socket_mode.interval_runner import IntervalRunner

from opsbot.chat.socket import PatientClient
from opsbot.workspace import Settings, Workspace

PING_SECONDS, PONG_SECONDS = 0.6, 0.3


class Impatient(PatientClient):
    """Without pauses. (The SDK's own makes two sessions at once where the machine is busy, and closes one half open.)"""

    def __init__(self, app_token: str, web: WebClient) -> None:
        super().__init__(app_token, web, PING_SECONDS, PONG_SECONDS)
        self.current_session_runner.shutdown()  # it looks for a session every half second only
        self.current_session_runner = IntervalRunner(self._run_current_session, 0.02).start()
        self.on_open_listeners.append(lambda _session: self.established())


class Handler(SocketModeHandler):
    """Bolt's own, around the impatient client."""

    def __init__(self, app: App, app_token: str) -> None:
        self.app, self.app_token = app, app_token
        self.client = Impatient(app_token, app.client)
        self.client.socket_mode_request_listeners.append(self.handle)


QUICK = Settings(redelivery_pauses=(0.05, 0.1, 0.2), ack_seconds=10.0, trigger_seconds=10.0)


@pytest.fixture
def workspace(request: pytest.FixtureRequest) -> Iterator[Workspace]:
    """With `hasty` it waits only half a second for acks; a busy machine needs more everywhere else."""
    settings = replace(QUICK, ack_seconds=0.5) if "hasty" in request.fixturenames else QUICK
    with Workspace(settings=settings) as running:
        yield running


@pytest.fixture
def hasty() -> None:
    """Asked for by tests that sit through missed acks."""


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
        handler = Handler(app, workspace.app_token)
        opened.append(handler)
        handler.connect()
        workspace.wait_for_links(len(opened))
        return handler

    yield connect_app
    for handler in opened:
        handler.close()
