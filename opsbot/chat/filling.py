"""A form while somebody fills it: what may be chosen, and what would happen with the answers so far."""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate

from opsbot import log as logs
from opsbot.chat import views
from opsbot.chat.desk import Asker, Desk, Values
from opsbot.chat.place import Place, place_of
from opsbot.chat.screen import Screen
from opsbot.chat.slack import FIELD, Body, from_form
from opsbot.commands.form import Choice
from opsbot.commands.request import Request
from opsbot.errors import OpsError

log = logs.get(__name__)

CHOSEN_WITHIN = 2.2  # seconds of the three that Slack gives
WORKERS = 6  # for plans; as many for choices, so that a slow source of the one does not hold the other
REMEMBERED = 500  # open forms


class Filling:
    """Works in its own threads."""

    def __init__(self, screen: Screen, desk: Desk, asker: Asker) -> None:
        self._screen, self._desk, self._asker = screen, desk, asker
        self._guard = threading.Lock()
        self._filled: OrderedDict[str, Values] = OrderedDict()  # view → its newest answers
        self._planners = ThreadPoolExecutor(WORKERS, thread_name_prefix="form")
        self._choosers = ThreadPoolExecutor(WORKERS, thread_name_prefix="choices")

    def stop(self) -> None:
        """Look for nothing more; nobody waits for what is being looked for."""
        for workers in (self._planners, self._choosers):
            workers.shutdown(wait=False, cancel_futures=True)

    def changed(self, body: Body) -> None:
        """A field has another answer: find out what is true of it. Returns at once."""
        self._planners.submit(self._changed, body)

    def choices(self, body: Body) -> Body:
        """The options of a select; what was typed itself when the source takes too long. Never an error."""
        found = self._choosers.submit(self._choices, body)
        typed = str(body.get("value") or "").strip()
        try:
            options = found.result(CHOSEN_WITHIN)
        except TooLate:
            options = [Choice(typed)] if typed else []
        return {"options": views.options(options)}

    def look(self, view: str, request: Request, place: Place, values: Values) -> None:
        """Show what would happen with these answers, unless there are newer ones by then."""
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
            self._screen.update(view, views.form_view(form, place, preview=preview))

    def _changed(self, body: Body) -> None:
        view, place = body["view"], place_of(body["view"])
        if place is None:
            return
        values = views.answers(view)
        self._remember(view["id"], values)
        try:
            if not self._desk.faults(place.path, values):
                self.look(view["id"], self._asker.request(from_form(body, place)), place, values)
        except Exception:  # nobody waits for it: the form stays as it is
            log.exception("form.preview", path=place.path)

    def _choices(self, body: Body) -> list[Choice]:
        view = body.get("view") or {}
        place = place_of(view)
        if place is None:
            return []
        with self._guard:
            values = {**self._filled.get(view["id"], {}), **{k: v for k, v in views.answers(view).items() if v}}
        name = str(body.get("action_id", ""))[len(FIELD) :]
        request = self._asker.request(from_form(body, place))
        try:
            return self._desk.choices(request, place.path, name, str(body.get("value") or ""), values)
        except Exception:  # a list that cannot be made is an empty list, whatever broke
            log.exception("form.choices", path=place.path, field=name)
            return []

    def _remember(self, view: str, values: Values) -> None:
        with self._guard:
            self._filled[view] = values
            self._filled.move_to_end(view)
            if len(self._filled) > REMEMBERED:
                self._filled.popitem(last=False)
