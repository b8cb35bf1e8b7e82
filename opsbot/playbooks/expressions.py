"""Expressions in playbooks: `{{ params.tag }}`. Whole values keep their type, mixed text renders to text, data is never rendered.

Jinja's sandbox alone would allow `'a' * 50000000` and methods of values, so only a short list of nodes may stand in a
template, and names lead only through mappings and lists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, TemplateSyntaxError, Undefined, UndefinedError, nodes
from jinja2.sandbox import SandboxedEnvironment

from opsbot.errors import OpsError

LONGEST_TEMPLATE = 4_000  # characters; a sentence or a URL, not a program
LONGEST_TEXT = 20_000  # characters of a rendered value
FILTERS = ("default", "first", "int", "join", "last", "length", "lower", "round", "trim", "upper")
TESTS = ("defined", "undefined", "none", "eq", "ne", "in", "true", "false")
_ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Const,
    nodes.List,
    nodes.Tuple,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Neg,
    nodes.CondExpr,
    nodes.Test,
    nodes.Filter,
)

Path = tuple[str, ...]


class ExpressionError(OpsError):
    """An expression is not allowed, or has no value here."""

    code = "expression"
    exit_code = 2


class _Undefined(StrictUndefined):
    """Also refuses to stand for a missing value further down: `steps.x.y` where x is missing."""


class _Environment(SandboxedEnvironment):
    """Dots and brackets reach into mappings and lists, never into attributes of Python objects."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, Undefined):
            raise UndefinedError(obj._undefined_message)
        if isinstance(obj, Mapping) and argument in obj:
            return obj[argument]
        listed = isinstance(obj, Sequence) and not isinstance(obj, str) and isinstance(argument, int)
        if listed and -len(obj) <= argument < len(obj):
            return obj[argument]
        return self.undefined(hint=f"there is no “{argument}” in it")


_environment = _Environment(undefined=_Undefined, keep_trailing_newline=True, autoescape=False)
_environment.filters = {name: _environment.filters[name] for name in FILTERS}
_environment.tests = {name: _environment.tests[name] for name in TESTS}
_environment.globals = {}


def is_template(value: object) -> bool:
    """Whether a value is text with an expression (or a statement, which `check` refuses) in it."""
    return isinstance(value, str) and ("{{" in value or "{%" in value or "{#" in value)


def as_template(condition: str) -> str:
    """A condition (`when`, `check`) as a whole-value template; braces around it are optional."""
    return condition if is_template(condition) else "{{ " + condition + " }}"


def check(template: str) -> None:
    """Raise ExpressionError unless the template uses only what is allowed."""
    _compile(template)


def references(value: Any) -> Iterator[Path]:
    """The dotted names that a template (or mapping or list of templates) reads: ("steps", "image", "digest")."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from references(item)
    elif is_template(value):
        yield from _names(_parse(value))


def resolve(value: Any, scope: Mapping[str, Any]) -> Any:
    """The value with every template in it (also inside mappings and lists) replaced; ExpressionError if one has no value."""
    if isinstance(value, Mapping):
        return {key: resolve(item, scope) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [resolve(item, scope) for item in value]
    return _compile(value)(scope) if is_template(value) else value


def _parse(template: str) -> nodes.Template:
    if len(template) > LONGEST_TEMPLATE:
        raise ExpressionError(f"An expression is longer than {LONGEST_TEMPLATE} characters.", "Shorten it.")
    try:
        tree = _environment.parse(template)
    except TemplateSyntaxError as error:
        raise ExpressionError(
            f"“{_short(template)}” cannot be read: {(error.message or '').rstrip('.')}.", "Mend the expression."
        ) from error
    except RecursionError as error:
        raise ExpressionError(f"“{_short(template)}” is nested too deep.", "Make it simpler.") from error
    for node in _walk(tree):
        _check_node(node, template)
    return tree


def _check_node(node: nodes.Node, template: str) -> None:
    if not isinstance(node, _ALLOWED):
        what = type(node).__name__
        raise ExpressionError(
            f"“{_short(template)}” uses what playbooks do not have ({what}).",
            "Use names, comparisons, and/or/not, “a if b else c” and filters only.",
        )
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        raise ExpressionError(f"There is no filter “{node.name}”.", f"Known: {', '.join(FILTERS)}.")
    if isinstance(node, nodes.Test) and node.name not in TESTS:
        raise ExpressionError(f"There is no test “{node.name}”.", f"Known: {', '.join(TESTS)}.")


@lru_cache(maxsize=2048)
def _compile(template: str) -> Callable[[Mapping[str, Any]], Any]:
    tree = _parse(template)
    whole = _whole(tree, template)
    call = _expression(whole) if whole is not None else _environment.from_string(template).render

    def evaluate(scope: Mapping[str, Any]) -> Any:
        try:
            found = call(dict(scope))
        except UndefinedError as error:
            raise ExpressionError(f"“{_short(template)}” has no value here: {error.message}.") from error
        except (TypeError, ValueError) as error:
            raise ExpressionError(f"“{_short(template)}” cannot be worked out: {error}.") from error
        return _bounded(found, template)

    return evaluate


def _expression(source: str) -> Callable[[Mapping[str, Any]], Any]:
    try:
        compiled = _environment.compile_expression(source, undefined_to_none=False)
    except TemplateSyntaxError as error:  # such as a comment, which ends where the braces did
        raise ExpressionError(f"“{_short(source)}” cannot be read: {error.message}.", "Mend the expression.") from error

    def call(scope: Mapping[str, Any]) -> Any:
        found = compiled(scope)
        if isinstance(found, Undefined):
            raise UndefinedError(found._undefined_message)
        return found

    return call


def _whole(tree: nodes.Template, template: str) -> str | None:
    """The source of the one expression that the template is, or None for mixed text."""
    if len(tree.body) != 1 or not isinstance(tree.body[0], nodes.Output):
        return None
    output = tree.body[0].nodes
    if len(output) != 1 or isinstance(output[0], nodes.TemplateData):
        return None
    if not (template.startswith("{{") and template.endswith("}}")):
        return None
    inner = template[2:-2]  # a sign right beside the braces is whitespace control, not part of the expression
    return inner[1 if inner[0] in "-+" else 0 : -1 if inner[-1] in "-+" else None]


def _bounded(found: Any, template: str) -> Any:
    if isinstance(found, str) and len(found) > LONGEST_TEXT:
        raise ExpressionError(f"“{_short(template)}” makes a text of {len(found)} characters.", "Shorten it.")
    return found


def _names(node: nodes.Node) -> Iterator[Path]:
    path = _path(node)
    if path:
        yield path
        return
    for child in node.iter_child_nodes():
        yield from _names(child)


def _path(node: nodes.Node) -> Path:
    if isinstance(node, nodes.Name):
        return (node.name,)
    if isinstance(node, nodes.Getattr):
        above = _path(node.node)
        return (*above, node.attr) if above else ()
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
        above = _path(node.node)
        return (*above, node.arg.value) if above else ()
    return ()


def _walk(node: nodes.Node) -> Iterator[nodes.Node]:
    yield node
    for child in node.iter_child_nodes():
        yield from _walk(child)


def _short(template: str) -> str:
    return template if len(template) <= 80 else template[:79] + "…"
