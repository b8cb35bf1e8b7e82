"""What people do: speak, use a slash command, click. Each act becomes what Slack would send the bot."""

from typing import Any

from opsbot.workspace import blocks, forms, seed, text
from opsbot.workspace.errors import ApiError, Refused, Undelivered
from opsbot.workspace.hub import Hub
from opsbot.workspace.records import Channel, Json, Message


def say(
    hub: Hub, user: str, channel: str, typed: str, thread_ts: str | None = None, *, broadcast: bool = False
) -> Message:
    """Post as this person (or as another team's bot); the bot gets `message` and, if named, `app_mention`.

    `broadcast`: a reply in a thread is shown in the channel as well.
    """
    world = hub.world
    speaker, place = world.user(user), member(hub, user, channel)
    if place.is_archived:
        raise Refused(f"#{place.name} is archived.")
    if thread_ts is not None:
        world.message(place.id, thread_ts)
    written = world.typed(typed)
    message = Message(place.id, world.next_ts(), user, written, thread_ts=thread_ts, bot_id=speaker.bot_id)
    if speaker.is_bot:
        message.subtype, message.username = "bot_message", speaker.name
    elif broadcast and thread_ts is not None:
        message.subtype = "thread_broadcast"
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
    person, place = world.user(user), member(hub, user, channel)
    if thread_ts is not None:
        world.whisper(place.id, user, f"{command} is not supported in threads. Sorry!", thread_ts)
        return "not_supported_in_threads"
    if command not in hub.settings.commands or "commands" not in hub.settings.scopes:
        world.whisper(place.id, user, f"{text.escape(command)} is not a valid command.")
        return "invalid_command"
    payload = {
        "token": "",
        "api_app_id": world.app,
        "is_enterprise_install": "false",
        "command": command,
        "text": world.typed(typed.strip(), labels=True),
        "user_id": user,
        "user_name": person.name,
        "channel_id": place.id,
        "channel_name": hub.place(place)["name"],
        "team_id": world.team,
        "team_domain": seed.TEAM_DOMAIN,
        "response_url": hub.response_url(user, place.id),
        "trigger_id": hub.triggers.open(user),
    }
    try:
        reply = await hub.delivery.call("slash_commands", payload)
        if reply.get("text") or reply.get("blocks"):
            answer(hub, place.id, user, reply)
    except (Undelivered, ApiError) as failed:
        code = failed.code if isinstance(failed, Undelivered) else "invalid_command_response"
        world.whisper(place.id, user, f"{command} failed with the error {code}")
        return code
    return "ok"


def answer(hub: Hub, channel: str, user: str, reply: Json, thread_ts: str | None = None) -> Message:
    """Show the bot's direct answer to an act: to this person alone, unless it says `in_channel`."""
    if reply.get("blocks"):
        blocks.check_message(reply["blocks"])
    world = hub.world
    message = Message(
        channel, world.next_ts(), world.bot, str(reply.get("text") or ""), list(reply.get("blocks") or [])
    )
    message.bot_id, message.app_id, message.thread_ts = world.bot_id, world.app, reply.get("thread_ts", thread_ts)
    message.attachments = list(reply.get("attachments") or [])
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
    person, place = world.user(user), member(hub, user, channel)
    message = world.message(place.id, ts)
    if message.only_for not in (None, user):
        raise ApiError("message_not_found")
    block, element = forms.find(message.blocks, action_id, block_id)
    given = {block["block_id"]: {action_id: value}} if forms.keeps_state(element) else {}
    container: Json = {"type": "message", "message_ts": ts, "channel_id": place.id}
    container["is_ephemeral"] = message.only_for is not None
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    payload = hub.by(person) | {
        "type": "block_actions",
        "container": container,
        "channel": hub.place(place),
        "state": {"values": forms.state(message.blocks, forms.merged(state or {}, given))},
        "response_url": hub.response_url(user, place.id, ts, message.thread_ts),
        "trigger_id": hub.triggers.open(user),
        "actions": [forms.action(block, element, value, world.next_ts())],
    }
    if not message.only_for:
        payload["message"] = message.as_slack(world.team)
    return await interact(hub, user, payload, ts=ts)


async def shortcut(hub: Hub, user: str, callback_id: str, channel: str = "", ts: str = "") -> str:
    """Choose one of the app's shortcuts, on a message where it is of that kind. Answers `ok` or the failure."""
    world = hub.world
    person = world.user(user)
    known = next((one for one in hub.settings.shortcuts if one.callback_id == callback_id), None)
    if known is None:
        raise Refused(f"The app has no shortcut {callback_id!r}.")
    payload = hub.by(person) | {"callback_id": callback_id, "action_ts": world.next_ts()}
    payload["trigger_id"] = hub.triggers.open(user)
    if known.type == "global":
        return await interact(hub, user, payload | {"type": "shortcut"})
    place = member(hub, user, channel)
    message = world.message(place.id, ts)
    payload |= {"type": "message_action", "message_ts": ts, "channel": hub.place(place)}
    payload |= {"message": message.as_slack(world.team), "response_url": hub.response_url(user, place.id, ts)}
    return await interact(hub, user, payload, ts=ts)


def member(hub: Hub, user: str, channel: str) -> Channel:
    """The channel, for whoever is in it; Refused for others."""
    place = hub.world.channel(channel)
    if user not in place.members:
        raise Refused(f"{hub.world.user(user).name} is not in #{place.name}.")
    return place


async def interact(hub: Hub, user: str, payload: Json, **place: Any) -> str:
    """Deliver an act; a failure is shown to the person where they acted. Answers `ok` or the failure."""
    try:
        await hub.delivery.call("interactive", payload)
    except Undelivered as failed:
        hub.feed.publish("trouble", only_for=user, error=failed.code, **place)
        return failed.code
    return "ok"
