"""Notes on runs: cancel, approve, reject, answer. Each changes only our own record; the engine heeds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from opsbot.commands.find_run import find_run, newest
from opsbot.commands.reply import Reply, Small
from opsbot.commands.services import Asked
from opsbot.errors import NotFound, Refused
from opsbot.store.rows import RunRow

STOPPABLE = ("running", "waiting", "queued", "awaiting_approval")
ENDED = ("succeeded", "undone", "cancelled", "failed", "rejected", "expired")


def cancel(asked: Asked, args: Mapping[str, Any]) -> Reply:
    """Stop a run; without a word, the newest that can be stopped."""
    run = _meant(asked, args.get("run"), STOPPABLE, "Nothing is running.")
    if run.status in ENDED:
        raise Refused(f"{run.title} has ended already: {run.outcome or run.status}", code="ended")
    if run.status == "undoing":
        raise Refused(f"{run.title} is being undone already.", "Wait for it to end.", code="undoing")
    asked.services.engine.cancel(run.id, asdict(asked.actor))
    asked.services.submitted(run.id)
    return _noted(f"{asked.actor.name} asked to stop: {run.title}. What was done is undone.", run)


def approve(asked: Asked, args: Mapping[str, Any]) -> Reply:
    """Say yes to somebody else's plan."""
    run = _meant(asked, args.get("run"), ("awaiting_approval",), "Nothing waits for an approval.")
    asked.services.engine.approve(run.id, asdict(asked.actor))
    asked.services.submitted(run.id)
    return _noted(f"{asked.actor.name} approved: {run.title}.", run)


def reject(asked: Asked, args: Mapping[str, Any]) -> Reply:
    """Say no to a plan."""
    run = _meant(asked, args.get("run"), ("awaiting_approval",), "Nothing waits for an approval.")
    asked.services.engine.reject(run.id, asdict(asked.actor))
    return _noted(f"{asked.actor.name} rejected: {run.title}.", run)


def answer(asked: Asked, args: Mapping[str, Any]) -> Reply:
    """Tell a run that waits for a person what was done."""
    run = _meant(asked, args.get("run"), ("waiting",), "No run waits for a person.")
    asked.services.engine.answer(run.id, asdict(asked.actor), args["text"])
    asked.services.submitted(run.id)
    return _noted(f"{asked.actor.name} answered: {args['text']}", run)


def _meant(asked: Asked, word: str | None, statuses: tuple[str, ...], none: str) -> RunRow:
    store = asked.services.store
    found = find_run(store, word) if word else newest(store, statuses)
    if found is None:
        raise NotFound(none, "`runs` shows what there is.")
    return found


def _noted(text: str, run: RunRow) -> Reply:
    body = {"noted": True, "run": run.id, "title": run.title}
    return Reply(text, "ok", [Small(run.id)], json=body, private=True)
