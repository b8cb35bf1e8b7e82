"""What comes in from Slack: every envelope is acknowledged at once; words for us become an Ask."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from slack_bolt import Ack, App
from slack_sdk.web import WebClient

Body = dict[str, Any]

LISTENERS = 16  # of bolt: they only hand over, but a burst must not wait for an acknowledgement
COMMAND = "/ops"
SPOKEN = (None, "thread_broadcast", "file_share")  # subtypes of messages in which a person says something
_ANY = re.compile(".*", re.DOTALL)


@dataclass(frozen=True)
class Ask:
    """Words for us. `key` tells repeated deliveries of the same words; `quiet`: only the asker needs the answer."""

    user: str
    team: str
    text: str
    channel: str
    key: str
    channel_name: str | None = None
    thread: str | None = None
    response_url: str | None = None
    quiet: bool = False


def connect(client: WebClient, bot: str, take: Callable[[Ask], None]) -> App:
    """A bolt app that acknowledges everything and hands each Ask to `take`, which must return at once. Asks Slack who we are."""
    logger = logging.getLogger("slack_bolt")
    logger.setLevel(logging.ERROR)  # it warns of a token in the environment whenever it is given a client
    executor = ThreadPoolExecutor(LISTENERS, thread_name_prefix="listener")
    app = App(client=client, logger=logger, listener_executor=executor)
    _commands(app, take)
    _events(app, bot, take)
    _clicks(app, take)
    _the_rest(app)
    return app


def _commands(app: App, take: Callable[[Ask], None]) -> None:
    @app.command(_ANY)
    def slash(ack: Ack, body: Body) -> None:
        ack()
        take(from_slash(body))


def _events(app: App, bot: str, take: Callable[[Ask], None]) -> None:
    def hear(body: Body) -> None:
        ask = from_event(body, bot)
        if ask:
            take(ask)

    app.event("app_mention")(hear)
    app.event("message")(hear)


def _clicks(app: App, take: Callable[[Ask], None]) -> None:
    @app.action(re.compile(r"^say:\d+$"))
    def click(ack: Ack, body: Body) -> None:
        ack()
        ask = from_click(body)
        if ask:
            take(ask)


def _the_rest(app: App) -> None:
    """What nobody acknowledges is delivered again and again."""

    def quietly(ack: Ack) -> None:
        ack()

    for listen in (app.event, app.action, app.view, app.view_closed, app.options, app.shortcut, app.function):
        listen(_ANY)(quietly)


def from_slash(body: Body) -> Ask:
    """`/ops deploy v2 to staging`"""
    name = str(body.get("channel_name") or "")
    return Ask(
        user=body["user_id"],
        team=body.get("team_id") or "",
        text=body.get("text") or "",
        channel=body["channel_id"],
        channel_name=None if name in ("", "directmessage", "privategroup") else f"#{name}",
        key=f"slash:{body.get('trigger_id')}",
        response_url=body.get("response_url"),
    )


def from_event(body: Body, bot: str) -> Ask | None:
    """`@opsbot …` in a channel, or anything in a direct message. Other bots, edits and our own words are no Ask.

    A mention comes as `app_mention`, as `message`, or as both: they share their key.
    """
    event: Body = body.get("event") or {}
    text, user = str(event.get("text") or ""), event.get("user")
    mention = re.compile(rf"<@{re.escape(bot)}(\|[^>]*)?>")
    direct = event.get("channel_type") == "im"
    if event.get("bot_id") or not user or user == bot or event.get("subtype") not in SPOKEN:
        return None
    if not direct and not mention.search(text):
        return None
    team = body.get("team_id") or event.get("team") or ""
    return Ask(
        user=user,
        team=event.get("user_team") or event.get("team") or team,
        text=mention.sub(" ", text).strip(),
        channel=event["channel"],
        key=f"message:{team}:{event['channel']}:{event['ts']}",
        thread=event.get("thread_ts"),
    )


def from_click(body: Body) -> Ask | None:
    """A button that says a command in the clicker's name."""
    action: Body = (body.get("actions") or [{}])[0]
    place: Body = body.get("container") or {}
    channel = (body.get("channel") or {}).get("id") or place.get("channel_id")
    if not action.get("value") or not channel:
        return None
    message: Body = body.get("message") or {}
    thread = message.get("thread_ts")
    user: Body = body["user"]
    return Ask(
        user=user["id"],
        team=user.get("team_id") or (body.get("team") or {}).get("id") or "",
        text=action["value"],
        channel=channel,
        key=f"click:{body.get('trigger_id') or action.get('action_ts')}",
        thread=thread if thread != message.get("ts") else None,
        response_url=body.get("response_url"),
        quiet=True,
    )
