"""`auth.*`: who the token is."""

from opsbot.workspace import seed
from opsbot.workspace.hub import Hub
from opsbot.workspace.methods.method import Method
from opsbot.workspace.records import Json


def test(hub: Hub, args: Json) -> Json:
    world = hub.world
    shape: Json = {"url": f"{hub.url}/", "team": seed.TEAM_NAME, "team_id": world.team}
    shape |= {"user": world.users[world.bot].name, "user_id": world.bot, "bot_id": world.bot_id}
    return shape | {"is_enterprise_install": False}


METHODS = {"auth.test": Method(test)}
