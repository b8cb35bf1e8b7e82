"""A form that was sent: said in its sender's name as if typed, and answered beside the field, above the form, or in its place."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from dataclasses import replace
from functools import partial

from opsbot.chat import views
from opsbot.chat.desk import Asker, Desk, Values
from opsbot.chat.place import Place, place_of
from opsbot.chat.screen import Screen
from opsbot.chat.slack import FIELD, Ask, Body, from_form
from opsbot.chat.views import View
from opsbot.commands.change import of_error
from opsbot.commands.reply import Reply
from opsbot.errors import OpsError

ANSWERED_WITHIN = 1.8  # seconds of the three that Slack gives: what is known by then stands beside its field
WORKERS = 6
REMEMBERED = 500  # forms that were refused
STOPPING = "I am being stopped, and nothing was done. Send it again in a moment."


class Submissions:
    """`submit` runs in bolt's thread, the words themselves in threads of ours."""

    def __init__(self, screen: Screen, desk: Desk, asker: Asker, sent: Callable[[str], None]) -> None:
        """`sent` is told the view of each form that means something."""
        self._screen, self._desk, self._asker, self._sent = screen, desk, asker, sent
        self._guard = threading.Lock()
        self._refused: OrderedDict[str, int] = OrderedDict()  # view → how often
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="submission")

    def stop(self) -> None:
        """Finish what was sent."""
        self._workers.shutdown(wait=True, cancel_futures=True)

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
        began = time.monotonic()
        self._sent(view["id"])
        ask = replace(from_form(body, place), text=said.text, argv=said.argv, key=self._key(view))
        replied = self._workers.submit(self._asker.reply, ask)
        try:
            return self._outcome(ask, place, values, replied.result(ANSWERED_WITHIN - (time.monotonic() - began)))
        except CancelledError:
            return _becomes(self._ended(ask, place, values, Reply(STOPPING, "warn", ok=False)))
        except TooLate:
            replied.add_done_callback(partial(self._late, ask, place, values))
            return _becomes(views.outcome_view(place, Reply(views.WORKING, "busy"), ask.text))

    def _key(self, view: View) -> str:
        """The same form sent twice acts once; sent again after a refusal it may act."""
        with self._guard:
            return f"view:{view['id']}:{view.get('hash')}:{self._refused.get(view['id'], 0)}"

    def _outcome(self, ask: Ask, place: Place, values: Values, reply: Reply) -> Body:
        field = None if reply.ok else self._desk.fault_of(place.path, reply.code)
        if field is None:
            return _becomes(self._ended(ask, place, values, reply))
        with self._guard:  # the form keeps its hash when its fields are marked
            self._refused[ask.view or ""] = self._refused.get(ask.view or "", 0) + 1
            if len(self._refused) > REMEMBERED:
                self._refused.popitem(last=False)
        return _errors({field: reply.text})

    def _late(self, ask: Ask, place: Place, values: Values, replied: Future[Reply]) -> None:
        if replied.cancelled():
            return
        reply = replied.result()
        if not self._screen.update(ask.view or "", self._ended(ask, place, values, reply)) and not reply.ok:
            self._asker.say(ask, reply)

    def _ended(self, ask: Ask, place: Place, values: Values, reply: Reply) -> View:
        """What the modal shows in the end: what came of it, or the form again with the reason above it."""
        if reply.ok:
            if place.channel or reply.run:
                self._asker.say(ask, reply)
            return views.outcome_view(place, reply, ask.text)
        try:
            form = self._desk.filled(self._asker.request(ask), place.path, values)
        except OpsError:
            return views.outcome_view(place, reply)
        return views.form_view(form, place, notice=reply, preview=[])


def _errors(wrong: Mapping[str, str]) -> Body:
    return {"response_action": "errors", "errors": {f"{FIELD}{name}": text for name, text in wrong.items()}}


def _becomes(view: View) -> Body:
    return {"response_action": "update", "view": view}
