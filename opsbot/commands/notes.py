"""Notes on runs: cancel, approve, reject, answer, complete, sign, break-glass. The engine heeds them and keeps their record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from opsbot.commands import plan_card
from opsbot.commands.authorise import NOTES, who_can
from opsbot.commands.find_run import find_run
from opsbot.commands.reply import Part, Reply, Small
from opsbot.commands.say import clock_time
from opsbot.commands.services import Asked
from opsbot.config.settings import ROLES, Role
from opsbot.errors import NotFound, Refused, UsageError
from opsbot.runs.outputs import value
from opsbot.runs.plan import Plan
from opsbot.store.rows import RunRow

WAITING = ("awaiting_approval", "countdown")
STOPPABLE = ("running", "waiting", "queued", *WAITING)
ENDED = ("succeeded", "undone", "cancelled", "failed", "rejected", "expired")
NEEDED: Role = "operator"  # for what NOTES does not name
NAMED = 4  # runs that a question “which one?” names


def cancel(asked: Asked, args: Mapping[str, Any]) -> Reply:
    """Stop a run; without a word, the one that can be stopped."""
    run = meant(asked, "cancel", args.get("run"), STOPPABLE, "Nothing is running.")
    if run.status in ENDED:
        raise Refused(f"{run.title} has ended already: {run.outcome or run.status}", code="ended")
    if run.status == "undoing":
        raise Refused(f"{run.title} is being undone already.", "Wait for it to end.", code="undoing")
    only = (
        None if _may(asked, NEEDED, run.environment) else (run.status,)
    )  # a countdown may end while its row is looked at
    asked.services.engine.cancel(run.id, asdict(asked.actor), asked.door, only)
    asked.services.submitted(run.id)
    undone = "" if run.status in WAITING else " What was done is undone."
    return noted(f"{asked.actor.name} asked to stop: {run.title}.{undone}", run)


def approve(asked: Asked, args: Mapping[str, Any]) -> Reply:
    """Say yes to somebody else's plan."""
    run = meant(asked, "approve", args.get("run"), WAITING, "Nothing waits for an approval.")
    if run.actor.get("id") == asked.actor.id:
        raise Refused("This is your own plan.", _others(asked, run), code="own_plan")
    try:
        status = asked.services.engine.approve(run.id, asdict(asked.actor), asked.door, args.get("plan"))
    except Refused as refused:
        return _shown_anew(run, refused)
    asked.services.submitted(run.id)
    more = "" if status == "queued" else " It needs another yes."
    return noted(f"{asked.actor.name} approved: {run.title}.{more}", run)


def reject(asked: Asked, args: Mapping[str, Any]) -> Reply:
    """Say no to a plan, and why: `reject too late today`, `reject r2fgh too late today`."""
    word, reason = args.get("run"), args.get("reason")
    if word and not _names_a_run(asked, word):
        word, reason = None, " ".join(filter(None, (word, reason)))
    run = meant(asked, "reject", word, WAITING, "Nothing waits for an approval.")
    try:
        asked.services.engine.reject(run.id, asdict(asked.actor), asked.door, reason or None, args.get("plan"))
    except Refused as refused:
        return _shown_anew(run, refused)
    return noted(f"{asked.actor.name} rejected: {run.title}.{f' {reason}' if reason else ''}", run)


def answer(asked: Asked, args: Mapping[str, Any]) -> Reply:
    """Tell a run that waits for a person what was done."""
    run = meant(asked, "answer", args.get("run"), ("waiting",), "No run waits for a person.")
    asked.services.engine.answer(run.id, asdict(asked.actor), args["text"], asked.door)
    asked.services.submitted(run.id)
    return noted(f"{asked.actor.name} answered: {args['text']}", run)


def complete(asked: Asked, args: Mapping[str, Any]) -> Reply:
    """Say that the step at hand was done by hand, and what shows it: `complete r2fgh restarted it, see the log`."""
    run = meant(asked, "complete", args["run"], ("running", "waiting", "undoing", "failed"), "Nothing is in work.")
    first, _, rest = args["evidence"].partition(" ")
    steps = {step["id"]: step["name"] for step in run.plan.get("steps", ())}
    step, evidence = args.get("step"), args["evidence"]
    if step is None:
        step, evidence = (first, rest) if first in steps else (_at_hand(asked, run), evidence)
    if not step:
        raise Refused(f"{run.title} is {run.status}: there is nothing to complete.", code="ended")
    outputs = _outputs(args.get("output") or "")
    asked.services.engine.complete(run.id, step, asdict(asked.actor), evidence, asked.door, outputs)
    asked.services.submitted(run.id)
    return noted(f"{asked.actor.name} did “{steps[step]}” by hand: {evidence}", run)


