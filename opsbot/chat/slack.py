"""What comes in from Slack: every envelope is acknowledged at once; words for us become an Ask."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from slack_bolt import Ack, App
from slack_sdk.web import WebClient

from opsbot.chat.place import Place, place_of

Body = dict[str, Any]

LISTENERS = 16  # of bolt: they only hand over, but a burst must not wait for an acknowledgement
FORM = "form"  # the callback_id of every form
FIELD = "field:"  # before a field's name in block and action ids
SPOKEN = (None, "thread_broadcast", "file_share")  # subtypes of messages in which a person says something
_ANY = re.compile(".*", re.DOTALL)


@dataclass(frozen=True)
class Ask:
    """Words for us. `key` tells repeated deliveries of the same words; `quiet`: only the asker needs the answer.

    `trigger` opens a modal within 3 s; `view` is the modal in which it was said; `argv`: these words exactly, where no
    line of chat says them. `card`: the message whose button said it, as far as others see it. Without a channel it was
    said on the home page.
    """

    user: str
    team: str
    text: str
    channel: str
    key: str
    channel_name: str | None = None
    thread: str | None = None
    response_url: str | None = None
    quiet: bool = False
    trigger: str | None = None
    view: str | None = None
    card: str | None = None
    argv: tuple[str, ...] | None = None


def _nothing(_body: Body) -> Body:
    return {}


def _nobody(_user: str, _team: str) -> None:
    return None


@dataclass(frozen=True)
class Listeners:
    """Who hears what. `take`, `changed` and `opened` must return at once; `submit` and `choices` within 3 s, with what
    the acknowledgement says. `opened` hears of a person (user, team) who looks at our home page."""

    take: Callable[[Ask], None]
    changed: Callable[[Body], object] = _nothing
    submit: Callable[[Body], Body] = _nothing
    choices: Callable[[Body], Body] = _nothing
    opened: Callable[[str, str], None] = _nobody


def connect(client: WebClient, bot: str, to: Listeners) -> App:
    """A bolt app that acknowledges everything and hands it on. Asks Slack who we are."""
    logger = logging.getLogger("slack_bolt")
    logger.setLevel(logging.ERROR)  # it warns of a token in the environment whenever it is given a client
    executor = ThreadPoolExecutor(LISTENERS, thread_name_prefix="listener")
    # over HTTP, chat.hook has looked at the signature before anything gets here
    app = App(
        client=client,
        logger=logger,
        listener_executor=executor,
        request_verification_enabled=False,
        ssl_check_enabled=False,
        attaching_function_token_enabled=False,  # no workflow steps of ours
        attaching_conversation_kwargs_enabled=False,  # nor an assistant's threads
    )
    _events(app, bot, to)  # bolt asks one listener after the other: words come first
    _commands(app, to.take)
    _clicks(app, to.take)
    _forms(app, to)
    _the_rest(app)
    return app


def _commands(app: App, take: Callable[[Ask], None]) -> None:
    @app.command(_ANY)
    def slash(ack: Ack, body: Body) -> None:
        ack()
        take(from_slash(body))


def _events(app: App, bot: str, to: Listeners) -> None:
    def hear(body: Body) -> None:
        ask = from_event(body, bot)
        if ask:
            to.take(ask)

    def look(body: Body) -> None:
        event: Body = body["event"]
        if event.get("tab", "home") == "home":
            to.opened(event["user"], body.get("team_id") or "")

    app.event("app_mention")(hear)
    app.event("message")(hear)
    app.event("app_home_opened")(look)


def _clicks(app: App, take: Callable[[Ask], None]) -> None:
    @app.action(re.compile(r"^say:\d+$"))
    def click(ack: Ack, body: Body) -> None:
        ack()
        ask = from_click(body)
        if ask:
            take(ask)


def _forms(app: App, to: Listeners) -> None:
    fields = re.compile(rf"^{FIELD}")

    @app.action(fields)
    def change(ack: Ack, body: Body) -> None:
        ack()
        to.changed(body)

    @app.view(FORM)
    def submit(ack: Ack, body: Body) -> None:
        ack(to.submit(body))

    @app.options(fields)
    def choose(ack: Ack, body: Body) -> None:
        ack(to.choices(body))


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
        trigger=body.get("trigger_id"),
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


def says_nothing(body: Body, bot: str, heard: Callable[[str], bool]) -> bool:
    """Whether an event is not for us or not news: our own posts and edits come back, and a mention comes twice."""
    if (body.get("event") or {}).get("type") not in ("message", "app_mention"):
        return False
    ask = from_event(body, bot)
    return ask is None or heard(ask.key)


def from_click(body: Body) -> Ask | None:
    """A button that says a command in the clicker's name: on a message, in a modal, or on the home page (no channel)."""
    action: Body = (body.get("actions") or [{}])[0]
    if not action.get("value"):
        return None
    user: Body = body["user"]
    ask = Ask(
        user=user["id"],
        team=user.get("team_id") or (body.get("team") or {}).get("id") or "",
        text=action["value"],
        channel="",
        key=f"click:{body.get('trigger_id') or action.get('action_ts')}",
        response_url=body.get("response_url"),
        quiet=True,
        trigger=body.get("trigger_id"),
    )
    return _in_view(ask, body["view"]) if body.get("view") else _on_message(ask, body)


def _on_message(ask: Ask, body: Body) -> Ask | None:
    place: Body = body.get("container") or {}
    channel = (body.get("channel") or {}).get("id") or place.get("channel_id")
    message: Body = body.get("message") or {}
    thread, ts = message.get("thread_ts"), message.get("ts")
    card = None if place.get("is_ephemeral") else ts
    return replace(ask, channel=channel, thread=thread if thread != ts else None, card=card) if channel else None


def _in_view(ask: Ask, view: Body) -> Ask:
    """In a modal the answer takes its place; where the modal was asked for, everything else is told."""
    if view.get("type") == "home":
        return ask
    place = place_of(view) or Place("")
    url = place.response_url
    return replace(ask, view=view["id"], channel=place.channel, thread=place.thread, response_url=url)


def from_form(body: Body, place: Place) -> Ask:
    """Somebody who does something in a form, where the form was asked for; the words are what the form means."""
    user: Body = body["user"]
    return Ask(
        user=user["id"],
        team=user.get("team_id") or (body.get("team") or {}).get("id") or "",
        text="",
        channel=place.channel,
        key="",
        channel_name=place.channel_name,
        thread=place.thread,
        response_url=place.response_url,
        view=(body.get("view") or {}).get("id"),
    )
