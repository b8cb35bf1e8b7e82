"""`apps.*`: a socket's address for Socket Mode."""

from opsbot.workspace.errors import ApiError
from opsbot.workspace.hub import Hub
from opsbot.workspace.methods.method import Method
from opsbot.workspace.records import Json


def connections_open(hub: Hub, args: Json) -> Json:
    sockets = hub.delivery.sockets
    if hub.delivery.http:
        raise ApiError("socket_mode_disabled")
    return {"url": f"{hub.ws_url}/link/?ticket={sockets.issue_ticket()}&app_id={hub.world.app}"}


METHODS = {"apps.connections.open": Method(connections_open, caller="app", tier=3)}
