"""A run seen from the terminal: lines as they come; driven here when no `serve` lives; Ctrl-C asks to stop it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from opsbot import log
from opsbot.cli.text import Paint, line, render
from opsbot.clock import Clock
from opsbot.commands import say
from opsbot.commands.reply import Line
from opsbot.commands.request import Actor
from opsbot.commands.run_card import bar, run_card
from opsbot.errors import OpsError
from opsbot.runs.engine import Engine
from opsbot.runs.run import FINAL
from opsbot.runs.view import RunView
from opsbot.store.rows import EventRow
from opsbot.store.store import Store

WAITS_FOR_YES = 4  # exit status: nothing was done yet, somebody has to approve it
LEFT = 130  # exit status after a second Ctrl-C
EXITS: Mapping[str, int] = {"succeeded": 0, "rejected": 3, "expired": 3}
PROGRESS_EVERY = 2.0  # seconds between two lines about the same step
LOOK_EVERY = 1.0  # seconds that one look for events waits, and that a Ctrl-C may take to be heard
_log = log.get(__name__)

Body = Mapping[str, Any]


def _wrong(body: Body) -> str:
    error = body.get("error") or {}
    return f"{error.get('what', '')} {error.get('fix', '')}".strip()


LINES: Mapping[str, Callable[[str, Body], Line]] = {
    "step_started": lambda name, _: Line("busy", name),
    "say": lambda _, body: Line("info", str(body.get("text", ""))),
    "step_done": lambda name, body: Line("ok", name, say.took(body.get("seconds") or 0)),
    "step_skipped": lambda name, _: Line("off", name, "not needed"),
    "step_failed": lambda name, body: Line("bad", name, _wrong(body)),
    "parked": lambda name, body: Line("busy", name, str(body.get("ask") or body.get("say") or "")),
    "resumed": lambda name, body: Line("info", "Goes on", f"{name} {body.get('found', '')}".strip()),
    "approval": lambda _, body: Line("ok", f"{body.get('by')} said yes"),
    "countdown": lambda _, body: Line(
        "warn", "Begins without a second person", f"unless somebody stops it: {body.get('reason')}"
    ),
    "by_hand": lambda name, body: Line("ok", name, f"by hand, {body.get('by')}: {body.get('evidence')}"),
    "undo_started": lambda name, _: Line("warn", f"Undo: {name}"),
    "undo_done": lambda name, _: Line("ok", f"Undone: {name}"),
    "undo_failed": lambda name, body: Line("bad", f"Undo: {name}", _wrong(body)),
}


def _says_nothing(event: EventRow) -> bool:
    """A wait without words: the progress before it says how far it is."""
    return event.kind == "parked" and not (event.body.get("ask") or event.body.get("say"))


@dataclass
class Follow:
    """Follows one run to its end. `tell` prints a line."""

    engine: Engine
    store: Store
    clock: Clock
    tell: Callable[[str], None]
    paint: Paint
    actor: Actor
    _asked_to_stop: bool = False
    _seen: int = 0
    _names: Mapping[str, str] = field(default_factory=dict)
    _left: threading.Event = field(default_factory=threading.Event)
    _told_at: float = float("-inf")
    _driver: threading.Thread | None = None
    _gave_up: list[OpsError] = field(default_factory=list)

    def served(self) -> bool:
        """Whether a living `serve` drives runs."""
        return self.store.leases.holder("serve", self.clock.now()) is not None

    def to_the_end(self, run: str) -> tuple[int, RunView]:
        """Return when the run has ended, waits for a yes, or a second Ctrl-C left it to others: exit status and view."""
        try:
            return self._watch(run)
        finally:
            self._left.set()
            if self._driver is not None:
                self._driver.join(15.0)

    def _watch(self, run: str) -> tuple[int, RunView]:
        self._names = {step.id: step.name for step in self.engine.view(run).steps}
        while True:
            try:
                ended = self._look(run)
            except KeyboardInterrupt:
                ended = self._interrupted(run)
            if ended is not None:
                return ended, self.engine.view(run)

    def _look(self, run: str) -> int | None:
        """Tell what is new; the exit status once there is nothing more to wait for."""
        if self._driver is None and not self.served():  # also when the bot that served has died since
            self._driver = threading.Thread(target=self._drive, args=(run,), name=f"drive {run}", daemon=True)
            self._driver.start()
        for event in self.engine.follow(run, self._seen, LOOK_EVERY):
            self._seen = event.seq
            self._told(event)
        if self._gave_up:
            raise self._gave_up[0]
        row = self.store.runs.get(run)
        if row is not None and row.status == "awaiting_approval":
            return WAITS_FOR_YES
        if row is not None and row.ended_at is not None and row.last_event <= self._seen:
            return EXITS.get(row.status, 1)
        return None

    def _interrupted(self, run: str) -> int | None:
        """Ask the run to stop; the second time, leave it."""
        if self._asked_to_stop:
            self.engine.stop()
            self.tell(self.paint.tone("warn", f"Left. It goes on when a bot serves; `opsbot runs {run}` shows it."))
            return LEFT
        self._asked_to_stop = True
        try:
            self.engine.cancel(run, asdict(self.actor), "terminal")
            self.tell(
                self.paint.tone("warn", "Asked to stop; what was done is undone. Ctrl-C again leaves it to others.")
            )
        except OpsError as error:
            self.tell(self.paint.tone("warn", error.sentence()))
        return None

    def _drive(self, run: str) -> None:
        """Drive the run, also after each of its waits, until it ends."""
        try:
            while not self._left.is_set() and self.engine.drive(run) not in FINAL:
                while not self._left.wait(0.3) and run not in self.engine.due():
                    pass
        except OpsError as error:
            self._gave_up.append(error)
        except Exception:  # noqa: BLE001 - this thread's only caller is the screen; the log gets all of it
            _log.exception("terminal.drive", run=run)
            self._gave_up.append(
                OpsError("The run stopped for a reason that the bot did not expect.", f"See `runs {run}`.")
            )

    def _told(self, event: EventRow) -> None:
        name = self._names.get(str(event.body.get("step")), "")
        if event.kind == "progress":
            self._progress(name, event.body)
        elif event.kind in LINES and not _says_nothing(event):
            self._line(LINES[event.kind](name, event.body))

    def _progress(self, name: str, body: Body) -> None:
        now = time.monotonic()
        if now - self._told_at >= PROGRESS_EVERY:
            total = float(body.get("total") or 0)
            shown = bar(float(body.get("done") or 0), total) if total > 1 else ""
            self._line(Line("busy", name, f"{shown} {body.get('text') or ''}".strip()))
            self._told_at = now

    def _line(self, item: Line) -> None:
        self.tell("  " + line(item, self.paint))

    def ending(self, view: RunView) -> str:
        """The last lines: how it ended, and where it did not go well all that is known of why."""
        card = run_card(view)
        if view.ended and card.ok:
            return self.paint.tone(card.tone, self.paint.title(card))
        hint = [f"  Somebody else says: opsbot approve {view.id}"] if view.status == "awaiting_approval" else []
        return "\n".join([render(card, self.paint), *hint])
