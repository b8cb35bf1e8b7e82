"""A command as a form: what is asked, made from its Spec, and the words that the answers are. Any playbook has one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from opsbot.commands import normalise
from opsbot.commands.authorise import authorise
from opsbot.commands.parse import parse
from opsbot.commands.request import Actor, Command, Request
from opsbot.commands.services import Asked
from opsbot.commands.spec import Spec
from opsbot.commands.tree import Tree
from opsbot.commands.words import assign, target
from opsbot.errors import OpsError, Refused
from opsbot.playbooks.params import FIRST, NAMED, Known, Param, Type, complete, convert

Kind = Literal["choice", "search", "yes_no", "number", "text", "long"]
MOST = 100  # choices that can be shown without searching
NEEDED = "This is needed."
HINTS: Mapping[Type, str] = {"duration": "such as 30m or 2h", "backup": "an id, or latest"}
_FIRST_ASKED: tuple[Type, ...] = NAMED  # what else may be chosen depends on them
_NOBODY = Actor("person", "", "")


@dataclass(frozen=True)
class Choice:
    """One answer that may be chosen; `note` says more about it."""

    value: str
    note: str = ""


@dataclass(frozen=True)
class Field:
    """One question. `value`: the answer so far, as text; a `search` finds its choices while somebody types."""

    name: str
    label: str
    kind: Kind
    required: bool = False
    hint: str = ""
    choices: tuple[Choice, ...] = ()
    value: str = ""


@dataclass(frozen=True)
class Form:
    """The questions of one command, in the order in which they are best answered. `plans`: it becomes a plan."""

    path: str
    about: str
    fields: tuple[Field, ...]
    plans: bool = False


@dataclass(frozen=True)
class Said:
    """A filled form as the words that somebody could have typed; `argv` where no line of chat says exactly that."""

    text: str
    argv: tuple[str, ...] | None = None


def form(asked: Asked, tree: Tree, spec: Spec, given: Mapping[str, str]) -> Form:
    """The form with what is given filled in. Refused (`not_allowed`) for somebody who may say this nowhere."""
    asked_for = [param for param in _ordered(spec.params) if param.name in given or not _unasked(param)]
    fields = [_field(param, tree.known, given.get(param.name, "")) for param in asked_for if not param.terminal]
    environment = target(spec.params)
    if environment is not None:
        mine = tuple(Choice(name) for name in allowed(asked, spec, environment, tree.known))
        fields = [replace(field, choices=mine) if field.name == environment.name else field for field in fields]
    else:
        _authorise(asked, spec, {})
    fields = [field for field in fields if not _settled(field)]
    return Form(spec.path, spec.about, tuple(fields), plans=spec.kind == "change")


def allowed(asked: Asked, spec: Spec, environment: Param, known: Known) -> list[str]:
    """The environments in which the asker may say it. Refused if there is none."""
    names = known.of("environment")
    mine = [name for name in names if may(asked, spec, {environment.name: name})]
    if names and not mine and environment.required:
        _authorise(asked, spec, {environment.name: names[0]})
    return mine


def may(asked: Asked, spec: Spec, values: Mapping[str, Any]) -> bool:
    """Whether the asker has the role for these words, as far as that is known before they are said."""
    try:
        _authorise(asked, spec, values)
    except Refused:
        return False
    return True


def begun(tree: Tree, request: Request) -> tuple[Spec, dict[str, str]] | None:
    """The command that a request names, and what it gives already; None if it names none."""
    words = list(request.argv) if request.argv is not None else normalise.words(request.text)
    found = tree.find(words)
    if found is None:
        return None
    spec, length = found
    options, left = _options(spec.params, words[length:])
    try:
        values = assign(spec.params, left, options, tree.known)
    except OpsError:
        values = {}
    return spec, {name: as_word(value) for name, value in values.items() if value is not None}


def faults(spec: Spec, values: Mapping[str, str], known: Known) -> dict[str, str]:
    """What is wrong with the answers, by field; nothing if they are a command."""
    found: dict[str, str] = {}
    for param in spec.params:
        text = values.get(param.name, "")
        try:
            if text:
                convert(param, text, known)
            elif param.required:
                found[param.name] = NEEDED
        except OpsError as error:
            found[param.name] = error.sentence()
    return found


def fault_of(spec: Spec, code: str) -> str | None:
    """The field that a refusal is about: `unknown_tag` is about the tag."""
    kind = code.removeprefix("unknown_")
    return next((param.name for param in spec.params if kind != code and kind in (param.type, param.name)), None)


def wanted(spec: Spec, values: Mapping[str, str], known: Known) -> Command:
    """The command that the answers ask for. UsageError, NotFound as when it is typed."""
    given = {param.name: convert(param, values[param.name], known) for param in spec.params if values.get(param.name)}
    return spec.make(complete(spec.params, given, known))


def said(tree: Tree, spec: Spec, values: Mapping[str, str]) -> Said:
    """The shortest line that means exactly these answers."""
    command = wanted(spec, values, tree.known)
    usual = {param.name: _default(param, tree.known) for param in spec.params}
    given = {name: text for name, text in values.items() if text and text != usual.get(name)}
    by_name = {param.name for param in spec.params if param.option}
    spoken = [param for param in spec.params if param.name in given]
    optional = {param.name for param in spoken if not param.required}
    for named in (by_name, by_name | optional, {param.name for param in spoken if not param.rest}):
        text = _line(spec, spoken, given, named)
        if _means(tree, text, command):
            return Said(text)
    options = [f"{param.flag}={given[param.name]}" for param in spoken]
    return Said(_line(spec, spoken, given, set(given)), (*spec.path.split(" "), *options))


def as_word(value: Any) -> str:
    """A param's value as somebody types it."""
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _ordered(params: Sequence[Param]) -> list[Param]:
    asked_first = [param for kind in _FIRST_ASKED for param in params if param.type == kind]
    others = [param for param in params if param.type not in _FIRST_ASKED]
    return [*asked_first, *sorted(others, key=lambda param: param.option)]


