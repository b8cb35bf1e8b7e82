"""What the loader checks beyond the schema: steps, their arguments, expressions, the way back and the way to say no."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from opsbot.config.document import Document, Place
from opsbot.errors import OpsError, closest
from opsbot.playbooks import expressions
from opsbot.playbooks.params import NAMED, Known, convert
from opsbot.playbooks.playbook import Playbook, StepSpec
from opsbot.runs.step import Step
from opsbot.steps.varies import Varies

RESERVED_PARAMS = ("help", "json", "plan", "env", "words", "as_planned", "break_glass")
RUN_FIELDS = ("id", "actor", "environment")


def check_playbook(text: Document, playbook: Playbook, steps: Mapping[str, Step]) -> None:
    """Raise a ConfigError for the first thing that would go wrong later."""
    _check_params(text, playbook)
    _check_approval(text, playbook)
    seen: dict[str, StepSpec] = {}
    for index, spec in enumerate(playbook.steps):
        place: Place = ("steps", index)
        if spec.id in seen:
            raise text.error((*place, "id"), f"two steps have the id “{spec.id}”.", "Give each its own.")
        step = _known_step(text, place, spec, steps)
        _check_way_back(text, place, spec, step)
        scope = _Scope(playbook, seen, steps)
        _check_expressions(text, (*place, "with"), spec.arguments, scope)
        _check_condition(text, (*place, "when"), spec.when, scope)
        _check_arguments(text, (*place, "with"), spec, step)
        seen[spec.id] = spec
        _check_condition(text, (*place, "check"), spec.check, _Scope(playbook, seen, steps))
    _check_sentences(text, playbook, steps)


def changes(step: Step, arguments: Mapping[str, Any]) -> bool:
    """Whether a step changes the world with these arguments."""
    return step.changes(arguments) if isinstance(step, Varies) else step.mutates


def reversible(step: Step, arguments: Mapping[str, Any]) -> bool:
    """Whether a step can be undone with these arguments."""
    return step.reversible(arguments) if isinstance(step, Varies) else True


def keeps(step: Step) -> str | None:
    """The output that names what the step made, if that stays as long as what came after it does."""
    found: str | None = getattr(step, "keeps", None)
    return found


class _Scope:
    """What an expression may name at one place of a playbook."""

    def __init__(self, playbook: Playbook, before: Mapping[str, StepSpec], steps: Mapping[str, Step]) -> None:
        self.roots: dict[str, Any] = {
            "params": dict.fromkeys(playbook.params),
            "run": dict.fromkeys(RUN_FIELDS),
            "steps": {name: dict.fromkeys(steps[spec.kind].outputs) for name, spec in before.items()},
        }

    def missing(self, path: expressions.Path) -> tuple[expressions.Path, str, list[str]] | None:
        """Where the path leads to nothing, the name there that does not exist, and the names that do; None = all is well."""
        level: Any = self.roots
        for depth, name in enumerate(path):
            if not isinstance(level, dict):
                return None
            if name not in level:
                return path[:depth], name, list(level)
            level = level[name]
        return None


def _check_params(text: Document, playbook: Playbook) -> None:
    for name, param in zip(playbook.params, playbook.arguments(), strict=True):
        place: Place = ("params", name)
        if name in RESERVED_PARAMS or not name.isidentifier():
            raise text.error(place, f"a param cannot be called “{name}”.", "Choose another lower-case word.")
        if param.default is None or param.type in NAMED:
            continue
        try:
            convert(param, str(param.default), Known())
        except OpsError as error:
            raise text.error((*place, "default"), error.what, error.fix) from error


def _check_approval(text: Document, playbook: Playbook) -> None:
    if playbook.approve is None:
        return
    for key in ("on_reject", "on_expire"):
        if not getattr(playbook, key):
            raise text.error(("approve",), f"an approval needs {key}: what is said then.", f"Add “{key}: …”.")
    if playbook.approve.when_protected and playbook.environment_param() is None:
        raise text.error(
            ("approve", "when_protected"),
            "there is no param of type environment.",
            "Add one, or remove when_protected.",
        )


def _known_step(text: Document, place: Place, spec: StepSpec, steps: Mapping[str, Step]) -> Step:
    if spec.kind not in steps:
        near = closest(spec.kind, steps)
        cure = f"Did you mean {' or '.join(near)}?" if near else f"Known: {', '.join(sorted(steps))}."
        raise text.error((*place, "do"), f"there is no step “{spec.kind}”.", cure)
    return steps[spec.kind]


def _check_way_back(text: Document, place: Place, spec: StepSpec, step: Step) -> None:
    if not changes(step, spec.arguments):
        return
    if spec.undo == "impossible" and not spec.why:
        raise text.error((*place, "undo"), f"why can the step “{spec.id}” not be undone?", "Add “why: …”.")
    if spec.undo is True and not reversible(step, spec.arguments):
        raise text.error(
            place,
            f"the step “{spec.id}” changes something and says no way back.",
            "Give its with an undo, or write “undo: impossible” and “why: …”.",
        )


def _check_expressions(text: Document, place: Place, value: Any, scope: _Scope) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            _check_expressions(text, (*place, key), item, scope)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check_expressions(text, (*place, index), item, scope)
    elif expressions.is_template(value):
        _check_template(text, place, value, scope)


def _check_condition(text: Document, place: Place, condition: str | None, scope: _Scope) -> None:
    if condition is not None:
        _check_template(text, place, expressions.as_template(condition), scope)


def _check_template(text: Document, place: Place, template: str, scope: _Scope) -> None:
    try:
        paths = list(expressions.references(template))
        expressions.check(template)
    except OpsError as error:
        raise text.error(place, error.what, error.fix) from error
    for path in paths:
        absent = scope.missing(path)
        if absent:
            above, name, known = absent
            near = [".".join((*above, word)) for word in closest(name, known) or known]
            cure = f"Did you mean {' or '.join(near[:3])}?" if near else "Declare it first."
            raise text.error(place, f"nothing is known by the name “{'.'.join((*above, name))}” here.", cure)


def _check_arguments(text: Document, place: Place, spec: StepSpec, step: Step) -> None:
    """The step's own model judges constants; what an expression gives is judged when it is known.

    A validator of the whole model sees expressions as they stand, so it may only ask which arguments are given.
    """
    try:
        step.With.model_validate(spec.arguments)
    except ValidationError as invalid:
        errors = sorted(invalid.errors(include_url=False), key=lambda error: error["type"] != "extra_forbidden")
        for error in errors:
            where = tuple(part for part in error["loc"] if not _is_union_tag(part))
            if where and error["type"] != "extra_forbidden" and _has_template(_at(spec.arguments, where)):
                continue
            raise _argument_error(text, place, spec, step, where, error) from invalid


def _argument_error(
    text: Document, place: Place, spec: StepSpec, step: Step, where: Place, error: Mapping[str, Any]
) -> OpsError:
    dotted = ".".join(str(part) for part in where)
    if error["type"] == "extra_forbidden":
        fields = [field.alias or name for name, field in step.With.model_fields.items()]
        near = closest(str(where[-1]), fields, 1)
        cure = f"Did you mean “{near[0]}”?" if near else f"It knows: {', '.join(fields)}."
        return text.error((*place, *where), f"the step {spec.kind} does not know “{dotted}”.", cure)
    if error["type"] == "missing":
        return text.error(place, f"the step {spec.kind} needs “{dotted}”.", "Add it under with.")
    message = str(error["msg"]).removeprefix("Value error, ")
    subject = f"“{dotted}” of " if dotted else ""
    return text.error((*place, *where), f"{subject}the step {spec.kind}: {message}.", "Correct the value.")


def _is_union_tag(part: str | int) -> bool:
    return isinstance(part, str) and (part.endswith(("]", ")")) or part in ("str", "int", "float", "bool"))


def _at(value: Any, where: Place) -> Any:
    """What stands at a place of the arguments; None if nothing does."""
    for part in where:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _has_template(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_has_template(item) for item in value.values())
    if isinstance(value, list):
        return any(_has_template(item) for item in value)
    return expressions.is_template(value)


def _check_sentences(text: Document, playbook: Playbook, steps: Mapping[str, Step]) -> None:
    read_only = {spec.id: spec for spec in playbook.steps if not changes(steps[spec.kind], spec.arguments)}
    whole = _Scope(playbook, {spec.id: spec for spec in playbook.steps}, steps)
    before = _Scope(playbook, read_only, steps)
    for key, sentence in playbook.say:
        if sentence:
            _check_expressions(text, ("say", key), sentence, before if key == "title" else whole)
    if playbook.offer:
        _check_expressions(text, ("offer", "command"), playbook.offer.command, whole)
        _check_condition(text, ("offer", "when"), playbook.offer.when, whole)
    if playbook.lock:
        lock = playbook.lock if isinstance(playbook.lock, str) else list(playbook.lock)
        _check_expressions(text, ("lock",), lock, _Scope(playbook, {}, steps))
    for key in ("on_reject", "on_expire"):
        _check_expressions(text, (key,), getattr(playbook, key), _Scope(playbook, {}, steps))
