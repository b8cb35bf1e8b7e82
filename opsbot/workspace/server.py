"""The workspace as a server: its routes, its port on the loopback, and its start and stop."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from opsbot.workspace import api, control, page, respond, saved, uploads
from opsbot.workspace.hub import Hub
from opsbot.workspace.link import Wire, socket_mode
from opsbot.workspace.signed import RequestUrls

HOST = "127.0.0.1"
_OURS = {HOST, "localhost", "[::1]"}


class LoopbackOnly:
    """Refuses a browser that was sent here by another site (DNS rebinding, cross-site posts)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _is_ours(dict(scope["headers"])):
            await self.app(scope, receive, send)
        else:
            await PlainTextResponse("This workspace answers its own machine only.", 403)(scope, receive, send)


def _is_ours(headers: dict[bytes, bytes]) -> bool:
    """The Host is this machine; a page that sends an Origin is our own; a browser's script is not another site's."""
    host = headers.get(b"host", b"").decode("latin-1")
    origin = headers.get(b"origin", b"").decode("latin-1")
    site, mode = headers.get(b"sec-fetch-site", b"none"), headers.get(b"sec-fetch-mode", b"navigate")
    if host and _name(host) not in _OURS:
        return False
    if origin and origin != f"http://{host}":
        return False
    return site in (b"none", b"same-origin") or mode == b"navigate"


def _name(host: str) -> str:
    return host if host.endswith("]") else host.rpartition(":")[0] or host


def application(hub: Hub, folder: Path | None, http: RequestUrls | None = None) -> Starlette:
    """All routes around one hub; with a folder, its state is kept there; with `http`, deliveries go to those URLs."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        urls = http or saved.request_urls(folder)
        if urls:
            await hub.delivery.use_http(urls, verify=False)  # the bot may come later than the workspace
        if folder:
            saved.load(hub, folder)
            hub.delivery.spawn(saved.keep(hub, folder))
        yield
        hub.delivery.stop()
        if folder:
            saved.save(hub, folder)

    routes = [
        Route("/api/{method}", api.call, methods=["GET", "POST"]),
        Route("/upload/{id}", uploads.upload, methods=["POST"]),
        Route("/files/{id}", uploads.download),
        Route("/respond/{id}", respond.respond, methods=["POST"]),
        Route("/services/{team}/{bot}/{secret}", respond.webhook, methods=["POST"]),
        WebSocketRoute("/link/", socket_mode),
        *control.ROUTES,
        *page.ROUTES,
    ]
    app = Starlette(routes=routes, lifespan=lifespan, middleware=[Middleware(LoopbackOnly)])
    app.state.hub = hub
    return app


class Server(uvicorn.Server):
    """uvicorn on a socket of ours, with a door that can be shut and opened again."""

    def __init__(self, hub: Hub, folder: Path | None, port: int, http: RequestUrls | None = None) -> None:
        config = uvicorn.Config(
            application(hub, folder, http),
            ws=Wire,
            ws_ping_interval=None,  # a frozen link must look alive from here
            ws_per_message_deflate=False,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        super().__init__(config)
        self.hub = hub
        self.port = port
        hub.door = self

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.hub.feed.close()
        self.hub.delivery.stop()
        await super().shutdown(sockets)

    async def shut_for(self, seconds: float) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            transport = connection.transport
            transport.abort()
        await asyncio.sleep(seconds)
        loop = asyncio.get_running_loop()
        self.servers = [await loop.create_server(self._connection, sock=listen(self.port))]

    def _connection(self) -> asyncio.Protocol:
        protocol: Any = self.config.http_protocol_class
        connection: asyncio.Protocol = protocol(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return connection


def listen(port: int) -> socket.socket:
    """A listening socket on the loopback; port 0 takes a free one."""
    listening = socket.socket(proto=socket.IPPROTO_TCP)  # without the name asyncio leaves Nagle on: 40 ms an answer
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except OSError:
        listening.close()
        raise
    listening.listen(128)
    return listening