def _unasked(param: Param) -> bool:
    """What is off for everybody who does not type it: a form that offers it would invite to it."""
    return param.option and param.type == "boolean" and param.default is False


def _field(param: Param, known: Known, value: str) -> Field:
    choices = tuple(Choice(name) for name in known.of(param.type) or param.choices)
    hint = " · ".join(filter(None, (param.help, HINTS.get(param.type, ""))))
    return Field(
        name=param.name,
        label=param.name.replace("_", " ").capitalize(),
        kind=_kind(param, choices),
        required=param.required,
        hint=hint[:1].upper() + hint[1:],
        choices=choices,
        value=value or _default(param, known),
    )


def _settled(field: Field) -> bool:
    """Whether there is nothing to choose: the only service of opsbot.yml, say."""
    return field.kind == "choice" and not field.required and [choice.value for choice in field.choices] == [field.value]


def _kind(param: Param, choices: Sequence[Choice]) -> Kind:
    if param.suggest or len(choices) > MOST:
        return "search"
    if choices:
        return "choice"
    plain: Mapping[Type, Kind] = {"boolean": "yes_no", "integer": "number"}
    return "long" if param.rest or param.many else plain.get(param.type, "text")


def _default(param: Param, known: Known) -> str:
    if param.default is None:
        return ""
    if param.type in NAMED and param.default == FIRST:
        return next(iter(known.of(param.type)), "")
    return as_word(param.default)


def _authorise(asked: Asked, spec: Spec, values: Mapping[str, Any]) -> None:
    services = asked.services
    command = spec.make(values)
    authorise(services.config, asked.actor, command, services.playbooks, asked.groups, services.called)


def _options(params: Sequence[Param], words: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """The options among the words, by param, and the words that are left; flags of every command are passed over."""
    names = {param.flag: param.name for param in params}
    environment = target(params)
    names |= {"--env": environment.name} if environment else {}
    options: dict[str, str] = {}
    left: list[str] = []
    rest = iter(words)
    for word in rest:
        option, sep, value = word.partition("=")
        named = names.get(option.lower().replace("_", "-"))
        if named:
            options[named] = value if sep else next(rest, "")
        elif not word.startswith("--"):
            left.append(word)
    return {name: value for name, value in options.items() if value}, left


def _line(spec: Spec, spoken: Sequence[Param], given: Mapping[str, str], named: set[str]) -> str:
    """`deploy v2 to staging --smoke no`: what is not `named` stands in order, free text last."""
    words, options, rest = [spec.path], [], []
    for param in spoken:
        text = given[param.name]
        if param.rest:
            rest.append(text)
        elif param.name in named:
            options += [param.flag, _quoted(text)]
        else:
            words += [*_link(param, words, spec), _quoted(text)]
    return " ".join([*words, *options, *rest])


def _link(param: Param, before: Sequence[str], spec: Spec) -> list[str]:
    """The little word before an environment that something else stands before."""
    if param != target(spec.params) or len(before) < 2 or any(other.rest for other in spec.params):
        return []
    return ["to" if param.help.endswith(" to") else "on"]


def _quoted(text: str) -> str:
    return f'"{text}"' if " " in text else text


def _means(tree: Tree, text: str, command: Command) -> bool:
    try:
        return parse(tree, Request(_NOBODY, "slack", text=text)).command == command
    except OpsError:
        return False
