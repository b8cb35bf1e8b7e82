"""The engine: takes plans, hands out runs to whoever drives them, passes on people's answers. It knows no step by name."""

from __future__ import annotations

import secrets
import threading
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from opsbot import log
from opsbot.clock import Clock
from opsbot.errors import NotFound, OpsError, Unavailable
from opsbot.runs import approval, gate, recover, sentences
from opsbot.runs.acts import Acts
from opsbot.runs.approval import Word
from opsbot.runs.attempt import Attempts, Resolve
from opsbot.runs.context import Signals
from opsbot.runs.drive import Drive
from opsbot.runs.lease import Lease, Pace, held
from opsbot.runs.outputs import OutputsByHand
from opsbot.runs.plan import Plan
from opsbot.runs.step import Step
from opsbot.runs.still import Replan
from opsbot.runs.told import Frozen, HashOf, Told
from opsbot.runs.view import RunView, fold
from opsbot.store import Store
from opsbot.store.events import Event
from opsbot.store.leases import Lost
from opsbot.store.locks import LockHeld
from opsbot.store.rows import Around, Entry, EventRow, RunRow
from opsbot.store.seen import Claim

LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that people mix up when they read a run's id aloud
STRIKES = 3  # how often a run may break the bot's own code before it is given up

_log = log.get(__name__)


