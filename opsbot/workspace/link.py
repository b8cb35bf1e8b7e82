"""Socket Mode's sockets: the endpoint behind a ticket, and a wire that can be cut or frozen."""

from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from opsbot.workspace.errors import Undelivered
from opsbot.workspace.hub import Hub


class Wire(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket with its transport within reach (`scope["state"]["wire"]`)."""

    frozen = False

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if hasattr(self, "scope"):
            self.scope["state"]["wire"] = self

    def data_received(self, data: bytes) -> None:
        if not self.frozen:  # a frozen peer still takes bytes, as a hung server's kernel does
            super().data_received(data)


class SocketLink:
    """One socket of the bot; see `sockets.Link`."""

    def __init__(self, name: str, websocket: WebSocket, wire: Wire) -> None:
        self.name = name
        self.frozen = False
        self._websocket = websocket
        self._wire = wire

    async def send(self, text: str) -> None:
        if self._wire.frozen:
            return
        try:
            await self._websocket.send_text(text)
        except (WebSocketDisconnect, RuntimeError) as gone:  # RuntimeError: already closed on our side
            raise Undelivered("dispatch_failed") from gone

    def drop(self) -> None:
        self._wire.transport.abort()

    def freeze(self) -> None:
        self.frozen = self._wire.frozen = True

    async def close(self) -> None:
        if not self._wire.disconnected and not self._wire.close_sent:
            await self._websocket.close()


async def socket_mode(websocket: WebSocket) -> None:
    """`/link/?ticket=…`: hello, then envelopes out and acks in, until either side leaves."""
    hub: Hub = websocket.app.state.hub
    sockets = hub.delivery.sockets
    wire: Any = websocket.scope["state"].get("wire")
    if not sockets.use_ticket(websocket.query_params.get("ticket", "")) or not isinstance(wire, Wire):
        await websocket.close()
        return
    await websocket.accept()
    link = SocketLink(hub.world.new_id("L"), websocket, wire)
    if len(sockets.links) >= hub.settings.most_links:
        await link.send(sockets.goodbye("too_many_websockets"))
        await websocket.close()
        return
    try:
        await link.send(sockets.hello(hub.world.app))
        sockets.links.append(link)
        hub.show_links()
        while True:
            sockets.acknowledge(await websocket.receive_text())
    except (WebSocketDisconnect, Undelivered):
        return
    finally:
        if link in sockets.links:
            sockets.links.remove(link)
        hub.show_links()
