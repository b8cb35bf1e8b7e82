"""Modals: a command that lacks something opens its form; what is filled in is said in its sender's name, as if typed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import WebClient

from opsbot import log as logs
from opsbot.chat import views
from opsbot.chat.letter import Letter
from opsbot.chat.place import Place, place_of
from opsbot.chat.render import render
from opsbot.chat.slack import FIELD, Ask, Body
from opsbot.chat.views import View
from opsbot.commands.change import of_error
from opsbot.commands.form import Choice, Form, Said
from opsbot.commands.reply import Part, Reply, Words
from opsbot.commands.request import Request
from opsbot.errors import OpsError

log = logs.get(__name__)

MISSING = "missing_param"  # the code of a reply to words that lack something
SUBMITTED_WITHIN = 1.8  # seconds of the three that Slack gives: what is known by then stands beside its field
CHOSEN_WITHIN = 2.2  # seconds of the same three
WORKERS = 6  # for forms; as many for choices, so that a slow source does not hold a form
REMEMBERED = 500  # open forms
ON_ITS_WAY = "It is on its way: its own message tells how it goes."
TROUBLE = (SlackApiError, SlackClientError, OSError, ValueError)

Values = Mapping[str, str]


class Desk(Protocol):
    """What forms are made of."""

    def form(self, request: Request) -> Form: ...
    def filled(self, request: Request, path: str, values: Values) -> Form: ...
    def faults(self, path: str, values: Values) -> dict[str, str]: ...
    def fault_of(self, path: str, code: str) -> str | None: ...
    def said(self, path: str, values: Values) -> Said: ...
    def choices(self, request: Request, path: str, name: str, typed: str, values: Values) -> list[Choice]: ...
    def preview(self, request: Request, path: str, values: Values) -> list[Part]: ...
    def panel(self, request: Request) -> Sequence[Reply]: ...


class Asker(Protocol):
    """How words get to the front, and answers to where they were asked for."""

    def request(self, ask: Ask) -> Request: ...
    def reply(self, ask: Ask) -> Reply: ...
    def say(self, ask: Ask, reply: Reply) -> None: ...


class Dialogs:
    """Opens, follows and submits forms. `put` sends a letter; `told` looks for news at once."""

    def __init__(
        self, client: WebClient, desk: Desk, asker: Asker, put: Callable[[Letter], None], told: Callable[[], None]
    ) -> None:
        self._client, self._desk, self._asker = client, desk, asker
        self._put, self._told = put, told
        self._guard = threading.Lock()
        self._filled: OrderedDict[str, Values] = OrderedDict()  # view → the answers that were last told of it
        self._tries: OrderedDict[str, int] = OrderedDict()  # view → submissions that were refused
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="form")
        self._choosers = ThreadPoolExecutor(WORKERS, thread_name_prefix="choices")

    def stop(self) -> None:
        """Finish what was submitted."""
        self._choosers.shutdown(wait=False, cancel_futures=True)
        self._workers.shutdown(wait=True, cancel_futures=True)

    # what was said

    def instead(self, ask: Ask) -> bool:
        """Show the control panel to somebody who said nothing more than our name with a slash; False = not this."""
        if ask.text.strip() or not ask.trigger or ask.argv:
            return False
        try:
            replies = self._desk.panel(self._asker.request(ask))
        except OpsError as error:
            self._asker.say(ask, of_error(error))
            return True
        body = views.board(replies, "The control panel.")
        whisper = None if ask.channel.startswith("D") else ask.user
        self._put(Letter(ask.channel, body, only_for=whisper, response_url=ask.response_url))
        return True

    def show(self, ask: Ask, reply: Reply) -> bool:
        """Answer in a modal what belongs there: something is missing, or it was said in a modal or on the home page."""
        if reply.code == MISSING and ask.trigger:
            return self._open(ask)
        if not ask.view and ask.channel:
            return False
        if reply.run or _noted(reply):
            self._told()
        if ask.view:
            return self._update(ask.view, views.outcome_view(_place(ask), _without_run(reply)))
        if reply.ok and (reply.run or _noted(reply)):
            return True  # the page shows it
        if not self._pop(ask, views.outcome_view(_place(ask), _without_run(reply))):
            self._put(Letter(ask.user, render(reply)))
        return True

    def _open(self, ask: Ask) -> bool:
        """First something, because the trigger lives for three seconds; then the form."""
        view = ask.view or self._pop(ask, views.loading(_first_words(ask)))
        if not view:
            return False
        request = self._asker.request(ask)
        try:
            form = self._desk.form(request)
        except OpsError as error:
            return self._update(view, views.outcome_view(_place(ask), of_error(error)))
        place = replace(_place(ask), path=form.path)
        values = {field.name: field.value for field in form.fields}
        complete = form.plans and not self._desk.faults(form.path, values)
        shown = self._update(view, views.form_view(form, place, preview=None if complete else []))
        if shown and complete:
            self._preview(view, request, place, values)
        return shown

    # what is filled in

    def changed(self, body: Body) -> None:
        """A field of a form has another answer: what is true of it is looked for."""
        self._workers.submit(self._changed, body)

    def _changed(self, body: Body) -> None:
        view, place = body["view"], place_of(body["view"])
        if place is None:
            return
        values = views.answers(view)
        self._remember(view["id"], values)
        try:
            if not self._desk.faults(place.path, values):
                self._preview(view["id"], self._asker.request(_ask(body, place)), place, values)
        except Exception:  # nobody waits for it: the form stays as it is
            log.exception("form.preview", path=place.path)

    def _preview(self, view: str, request: Request, place: Place, values: Values) -> None:
        self._remember(view, values)
        try:
            preview = self._desk.preview(request, place.path, values)
            form = self._desk.filled(request, place.path, values)
        except OpsError as error:
            log.info("form.no_preview", path=place.path, why=error)
            return
        with self._guard:
            newest = self._filled.get(view) == values
        if newest:
            self._update(view, views.form_view(form, place, preview=preview))

    def choices(self, body: Body) -> Body:
        """The options of a select; what was typed itself when the source takes too long. Never an error."""
        found = self._choosers.submit(self._choices, body)
        typed = str(body.get("value") or "").strip()
        try:
            options = found.result(CHOSEN_WITHIN)
        except TooLate:
            options = [Choice(typed)] if typed else []
        return {"options": views.options(options)}

    def _choices(self, body: Body) -> list[Choice]:
        view: View = body.get("view") or {}
        place = place_of(view)
        if place is None:
            return []
        with self._guard:
            values = {**self._filled.get(view["id"], {}), **{k: v for k, v in views.answers(view).items() if v}}
        name = str(body.get("action_id", ""))[len(FIELD) :]
        request = self._asker.request(_ask(body, place))
        try:
            return self._desk.choices(request, place.path, name, str(body.get("value") or ""), values)
        except Exception:  # a list that cannot be made is an empty list, whatever broke
            log.exception("form.choices", path=place.path, field=name)
            return []

    # what is sent

    def submit(self, body: Body) -> Body:
        """Say what the form means; what the acknowledgement makes of the modal."""
        view, place = body["view"], place_of(body["view"])
        if place is None:
            return {}
        values = views.answers(view)
        try:
            wrong = self._desk.faults(place.path, values)
            if wrong:
                return _errors(wrong)
            said = self._desk.said(place.path, values)
        except OpsError as error:
            return _becomes(views.outcome_view(place, of_error(error)))
        tries = self._tries.get(view["id"], 0)
        key = f"view:{view['id']}:{view.get('hash')}:{tries}"
        ask = replace(_ask(body, place), text=said.text, argv=said.argv, key=key)
        replied = self._workers.submit(self._asker.reply, ask)
        try:
            return self._outcome(ask, place, values, replied.result(SUBMITTED_WITHIN))
        except TooLate:
            replied.add_done_callback(partial(self._late, ask, place, values))
            return _becomes(views.outcome_view(place, Reply(views.WORKING, "busy"), ask.text))

    def _late(self, ask: Ask, place: Place, values: Values, replied: Future[Reply]) -> None:
        reply = replied.result()
        shown = self._ended(ask, place, values, reply)
        if not self._update(ask.view or "", shown) and not reply.ok:
            self._asker.say(ask, reply)

    def _outcome(self, ask: Ask, place: Place, values: Values, reply: Reply) -> Body:
        field = None if reply.ok else self._desk.fault_of(place.path, reply.code)
        if field is None:
            return _becomes(self._ended(ask, place, values, reply))
        with self._guard:  # the same words may be sent again: the hash of the form is still the same
            self._tries[ask.view or ""] = self._tries.get(ask.view or "", 0) + 1
            _forget(self._tries)
        return _errors({field: reply.text})

    def _ended(self, ask: Ask, place: Place, values: Values, reply: Reply) -> View:
        """What the modal shows in the end: what came of it, or the form again with the reason above it."""
        if not reply.ok:
            try:
                form = self._desk.filled(self._asker.request(ask), place.path, values)
            except OpsError:
                return views.outcome_view(place, reply)
            return views.form_view(form, place, notice=reply, preview=[])
        if place.channel or reply.run:
            self._asker.say(ask, reply)
        return views.outcome_view(place, _without_run(reply), ask.text)

    # the wire

    def _pop(self, ask: Ask, view: View) -> str | None:
        """Open a modal; its id, or None where that is not possible any more."""
        try:
            opened: Any = self._client.views_open(trigger_id=ask.trigger or "", view=view)
        except TROUBLE as error:
            log.warning("form.not_opened", why=error)
            return None
        return str(opened["view"]["id"])

    def _update(self, view: str, shown: View) -> bool:
        try:
            self._client.views_update(view_id=view, view=shown)
        except TROUBLE as error:
            log.warning("form.not_shown", why=error)
            return False
        return True

    def _remember(self, view: str, values: Values) -> None:
        with self._guard:
            self._filled[view] = values
            self._filled.move_to_end(view)
            _forget(self._filled)


def _forget(remembered: OrderedDict[str, Any]) -> None:
    while len(remembered) > REMEMBERED:
        remembered.popitem(last=False)


def _ask(body: Body, place: Place) -> Ask:
    """What somebody does in a form, in the place where the form was asked for."""
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


def _place(ask: Ask) -> Place:
    return Place(_first_words(ask), ask.channel, ask.channel_name, ask.thread, ask.response_url)


def _first_words(ask: Ask) -> str:
    return ask.text.strip().split(" ")[0] or "ops"


def _noted(reply: Reply) -> bool:
    return isinstance(reply.json, dict) and bool(reply.json.get("noted"))


def _without_run(reply: Reply) -> Reply:
    return replace(reply, parts=[Words(ON_ITS_WAY)], buttons=[]) if reply.run else reply


def _errors(wrong: Mapping[str, str]) -> Body:
    return {"response_action": "errors", "errors": {f"{FIELD}{name}": text for name, text in wrong.items()}}


def _becomes(view: View) -> Body:
    return {"response_action": "update", "view": view}