class Engine(Told):
    """Everything that can be asked of runs. Any process that shares the store may have one; `owner` names this process.

    How a run is driven stands in `Drive`, what people may tell it in `Told`. `forsaken(run)` ends what a dead owner left
    running outside; `frozen(environment, now)` is the sentence of a configured freeze; `databases` are those of opsbot.yml;
    `hash_of(playbook)` is the hash of what that says now.
    Every method raises Unavailable when the store cannot be read or written.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        steps: Mapping[str, Step],
        resolve: Resolve,
        owner: str,
        *,
        replan: Replan | None = None,
        pace: Pace | None = None,
        forsaken: Callable[[str], None] = lambda _run: None,
        frozen: Frozen = lambda _environment, _now: None,
        databases: Collection[str] = (),
        hash_of: HashOf = lambda _playbook: None,
    ) -> None:
        self._owner, self._resolve, self._attempts = owner, resolve, Attempts(steps, resolve)
        self._replan, self._pace, self._forsaken = replan, pace or Pace(), forsaken
        super().__init__(
            store, clock, frozen, OutputsByHand(store, clock, self._attempts, self._pace), databases, hash_of
        )
        self._leaving, self._stopping = threading.Event(), threading.Event()
        self._strikes: Counter[str] = Counter()

    def submit(
        self,
        plan: Plan,
        actor: Mapping[str, Any],
        door: str,
        channel: str | None = None,
        thread: str | None = None,
        glass: str | None = None,
        claim: Claim | None = None,
    ) -> str:
        """Write the run and return its id: queued with its locks, or waiting for approval without them.

        `glass`: the reason for which the approval that the plan needs is replaced by a countdown. `claim`: the words that
        ask for it; TakenOver if they have begun a run already.
        Refused: red_fact, blocked, locked, frozen. Unavailable("disk_full") while there is no room to write it to its end.
        """
        if full := self._store.space.short():
            raise Unavailable(
                full, "Free some space. Until then no new change begins; what runs is finished.", code="disk_full"
            )
        now, run = self._clock.now(), "r" + "".join(secrets.choice(LETTERS) for _ in range(5))
        who = str(actor.get("name") or actor.get("id"))
        wake_at = approval.expires_at(plan, now)
        status = "queued" if wake_at is None else "awaiting_approval"
        target = ", ".join(plan.locks) or None
        told: dict[str, Any] = {
            "title": plan.title, "by": who, "environment": plan.environment, "status": status,
        }  # fmt: skip
        body = {"run": run, "title": plan.title, "fingerprint": plan.fingerprint}
        events: list[Event] = [("submitted", told)]
        entries = [Entry(actor, door, plan.playbook, target, status, body)]
        broken = None
        if wake_at is not None and glass is not None:
            broken, event = approval.broken(Word(actor, door, now), glass)
            status, wake_at = "countdown", approval.countdown_ends(broken)
            events.append(event)
            entries.append(Entry(actor, door, "break-glass", target, status, {"run": run, "reason": broken["reason"]}))
        wanted = gate.ask(plan, run, str(actor.get("id")), self._databases)

        def judge(around: Around) -> None:
            if refused := gate.stop(wanted, around, self._frozen(plan.environment, now), now):
                raise refused
            told["own"] = gate.own_freezes(wanted, around.holds, f"{who}, who asks")

        try:
            self._store.runs.add(
                run, plan.as_json(), actor, door, status, channel, thread, now,
                locks=gate.wishes(plan, run, who, now) if status == "queued" else (),
                judge=judge, events=events, entries=entries, wake_at=wake_at, glass=broken, claim=claim,
            )  # fmt: skip
        except LockHeld as holder:
            raise gate.held_by_run(holder.holder, now) from holder
        return run

    def drive(self, run: str) -> str:
        """Execute the run until it ends, waits, or is not ours any more; returns its status then.

        Returns at once if somebody else drives it. After Unavailable the run stands still until it is recovered; a run
        that breaks the bot's own code again and again is ended as failed.
        """
        owner = f"{self._owner}#{secrets.token_hex(4)}"  # two drives in one process exclude one another as well
        self._get(run)
        try:
            with held(self._store, self._clock, run, owner, self._pace) as lease:
                if lease is not None and not self._leaving.is_set():
                    self._drive(lease)
        except Lost:
            _log.warning("run.left", run=run, owner=owner)
        except Exception as error:
            _log.warning("run.stalled", run=run, error=error)
            self._stopping.wait(self._pace.backoff)  # whoever drives what is due would otherwise be here again at once
            raise
        return self._get(run).status

    def _drive(self, lease: Lease) -> None:
        signals = self._driving[lease.run] = Signals(self._stopping, self._leaving)
        acts = Acts(self._store, self._clock, self._attempts, lease, signals, self._pace, self._forsaken)
        drive = Drive(self._store, self._clock, acts, lease, signals, self._resolve, self._pace)
        try:
            drive.go(self._replan, self.stopped)
            self._strikes.pop(lease.run, None)
        except (Lost, OpsError):
            raise
        except Exception as error:
            self._strikes[lease.run] += 1
            if self._strikes[lease.run] < STRIKES:
                raise
            _log.exception("run.given_up", run=lease.run)
            drive.give_up(sentences.broken(self._get(lease.run), error), "bug")
        finally:
            self._driving.pop(lease.run, None)

    def due(self) -> list[str]:
        """Runs that can be driven now and that nobody drives: queued, woken, answered, cancelled, left behind."""
        now = self._clock.now()
        woken = [run for run in self._store.runs.wake_due(now) if self._store.leases.holder(f"run:{run}", now) is None]
        return woken + self.recover()

    def recover(self) -> list[str]:
        """Runs whose owner died or let go; `drive` rechecks the step at hand and continues, undoes or asks."""
        return recover.abandoned(self._store, self._clock.now())

    def stop(self, within: float | None = None) -> None:
        """Let go of every run at its next step border; after `within` seconds (the pace's drain) also inside a step.

        The next owner goes on; a step that was left inside is rechecked. Returns at once.
        """
        self._leaving.set()
        patience = self._pace.drain if within is None else within
        if patience <= 0 or not self._driving:
            self._stopping.set()
            return
        timer = threading.Timer(patience, self._stopping.set)
        timer.daemon = True
        timer.start()

    def view(self, run: str) -> RunView:
        """What a card shows of the run now."""
        return fold(self._get(run), self._store.events.after(run, 0))

    def follow(self, run: str, after_seq: int, timeout: float) -> Sequence[EventRow]:
        """The events after a number, waiting up to `timeout` seconds for the first of them."""
        end = self._clock.monotonic() + timeout
        while not (events := self._store.events.after(run, after_seq)) and self._clock.monotonic() < end:
            self._clock.sleep(self._pace.follow)
        return events

    def _get(self, run: str) -> RunRow:
        found = self._store.runs.get(run)
        if found is None:
            raise NotFound(f"There is no run {run}.", "`runs` lists the latest ones.")
        return found
