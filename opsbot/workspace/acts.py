"""What people do: speak, use a slash command, click. Each act becomes what Slack would send the bot."""

from typing import Any

from opsbot.workspace import blocks, forms, seed, text
from opsbot.workspace.errors import ApiError, Refused, Undelivered
from opsbot.workspace.hub import Hub
from opsbot.workspace.records import Json, Message


def say(hub: Hub, user: str, channel: str, typed: str, thread_ts: str | None = None) -> Message:
    """Post a message as this person (or as another team's bot); the bot gets `message` and, if named, `app_mention`."""
    world = hub.world
    speaker, place = world.user(user), world.channel(channel)
    if user not in place.members:
        raise Refused(f"{speaker.name} is not in #{place.name}.")
    if thread_ts is not None:
        world.message(place.id, thread_ts)
    written = text.typed(typed, *world.names(), labels=False)
    message = Message(place.id, world.next_ts(), user, written, thread_ts=thread_ts, bot_id=speaker.bot_id)
    if speaker.is_bot:
        message.subtype, message.username = "bot_message", speaker.name
    world.post(message)
    if f"<@{world.bot}>" in written and not speaker.is_bot and not place.is_im:
        mention = message.as_slack(world.team) | {"type": "app_mention", "channel": place.id, "event_ts": message.ts}
        hub.tell_bot(mention)
    return message


async def slash(
    hub: Hub, user: str, channel: str, command: str, typed: str = "", *, thread_ts: str | None = None
) -> str:
    """Use a slash command; answers `ok`, or the code of the failure that the person was shown."""
    world = hub.world
    person, place = world.user(user), world.channel(channel)
    if thread_ts is not None:
        world.whisper(place.id, user, f"{command} is not supported in threads. Sorry!", thread_ts)
        return "not_supported_in_threads"
    if command not in hub.settings.commands:
        world.whisper(place.id, user, f"{text.escape(command)} is not a valid command.")
        return "invalid_command"
    payload = {
        "token": "",
        "api_app_id": world.app,
        "is_enterprise_install": "false",
        "command": command,
        "text": text.typed(typed.strip(), *world.names(), labels=True),
        "user_id": user,
        "user_name": person.name,
        "channel_id": place.id,
        "channel_name": "directmessage" if place.is_im else place.name,
        "team_id": world.team,
        "team_domain": seed.TEAM_DOMAIN,
        "response_url": hub.response_url(user, place.id),
        "trigger_id": hub.triggers.open(user),
    }
    try:
        reply = await hub.delivery.call("slash_commands", payload, accepts=True)
    except Undelivered as failed:
        world.whisper(place.id, user, f"{command} failed with the error {failed.code}")
        return failed.code
    if reply.get("text") or reply.get("blocks"):
        answer(hub, place.id, user, reply)
    return "ok"


def answer(hub: Hub, channel: str, user: str, reply: Json, thread_ts: str | None = None) -> Message:
    """Show the bot's direct answer to an act: to this person alone, unless it says `in_channel`."""
    if reply.get("blocks"):
        blocks.check_message(reply["blocks"])
    world = hub.world
    message = Message(channel, world.next_ts(), world.bot, reply.get("text", ""), list(reply.get("blocks") or []))
    message.bot_id, message.app_id, message.thread_ts = world.bot_id, world.app, reply.get("thread_ts", thread_ts)
    message.only_for = None if reply.get("response_type") == "in_channel" else user
    return world.post(message)


async def click(
    hub: Hub,
    user: str,
    channel: str,
    ts: str,
    action_id: str,
    *,
    value: Any = None,
    block_id: str | None = None,
    state: Json | None = None,
) -> str:
    """Use an element of a message; `value` is an option's value (or what was typed). Answers `ok` or the failure."""
    world = hub.world
    person, place = world.user(user), world.channel(channel)
    message = world.message(place.id, ts)
    if message.only_for not in (None, user):
        raise ApiError("message_not_found")
    block, element = forms.find(message.blocks, action_id, block_id)
    container: Json = {"type": "message", "message_ts": ts, "channel_id": place.id}
    container["is_ephemeral"] = message.only_for is not None
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    payload = hub.by(person) | {
        "type": "block_actions",
        "container": container,
        "channel": {"id": place.id, "name": "directmessage" if place.is_im else place.name},
        "state": {"values": forms.state(message.blocks, state or {})},
        "response_url": hub.response_url(user, place.id, ts, message.thread_ts),
        "trigger_id": hub.triggers.open(user),
        "actions": [forms.action(block, element, value, world.next_ts())],
    }
    if not message.only_for:
        payload["message"] = message.as_slack(world.team)
    return await interact(hub, user, payload, ts=ts)


async def interact(hub: Hub, user: str, payload: Json, **place: Any) -> str:
    """Deliver an act; a failure is shown to the person where they acted. Answers `ok` or the failure."""
    try:
        await hub.delivery.call("interactive", payload)
    except Undelivered as failed:
        hub.world.feed.publish("trouble", only_for=user, error=failed.code, **place)
        return failed.code
    return "ok"
