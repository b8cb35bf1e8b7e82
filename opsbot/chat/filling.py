"""A form while somebody fills it: what would happen with the answers so far."""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

from opsbot import log as logs
from opsbot.chat import views
from opsbot.chat.desk import Asker, Desk, Values
from opsbot.chat.place import Place, place_of
from opsbot.chat.screen import Screen
from opsbot.chat.slack import Body, from_form
from opsbot.chat.views import View
from opsbot.commands.request import Request
from opsbot.errors import OpsError

log = logs.get(__name__)

WORKERS = 6
REMEMBERED = 500  # open forms


class Filling:
    """Works in its own threads."""

    def __init__(self, screen: Screen, desk: Desk, asker: Asker) -> None:
        self._screen, self._desk, self._asker = screen, desk, asker
        self._guard = threading.Lock()
        self._filled: OrderedDict[str, Values] = OrderedDict()  # view → its newest answers
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="form")

    def stop(self) -> None:
        """Look for nothing more; nobody waits for what is being looked for."""
        self._workers.shutdown(wait=False, cancel_futures=True)

    def changed(self, body: Body) -> None:
        """A field has another answer: find out what is true of it. Returns at once."""
        self._workers.submit(self._changed, body)

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

    def answers(self, view: View) -> Values:
        """The newest answers that are known of a view: those it was last told of, and what it says itself."""
        with self._guard:
            return {**self._filled.get(view.get("id", ""), {}), **{k: v for k, v in views.answers(view).items() if v}}

    def _remember(self, view: str, values: Values) -> None:
        with self._guard:
            self._filled[view] = values
            self._filled.move_to_end(view)
            if len(self._filled) > REMEMBERED:
                self._filled.popitem(last=False)
