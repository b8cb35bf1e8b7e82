"""What a person does to what is said already: edit, delete, dismiss, react."""

from opsbot.workspace import acts
from opsbot.workspace.errors import Refused
from opsbot.workspace.hub import Hub
from opsbot.workspace.records import Message


def edit(hub: Hub, user: str, channel: str, ts: str, typed: str) -> None:
    """Change one's own message; the bot hears `message_changed`."""
    message = _own(hub, user, channel, ts)
    if not typed.strip():
        raise Refused("A message cannot become empty; delete it instead.")
    hub.world.edit(message, text=hub.world.typed(typed))


def delete(hub: Hub, user: str, channel: str, ts: str) -> None:
    """Take one's own message away; the bot hears `message_deleted`."""
    hub.world.delete(_own(hub, user, channel, ts))


def dismiss(hub: Hub, user: str, channel: str, ts: str) -> None:
    """Take away a message that only this person sees. Nobody is told."""
    message = hub.world.message(hub.world.channel(channel).id, ts)
    if message.only_for != user:
        raise Refused("Only a message that you alone can see can be dismissed.")
    hub.world.delete(message)


def react(hub: Hub, user: str, channel: str, ts: str, name: str, *, remove: bool = False) -> None:
    """Add a reaction, or take one's own away."""
    world = hub.world
    message = world.message(acts.member(hub, user, channel).id, ts)
    if not remove:
        world.react(message, name, user)
    elif not world.unreact(message, name, user):
        raise Refused("You have not given this reaction.")


def _own(hub: Hub, user: str, channel: str, ts: str) -> Message:
    message = hub.world.message(hub.world.channel(channel).id, ts)
    if message.user != user or message.only_for:
        raise Refused("Only your own messages can be changed.")
    return message
