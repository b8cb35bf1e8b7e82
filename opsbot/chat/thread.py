"""Runs as messages: event rows after the stored cursor become an edit of the run's one live message.

Everything is computed from the store, so a restart, or an hour without Slack, loses nothing: what is behind is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from opsbot import log as logs
from opsbot.chat.letter import Letter
from opsbot.chat.outbox import Outbox
from opsbot.chat.render import Rendered, render
from opsbot.clock import Clock
from opsbot.commands.daily import worth_a_message
from opsbot.commands.reply import Button, Code, Pairs, Part, Reply, Small, Words
from opsbot.errors import OpsError
from opsbot.store.rows import Behind, EventRow, RunRow
from opsbot.store.store import Store

log = logs.get(__name__)

OLD_NEWS = timedelta(days=1)  # a run that ended longer ago and never had a message gets none
# What a person waits for is shown at once; steps that come and go are shown as often as progress is.
URGENT = {
    "submitted",
    "approval",
    "approved",
    "countdown",
    "parked",
    "resumed",
    "step_failed",
    "undo_started",
    "undo_failed",
    "finished",
}


class Runs:
    """Tells of runs. `card(run)` is the run's message as it is now; `home(environment)` the channel for what nobody asked in chat."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        outbox: Outbox,
        card: Callable[[str], Reply],
        home: Callable[[str | None], str],
    ) -> None:
        self._store, self._clock, self._outbox = store, clock, outbox
        self._card, self._home = card, home
        self._queued: dict[str, int] = {}  # run → last event that a waiting letter tells

    def sweep(self) -> None:
        """Queue a letter for each run that has events which its message does not show."""
        behind = self._store.events.runs_behind()
        self._queued = {row.run: self._queued[row.run] for row in behind if row.run in self._queued}
        for row in behind:
            waits = any(self._outbox.waits(f"{kind}:{row.run}") for kind in ("run", "detail", "glass"))
            if not waits or self._queued.get(row.run) != row.last_event:
                self._tell(row)

    def _tell(self, behind: Behind) -> None:
        run = self._store.runs.get(behind.run)
        if run is None or self._is_passed_over(run, behind):
            return
        new = self._store.events.after(behind.run, behind.cursor)
        try:
            body = render(self._card(behind.run))
        except OpsError as error:
            log.warning("thread.no_card", run=behind.run, why=error)
            return
        self._queued[behind.run] = behind.last_event
        # The cursor stays one behind until the details are in the thread as well.
        missing, loud = self._details(run), self._broken_glass(run)
        urgent = any(event.kind in URGENT for event in new)
        self._put(behind, body, behind.last_event - (1 if missing or loud else 0), urgent)
        if loud:
            self._outbox.put(Letter(self._home(run.environment), loud, ("glass", run.id)))
        message = self._store.messages.get("run", run.id)
        if missing and message and message.ts:
            letter = Letter(message.channel, missing, ("detail", run.id), thread=message.ts, cursor=1)
            self._outbox.put(letter)

    def _put(self, behind: Behind, body: Rendered, cursor: int, urgent: bool) -> None:
        home = self._home(behind.environment)
        letter = Letter(
            channel=behind.channel or home,
            body=body,
            key=("run", behind.run),
            thread=behind.thread,
            cursor=cursor,
            urgent=urgent,
            elsewhere=home,
        )
        self._outbox.put(letter)

    def _details(self, run: RunRow) -> Rendered | None:
        """What belongs in the thread of a run that ended and is not there yet."""
        if run.ended_at is None:
            return None
        noted = self._store.messages.get("detail", run.id)
        if noted and noted.cursor:
            return None
        parts = list(details(self._store.events.after(run.id, 0)))
        return render(Reply("What happened on the way", "info", parts)) if parts else None

    def _broken_glass(self, run: RunRow) -> Rendered | None:
        """A message of its own, which an edited card is not: everybody sees it, and anybody can stop what it tells of."""
        told = self._store.messages.get("glass", run.id)
        return None if run.status != "countdown" or (told and told.ts) else render(broken_glass(run))

    def _has_message(self, run: RunRow) -> bool:
        told = self._store.messages.get("run", run.id)
        return told is not None and told.ts is not None

    def _is_passed_over(self, run: RunRow, behind: Behind) -> bool:
        """Old news gets no message, nor what is told with the whole day."""
        old = behind.cursor == 0 and run.ended_at is not None and run.ended_at < self._clock.now() - OLD_NEWS
        quiet = not worth_a_message(run) and not self._has_message(run)
        if old or quiet:
            where = behind.channel or self._home(behind.environment)
            self._store.messages.put("run", run.id, where, None, None, behind.last_event, None)
        return old or quiet


def broken_glass(run: RunRow) -> Reply:
    """Who goes on without a second person, why and from when."""
    glass = run.glass or {}
    begins = datetime.fromisoformat(str(glass["until"]))
    text = f"{glass['who']} breaks the glass: {run.title} begins without a second person. Why: {glass['reason']}"
    stop = Button("Stop it", f"reject {run.id}", "danger")
    return Reply(
        text, "bad", [Pairs([("Begins", begins)]), Small(f"{run.id} · anybody can stop it until then")], [stop]
    )


def details(events: Sequence[EventRow]) -> Iterator[Part]:
    """What steps said, and the whole of each failure."""
    said = [str(event.body.get("text", "")) for event in events if event.kind == "say"]
    if said:
        yield Words("\n".join(said))
    for event in events:
        if event.kind in ("step_failed", "undo_failed"):
            yield Words(f"*{event.body.get('step', '')}* failed:")
            yield Code(failure(event.body.get("error")))


def failure(error: Any) -> str:
    """An error of the journal as text: its sentences, then the last words of whatever failed."""
    if not isinstance(error, dict):
        return str(error or "no reason was given")
    sentences = " ".join(str(error[key]) for key in ("what", "fix") if error.get(key))
    return "\n".join(part for part in (sentences, str(error.get("details") or "")) if part) or str(error)
