"""`explain RUN` and `explain deploy v2 to staging`: why each fact of a plan has its colour, and what an approval binds to."""

from __future__ import annotations

import json
from collections.abc import Callable

from opsbot.commands import backup_meant, plan_card, say
from opsbot.commands.find_run import find_run
from opsbot.commands.reply import Line, Lines, Part, Reply, Small, Tone, Words
from opsbot.commands.request import ChangeRequest, Command
from opsbot.commands.rules_of_facts import GENERAL, rule
from opsbot.commands.services import Asked
from opsbot.errors import NotFound, UsageError
from opsbot.runs.plan import Plan
from opsbot.runs.step import Fact
from opsbot.store.rows import ApprovalRow, RunRow

BOUND = 60  # characters of an identity


def explain(asked: Asked, what: str, understand: Callable[[str], Command]) -> Reply:
    """The plan of a run as it was stored, or of a change as it would be planned now. Nothing is changed."""
    try:
        run = find_run(asked.services.store, what) if " " not in what.strip() else None
    except NotFound:
        run = None
    if run is not None:
        plan = _stored(run)
        return _explained(plan, f"Run {run.id}, planned by {run.actor.get('name')}: {plan.title}.", asked, run)
    try:
        command = understand(what)
    except UsageError as error:
        if error.code != "unknown_command":
            raise
        raise NotFound(f"There is no run and no change “{say.typed(what)}”.", "`runs` lists the runs.") from error
    if not isinstance(command, ChangeRequest):
        raise UsageError("Only a change has a plan to explain.", "Such as `explain deploy v2 to staging`.")
    command = backup_meant.settled(asked, command)
    plan = asked.services.plan(asked.services.playbooks[command.playbook], command.params, asked.actor.name)
    return _explained(plan, f"What is true now: {plan.title}.", asked)


def _explained(plan: Plan, text: str, asked: Asked, run: RunRow | None = None) -> Reply:
    steps = {step.id: step for step in plan.steps}
    rules = [rule(steps[step].do if step in steps else "", fact) for step, fact in plan.facts]
    lines = [
        _line(steps[step].name if step in steps else step, fact, why)
        for (step, fact), why in zip(plan.facts, rules, strict=True)
    ]
    parts: list[Part] = [Lines(lines, "Facts")] if lines else [Words("No step of this plan has anything to look at.")]
    parts.append(Small(_bindings(plan)))
    if plan.approval:
        parts.append(
            Small(
                plan_card.approval(plan.approval, plan_card.approvers(asked.services)(plan.approval, plan.environment))
            )
        )
    said = [_said(row) for row in asked.services.store.approvals.of(run.id)] if run else []
    parts += [Lines(said, "What people said")] if said else []
    parts += [Words(run.outcome)] if run and run.outcome else []
    body = {"run": run.id if run else None, "plan": plan.as_json(), "colours": GENERAL, "rules": rules}
    tone: Tone = "bad" if plan.red else "warn" if any(fact.color == "amber" for _, fact in plan.facts) else "ok"
    return Reply(text, tone, parts, json=body)


def _stored(run: RunRow) -> Plan:
    """NotFound (`unreadable`) for a plan that a version of the bot stored which this one does not understand."""
    try:
        return Plan.from_json(run.plan)
    except ValueError as error:
        what = f"The plan of run {run.id} was stored by another version of the bot, and this one cannot read it."
        raise NotFound(what, f"`runs {run.id}` shows what it did.", code="unreadable") from error


def _line(step: str, fact: Fact, why: str) -> Line:
    bound = "" if fact.bind is None else f"; bound to {_short(fact.bind)}"
    return Line(plan_card.TONES[fact.color], fact.text, f"{step}; {why}{bound}")


def _said(row: ApprovalRow) -> Line:
    reason = f": {row.reason}" if row.reason else ""
    tone: Tone = "ok" if row.verdict == "yes" else "bad"
    return Line(tone, f"{row.who} said {row.verdict}{reason}", f"to plan {row.fingerprint}")


def _bindings(plan: Plan) -> str:
    locks = f" It locks {', '.join(plan.locks)}." if plan.locks else ""
    return f"Plan {plan.fingerprint}: its params, its playbook, and what the facts are bound to.{locks}"


def _short(bind: object) -> str:
    text = bind if isinstance(bind, str) else json.dumps(bind, default=str)
    return text if len(text) <= BOUND else f"{text[: BOUND - 1]}…"
