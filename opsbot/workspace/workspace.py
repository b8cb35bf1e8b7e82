"""A whole workspace in this process, on a thread of its own: for tests, and for `python -m opsbot.workspace`."""

import threading
from pathlib import Path
from types import TracebackType

from opsbot.workspace import saved
from opsbot.workspace.client import Controls
from opsbot.workspace.hub import Hub, Tokens
from opsbot.workspace.server import HOST, Server, listen
from opsbot.workspace.settings import Settings
from opsbot.workspace.signed import RequestUrls


class Workspace(Controls):
    """`with Workspace() as workspace:`; every control is a method of it. Port 0 takes a free one.

    With `http` the bot is delivered to by signed HTTP from the start; `workspace.http(url)` does so later, with Slack's
    handshake, and `workspace.sockets()` goes back.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        settings: Settings | None = None,
        state: Path | None = None,
        tokens: Tokens | None = None,
        http: RequestUrls | None = None,
    ) -> None:
        self._socket = listen(port)
        port = self._socket.getsockname()[1]
        super().__init__(f"http://{HOST}:{port}")
        self.hub = Hub(settings or Settings(), tokens or saved.tokens(state), self.url)
        self.server = Server(self.hub, state, port, http)
        self._thread = threading.Thread(target=self.run, name="workspace", daemon=True)

    @property
    def api_url(self) -> str:
        """What a WebClient's base_url (SLACK_API_URL) must be."""
        return f"{self.url}/api/"

    @property
    def bot_token(self) -> str:
        return self.hub.tokens.bot

    @property
    def app_token(self) -> str:
        return self.hub.tokens.app

    @property
    def signing_secret(self) -> str:
        return self.hub.tokens.signing

    def run(self) -> None:
        """Serve in this thread until stopped (in the main thread also by SIGINT and SIGTERM)."""
        self.server.run(sockets=[self._socket])

    def start(self) -> "Workspace":
        """Serve in the background; answers when requests are taken."""
        self._thread.start()
        self.links()  # the socket listens already: this answers once the routes do
        return self

    def stop(self) -> None:
        """Stop serving and wait until it has."""
        self.server.should_exit = True
        self._thread.join(timeout=10)

    def __enter__(self) -> "Workspace":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