def _outputs(text: str) -> dict[str, Any]:
    """`name=value`, one in a line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if wrong := next((line for line in lines if not line.partition("=")[1]), None):
        raise UsageError(f"“{wrong}” is no output.", "Say it as name=value.")
    return {name.strip(): value(word.strip()) for name, _, word in (line.partition("=") for line in lines)}


def break_glass(asked: Asked, args: Mapping[str, Any]) -> Reply:
    """Let a plan begin without its second person, after a countdown that anybody can stop. It leaves a debt."""
    run = meant(asked, "break-glass", args["run"], ("awaiting_approval",), "Nothing waits for an approval.")
    until = asked.services.engine.break_glass(run.id, asdict(asked.actor), args["reason"], asked.door)
    asked.services.submitted(run.id)
    when = clock_time(until, asked.actor.timezone, asked.services.clock.now())
    return noted(f"{asked.actor.name} broke the glass: {run.title} begins at {when} unless somebody stops it.", run)


def sign(asked: Asked, args: Mapping[str, Any]) -> Reply:
    """Say that one has looked at what ran without a second person."""
    debts = asked.services.store.debts.open_ones()
    word = args.get("run") or (debts[0].run if len(debts) == 1 else None)
    if word is None:
        cure = f"Say which one: {', '.join(f'`sign {debt.run}`' for debt in debts[:NAMED])}." if debts else ""
        raise NotFound(f"There are {len(debts) or 'no'} debts to sign.", cure, code="which_run" if debts else "no_debt")
    run = meant(asked, "sign", word, (), "")
    asked.services.engine.sign(run.id, asdict(asked.actor), args.get("note") or "", asked.door)
    return noted(f"{asked.actor.name} signed: {run.title}.", run)


def _names_a_run(asked: Asked, word: str) -> bool:
    return word.lstrip("#").isdigit() or asked.services.store.runs.get(word.lstrip("#").lower()) is not None


def _at_hand(asked: Asked, run: RunRow) -> str | None:
    """The step that the run is at: what it does or waits for, or whose undo failed."""
    view = asked.services.engine.view(run.id)
    states = ("undo_failed",) if run.status == "failed" else ("running", "waiting", "undoing", "failed")
    return next((step.id for step in reversed(view.steps) if step.state in states), None)


def meant(asked: Asked, note: str, word: str | None, statuses: tuple[str, ...], none: str) -> RunRow:
    """The run that a note is about, if the asker may say that note where the run is.

    Without a word it is the only one in `statuses`: where several wait, a newer one must not be taken for the one that
    the person looked at.
    """
    if word:
        found = find_run(asked.services.store, word)
        asked.require(_lowest(asked, note, found), note, found.environment)
        return found
    fitting = asked.services.store.runs.by_status(statuses)
    mine = [run for run in fitting if _may(asked, _lowest(asked, note, run), run.environment)]
    if not mine:
        asked.require_somewhere(NOTES.get(note, NEEDED), note)
    if not fitting:
        raise NotFound(none, "`runs` shows what there is.")
    if len(fitting) > 1:
        names = ", ".join(f"`{note} {run.id}` ({run.title})" for run in (mine or fitting)[:NAMED])
        raise UsageError(f"There are {len(fitting)} of them.", f"Say which one: {names}.", code="which_run")
    asked.require(_lowest(asked, note, fitting[0]), note, fitting[0].environment)
    return fitting[0]


def _lowest(asked: Asked, note: str, run: RunRow) -> Role:
    """The role that a note on this run needs: a plan's own rule says who decides; a countdown is stopped by anybody here."""
    if note == "approve" and run.plan.get("approval"):
        role: Role = run.plan["approval"]["from"]
        return role
    if run.status == "countdown" and note in ("reject", "cancel"):
        return "viewer"
    return NOTES.get(note, NEEDED)


def _may(asked: Asked, lowest: Role, environment: str | None) -> bool:
    """Whether the asker has that role there; everywhere, if no place is named."""
    role = asked.role_everywhere() if environment is None else asked.role(environment)
    return ROLES.index(role) >= ROLES.index(lowest)


def _shown_anew(run: RunRow, refused: Refused) -> Reply:
    """Whoever answered another plan is shown the one that stands, with its own buttons. Raises every other refusal."""
    if refused.code != "plan_changed":
        raise refused
    plan = Plan.from_json(run.plan)
    parts: list[Part] = [plan_card.facts(plan), Small(f"{run.title}. {run.id} · plan {run.fingerprint}")]
    return Reply(
        refused.sentence(), "bad", parts, plan_card.decide(run.id, run.title, run.fingerprint),
        json=refused.as_json(), ok=False, code=refused.code, exit_code=refused.exit_code, private=True,
    )  # fmt: skip


def _others(asked: Asked, run: RunRow) -> str:
    services = asked.services
    others = who_can(
        services.config, _lowest(asked, "approve", run), run.environment, services.called, {asked.actor.id}
    )
    return f"Another person has to approve it. {others}"


def noted(text: str, run: RunRow) -> Reply:
    """The answer to a note on a run; the terminal goes on with that run where no bot serves."""
    body = {"noted": True, "run": run.id, "title": run.title}
    return Reply(text, "ok", [Small(run.id)], json=body, private=True)
