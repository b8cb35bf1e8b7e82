"""Notes on runs: cancel, approve, reject, answer. Each changes only our own record; the engine heeds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from opsbot.commands.authorise import NOTES, who_can
from opsbot.commands.find_run import find_run
from opsbot.commands.reply import Reply, Small
from opsbot.commands.services import Asked
from opsbot.config.settings import Role
from opsbot.errors import NotFound, Refused, UsageError
from opsbot.store.rows import RunRow

WAITING = ("awaiting_approval", "countdown")
STOPPABLE = ("running", "waiting", "queued", *WAITING)
ENDED = ("succeeded", "undone", "cancelled", "failed", "rejected", "expired")
NAMED = 4  # runs that a question “which one?” names


def cancel(asked: Asked, args: Mapping[str, Any]) -> Reply:
    """Stop a run; without a word, the one that can be stopped."""
    run = meant(asked, "cancel", args.get("run"), STOPPABLE, "Nothing is running.")
    if run.status in ENDED:
        raise Refused(f"{run.title} has ended already: {run.outcome or run.status}", code="ended")
    if run.status == "undoing":
        raise Refused(f"{run.title} is being undone already.", "Wait for it to end.", code="undoing")
    asked.services.engine.cancel(run.id, asdict(asked.actor), asked.door)
    asked.services.submitted(run.id)
    undone = "" if run.status in WAITING else " What was done is undone."
    return noted(f"{asked.actor.name} asked to stop: {run.title}.{undone}", run)


def approve(asked: Asked, args: Mapping[str, Any]) -> Reply:
    """Say yes to somebody else's plan."""
    run = meant(asked, "approve", args.get("run"), WAITING, "Nothing waits for an approval.")
    if run.actor.get("id") == asked.actor.id:
        raise Refused("You asked for this yourself.", _others(asked, run), code="own_plan")
    asked.services.engine.approve(run.id, asdict(asked.actor), asked.door)
    asked.services.submitted(run.id)
    return noted(f"{asked.actor.name} approved: {run.title}.", run)


def reject(asked: Asked, args: Mapping[str, Any]) -> Reply:
    """Say no to a plan, and why."""
    run = meant(asked, "reject", args.get("run"), WAITING, "Nothing waits for an approval.")
    asked.services.engine.reject(run.id, asdict(asked.actor), asked.door)
    return noted(f"{asked.actor.name} rejected: {run.title}.", run)


def answer(asked: Asked, args: Mapping[str, Any]) -> Reply:
    """Tell a run that waits for a person what was done."""
    run = meant(asked, "answer", args.get("run"), ("waiting",), "No run waits for a person.")
    asked.services.engine.answer(run.id, asdict(asked.actor), args["text"], asked.door)
    asked.services.submitted(run.id)
    return noted(f"{asked.actor.name} answered: {args['text']}", run)


def meant(asked: Asked, note: str, word: str | None, statuses: tuple[str, ...], none: str) -> RunRow:
    """The run that a note is about, if the asker may say that note where the run is.

    Without a word it is the only one in `statuses`: where several wait, a newer one must not be taken for the one that
    the person looked at.
    """
    if word:
        found = find_run(asked.services.store, word)
        asked.require(lowest(note, found), note, found.environment)
        return found
    asked.require(NOTES.get(note, "operator"), note)
    fitting = asked.services.store.runs.by_status(statuses)
    if not fitting:
        raise NotFound(none, "`runs` shows what there is.")
    if len(fitting) > 1:
        names = ", ".join(f"`{note} {run.id}` ({run.title})" for run in fitting[:NAMED])
        raise UsageError(f"There are {len(fitting)} of them.", f"Say which one: {names}.", code="which_run")
    asked.require(lowest(note, fitting[0]), note, fitting[0].environment)
    return fitting[0]


def lowest(note: str, run: RunRow) -> Role:
    """The role that a note on this run needs: a plan's own rule says who decides; a countdown may be stopped by all."""
    if note == "approve" and run.plan.get("approval"):
        role: Role = run.plan["approval"]["from"]
        return role
    return NOTES.get(note, "operator")


def _others(asked: Asked, run: RunRow) -> str:
    services = asked.services
    others = who_can(services.config, lowest("approve", run), run.environment, services.called, {asked.actor.id})
    return f"Another person has to approve it. {others}"


def noted(text: str, run: RunRow) -> Reply:
    """The answer to a note on a run; the terminal goes on with that run where no bot serves."""
    body = {"noted": True, "run": run.id, "title": run.title}
    return Reply(text, "ok", [Small(run.id)], json=body, private=True)
