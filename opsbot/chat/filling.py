"""A form while somebody fills it: what would happen with the answers so far."""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

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
SHOWN_WITHIN = 0.8  # seconds that a form which is being sent waits for what is being shown in it


@dataclass
class _Form:
    """An open form: its newest answers, and how often it was sent. Who holds `showing` is the one who changes it."""

    values: Values = field(default_factory=dict)
    sent: int = 0
    showing: threading.Lock = field(default_factory=threading.Lock)


class Filling:
    """Works in its own threads."""

    def __init__(self, screen: Screen, desk: Desk, asker: Asker) -> None:
        self._screen, self._desk, self._asker = screen, desk, asker
        self._guard = threading.Lock()
        self._forms: OrderedDict[str, _Form] = OrderedDict()  # by view
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="form")

    def stop(self) -> None:
        """Look for nothing more; nobody waits for what is being looked for."""
        self._workers.shutdown(wait=False, cancel_futures=True)

    def changed(self, body: Body) -> None:
        """A field has another answer: find out what is true of it. Returns at once."""
        self._workers.submit(self._changed, body, self._form(body["view"]["id"]).sent)

    def sent(self, view: str) -> None:
        """The form was sent: what was being looked for is not shown any more, over what becomes of it."""
        form = self._form(view)
        shown = form.showing.acquire(timeout=SHOWN_WITHIN)
        form.sent += 1
        if shown:
            form.showing.release()

    def look(self, view: str, request: Request, place: Place, values: Values, sent: int | None = None) -> None:
        """Show what would happen with these answers, unless there are newer ones by then, or the form was sent.

        `sent`: how often it was when they were given.
        """
        open_form = self._form(view)
        sent = open_form.sent if sent is None else sent
        open_form.values = values
        try:
            preview = self._desk.preview(request, place.path, values)
            form = self._desk.filled(request, place.path, values)
        except OpsError as error:
            log.info("form.no_preview", path=place.path, why=error)
            return
        with open_form.showing:
            if open_form.values == values and open_form.sent == sent:
                self._screen.update(view, views.form_view(form, place, preview=preview))

    def _changed(self, body: Body, sent: int) -> None:
        view, place = body["view"], place_of(body["view"])
        if place is None:
            return
        values = views.answers(view)
        self._form(view["id"]).values = values
        try:
            if not self._desk.faults(place.path, values):
                self.look(view["id"], self._asker.request(from_form(body, place)), place, values, sent)
        except Exception:  # nobody waits for it: the form stays as it is
            log.exception("form.preview", path=place.path)

    def answers(self, view: View) -> Values:
        """The newest answers that are known of a view: those it was last told of, and what it says itself."""
        with self._guard:
            known = self._forms.get(view.get("id", ""))
        return {**(known.values if known else {}), **{k: v for k, v in views.answers(view).items() if v}}

    def _form(self, view: str) -> _Form:
        with self._guard:
            found = self._forms.setdefault(view, _Form())
            self._forms.move_to_end(view)
            if len(self._forms) > REMEMBERED:
                self._forms.popitem(last=False)
            return found
