"""A change from its request to its run: planned, refused with the way out, or handed to the engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any

from opsbot.commands import backup_meant, helping, plan_card
from opsbot.commands.reply import Button, Reply, Small
from opsbot.commands.request import ChangeRequest, Request
from opsbot.commands.services import Asked, Services
from opsbot.config import secrets
from opsbot.config.settings import Config
from opsbot.errors import OpsError, Refused, UsageError
from opsbot.log import redactor
from opsbot.playbooks.playbook import Playbook
from opsbot.runs.gate import overlap
from opsbot.runs.plan import Plan
from opsbot.store.seen import Claim


def change(asked: Asked, request: Request, wanted: ChangeRequest, claim: Claim | None = None) -> Reply:
    """The plan, a refusal, that nothing is to be done, or the run that was submitted. `claim`: the words that ask for it.

    Refused (`plan_changed`): it is not the plan that was shown; (`secret`): it holds one, plans are kept, and it is no
    way back, which nothing may hold up.
    """
    services = asked.services
    playbook = services.playbooks[wanted.playbook]
    _check_secrets(wanted.params, playbook, services.config)
    wanted = backup_meant.settled(asked, wanted)
    plan = _told_openly(services.plan(playbook, wanted.params, asked.actor.name))
    _check_secrets(plan.as_json(), playbook, services.config)
    if wanted.as_planned not in (None, plan.fingerprint):
        return _changed(plan, playbook)
    if plan.idle:
        return plan_card.idle(plan, plan.idle)
    if wanted.plan_only:
        return plan_card.plan_reply(plan, playbook, services, asked.actor.id)
    if plan.red:
        return _refused(plan, playbook, services)
    if wanted.break_glass is not None:
        _check_reason(wanted.break_glass)
    try:
        glass = wanted.break_glass if plan.approval else None
        run = services.engine.submit(
            plan, asdict(asked.actor), request.door, request.channel, request.thread, glass, claim
        )
    except Refused as refused:
        return replace(of_error(refused), buttons=_way_out(asked, plan))
    services.submitted(run)
    body = {"run": run, "title": plan.title, "fingerprint": plan.fingerprint}
    return Reply(f"{plan.title}.", "busy", [Small(run)], json=body, run=run)


def _changed(plan: Plan, playbook: Playbook) -> Reply:
    what = "What would happen now is not what was shown. Nothing was changed."
    reply = of_error(Refused(what, "Look at the plan again.", code="plan_changed"))
    again = plan_card.command(playbook, plan.params)
    return replace(reply, buttons=[Button("Show the plan", f"{again} --plan")] if again else [])


def _refused(plan: Plan, playbook: Playbook, services: Services) -> Reply:
    """The refusal, and what helps."""
    reply = plan_card.refusal(plan)
    ways = helping.of_refusal(plan, reply.code, playbook, services)
    return replace(reply, parts=[*reply.parts, *helping.told(ways)], buttons=[way.button for way in ways])


def of_error(error: OpsError) -> Reply:
    """What went wrong and what to do, as a reply that only the asker sees."""
    parts = [Small("Trying again can help.")] if error.again else []
    return Reply(
        error.sentence(), "bad", parts, json=error.as_json(), ok=False, code=error.code, exit_code=error.exit_code,
        private=True,
    )  # fmt: skip


def _told_openly(plan: Plan) -> Plan:
    """The plan with its facts' sentences blanked: nobody typed them, and nothing is bound to them."""
    told = ((step, replace(fact, text=redactor.clean_names(fact.text))) for step, fact in plan.facts)
    return replace(plan, facts=tuple(told))


def _check_secrets(kept: Mapping[str, Any], playbook: Playbook, config: Config) -> None:
    """What is done is what was planned, so a plan cannot be blanked: one with a secret in it is refused."""
    found = None if playbook.passes_freeze else next(_with_secret(kept), None)
    if found is None:
        return
    field, value = found
    named = " and ".join(secrets.held_in(config, value))
    what = (
        f"“{redactor.clean(field)}” holds a value that opsbot.yml names as a secret{f' ({named})' if named else ''}, "
        "and plans are kept and shown. Nothing was changed."
    )
    cure = "Leave it out: what needs it reads it where opsbot.yml says. If it was said where others read, change it."
    raise Refused(what, cure, code="secret")


def _with_secret(kept: Any, field: str = "") -> Iterator[tuple[str, str]]:
    """Where a secret stands, as `steps.2.arguments.tag`, and the text there."""
    if isinstance(kept, Mapping):
        for key, value in kept.items():
            yield from _with_secret(str(key), f"{field} key".strip())
            yield from _with_secret(value, f"{field}.{key}".strip("."))
    elif isinstance(kept, list | tuple):
        for number, value in enumerate(kept, 1):
            yield from _with_secret(value, f"{field}.{number}")
    elif kept is not None and redactor.holds(str(kept)):
        yield field, str(kept)


def _check_reason(reason: str) -> None:
    if len(reason.split()) < 2:
        raise UsageError("Why can it not wait? The reason stays in the record.", '--break-glass "the site is down"')


def _way_out(asked: Asked, plan: Plan) -> list[Button]:
    """What helps the one who was refused a lock: to stop the run that holds it, where that is theirs or not protected."""
    services = asked.services
    stop = "Stop it and undo what it did?"
    standing = services.store.locks.list(services.clock.now())
    holders = [lock for lock in standing if any(overlap(lock.target, target) for target in plan.locks)]
    environment = services.config.environments.get(plan.environment or "")
    protected = environment is not None and environment.protected
    runs = dict.fromkeys(lock.run for lock in holders if not protected or lock.who == asked.actor.name)
    return [Button(f"Cancel {run}", f"cancel {run}", "danger", stop) for run in runs]
