"""The options of a select while somebody types: listed once for a while, by whoever asks first, and never an error."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from dataclasses import dataclass

from opsbot import log as logs
from opsbot.chat import views
from opsbot.chat.desk import Desk, Values
from opsbot.chat.place import place_of
from opsbot.chat.slack import FIELD, Body
from opsbot.chat.views import View
from opsbot.clock import Clock
from opsbot.commands.form import Choice
from opsbot.errors import OpsError

log = logs.get(__name__)

WITHIN = 1.5  # seconds of the three that Slack gives: other acknowledgements wait behind this one
FRESH = 10.0  # seconds in which a list is not asked for again: every letter that somebody types is a question
WORKERS = 6

Key = tuple[str, str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True)
class Listing:
    """A list that is being made, or was. `since`: when, by the monotonic clock."""

    since: float
    found: Future[list[Choice]]

    def counts(self, now: float) -> bool:
        """Whether it need not be made again: it is fresh, or still being made."""
        return now - self.since < FRESH or not self.found.done()


class Options:
    """`answers(view)` are the answers so far, which the list may depend on."""

    def __init__(self, desk: Desk, clock: Clock, answers: Callable[[View], Values]) -> None:
        self._desk, self._clock, self._answers = desk, clock, answers
        self._listings: dict[Key, Listing] = {}
        self._guard = threading.Lock()
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="options")

    def stop(self) -> None:
        """List nothing more; nobody waits for what is being listed."""
        self._workers.shutdown(wait=False, cancel_futures=True)

    def options(self, body: Body) -> Body:
        """What the acknowledgement of a `block_suggestion` says; what was typed itself while its source does not answer."""
        view, typed = body.get("view") or {}, str(body.get("value") or "")
        place, name = place_of(view), str(body.get("action_id", ""))[len(FIELD) :]
        if place is None:
            return {"options": []}
        listing = self._listing(place.path, name, self._answers(view))
        patience = max(0.0, listing.since + WITHIN - self._clock.monotonic())
        try:
            chosen = self._desk.narrowed(self._whole(listing, patience), place.path, name, typed)
        except OpsError as error:  # the command is gone
            log.info("options.none", path=place.path, field=name, why=error)
            chosen = []
        return {"options": views.options(chosen)}

    def _whole(self, listing: Listing, patience: float) -> list[Choice]:
        try:
            return listing.found.result(patience)
        except TooLate:
            return []

    def _listing(self, path: str, name: str, values: Values) -> Listing:
        others = tuple(sorted((field, text) for field, text in values.items() if field != name and text))
        now = self._clock.monotonic()
        with self._guard:
            self._listings = {key: kept for key, kept in self._listings.items() if kept.counts(now)}
            listing = self._listings.get((path, name, others))
            if listing is None:
                listing = Listing(now, self._workers.submit(self._list, path, name, values))
                self._listings[path, name, others] = listing
            return listing

    def _list(self, path: str, name: str, values: Values) -> list[Choice]:
        try:
            return self._desk.listed(path, name, values)
        except Exception:  # a list that cannot be made is an empty list, whatever broke
            log.exception("options.broken", path=path, field=name)
            return []
