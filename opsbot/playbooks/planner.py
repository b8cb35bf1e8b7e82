"""Makes a plan of a playbook: asks each step for its facts, in order, and changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from opsbot.config.settings import Environment
from opsbot.errors import ConfigError, OpsError
from opsbot.playbooks import expressions
from opsbot.playbooks.checks import changes, keeps, reversible
from opsbot.playbooks.expressions import ExpressionError
from opsbot.playbooks.playbook import Playbook, StepSpec
from opsbot.runs.plan import Plan, PlannedStep
from opsbot.runs.step import Fact, Facts, Json, Outputs, Step


@dataclass
class PlanningContext:
    """The context of a step that only tells its facts: there is no run, nothing can be cancelled, nobody listens."""

    actor: str
    environment: str | None
    step: str = ""
    run: str = ""
    parked: Mapping[str, Json] | None = None
    answer: str | None = None

    def progress(self, done: float, total: float, text: str = "") -> None:
        return None

    def say(self, text: str) -> None:
        return None

    @property
    def cancelled(self) -> bool:
        return False

    def check(self) -> None:
        return None

    def sleep(self, seconds: float) -> None:
        raise RuntimeError(f"the facts of {self.step} must not wait")


def plan(
    playbook: Playbook,
    params: Mapping[str, Any],
    actor: str,
    environments: Mapping[str, Environment],
    steps: Mapping[str, Step],
) -> Plan:
    """What a run of the playbook would do and what is true now. A step that cannot tell its facts adds a red one."""
    name = playbook.environment_param()
    environment = str(params[name]) if name else None
    scope: dict[str, Any] = {
        "params": dict(params),
        "steps": {},
        "run": {"id": "", "actor": actor, "environment": environment},
    }
    facts: list[tuple[str, Fact]] = []
    for spec in playbook.steps:
        context = PlanningContext(actor, environment, spec.id)
        found = _facts(spec, steps[spec.kind], context, scope)
        facts += [(spec.id, fact) for fact in found.items]
        if found.outputs is not None:
            scope["steps"][spec.id] = dict(found.outputs)
    return Plan(
        playbook=playbook.name,
        title=_sentence(playbook.say.title, scope) or f"{playbook.path} {environment or ''}".strip(),
        params=dict(params),
        environment=environment,
        lock=expressions.resolve(playbook.lock, scope) if playbook.lock else None,
        passes_freeze=playbook.passes_freeze,
        steps=tuple(_planned(spec, steps[spec.kind]) for spec in playbook.steps),
        facts=tuple(facts),
        approval=_approval(playbook, environment, environments),
        playbook_hash=playbook.hash,
        say=_said(playbook, scope),
        sentences={key: sentence for key, sentence in _told_at_the_end(playbook).items() if sentence},
    )


def _facts(spec: StepSpec, step: Step, context: PlanningContext, scope: Mapping[str, Any]) -> Facts:
    try:
        if spec.when is not None and not expressions.resolve(expressions.as_template(spec.when), scope):
            return Facts((Fact("left_out", "amber", spec.left_out, bind=True),) if spec.left_out else ())
        arguments = expressions.resolve(spec.arguments, scope)
    except ExpressionError:
        return Facts()  # what it needs is an output of a step that has not run yet
    typed = _typed(spec, step, arguments)
    try:
        return step.facts(context, typed)
    except OpsError as error:
        return Facts((Fact(error.code, "red", error.sentence(), bind=error.code, again=error.again),))


def _typed(spec: StepSpec, step: Step, arguments: Outputs) -> Any:
    try:
        return step.With.model_validate(arguments)
    except ValidationError as invalid:
        first = invalid.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            f"The step “{spec.name}” cannot use “{where}”: {first['msg']}.", "Correct the playbook."
        ) from invalid


def _planned(spec: StepSpec, step: Step) -> PlannedStep:
    mutates = changes(step, spec.arguments)
    return PlannedStep(
        id=spec.id,
        name=spec.name,
        do=spec.kind,
        arguments=spec.arguments,
        when=expressions.as_template(spec.when) if spec.when is not None else None,
        check=expressions.as_template(spec.check) if spec.check is not None else None,
        undo=mutates and spec.undo is True and reversible(step, spec.arguments),
        why_no_undo=spec.why if spec.undo == "impossible" else None,
        on_resume=spec.on_resume or ("recheck" if mutates else "rerun"),
        timeout=spec.timeout.total_seconds(),
        retries=spec.retry,
        quiet=spec.quiet.total_seconds() if spec.quiet else None,
        keeps=keeps(step),
        by_person=spec.kind == "manual",
    )


def _approval(
    playbook: Playbook, environment: str | None, environments: Mapping[str, Environment]
) -> Mapping[str, Json] | None:
    rule = playbook.approve
    if rule is None:
        return None
    known = environments.get(environment or "")
    if rule.when_protected and known is not None and not known.protected:
        return None
    expires = known.approve_within if known is not None and known.approve_within else rule.expires
    return {"from": rule.from_role, "expires": expires.total_seconds(), "people": rule.people}


def _said(playbook: Playbook, scope: Mapping[str, Any]) -> dict[str, str]:
    sentences = {**_told_at_the_end(playbook), "rejected": playbook.on_reject, "expired": playbook.on_expire}
    rendered = {key: _sentence(sentence, scope) for key, sentence in sentences.items()}
    return {key: sentence for key, sentence in rendered.items() if sentence}


def _told_at_the_end(playbook: Playbook) -> dict[str, str | None]:
    """Sentences about what was done, which only the end of a run can fill in."""
    return {"success": playbook.say.success, "failure": playbook.say.failure}


def _sentence(template: str | None, scope: Mapping[str, Any]) -> str | None:
    """The sentence, or None where a step could not find out what it speaks of."""
    try:
        return str(expressions.resolve(template, scope)) if template else None
    except ExpressionError:
        return None
