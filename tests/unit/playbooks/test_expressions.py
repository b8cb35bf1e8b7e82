"""Expressions: types are kept, data stays data, nothing big or clever can be written."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsbot.errors import OpsError
from opsbot.playbooks.expressions import ExpressionError, as_template, references, resolve

SCOPE: dict[str, Any] = {
    "params": {"tag": "1.10", "times": 3, "items": "mine", "evil": "{{ run.id }}", "none": None},
    "steps": {"image": {"rows": [1, 2], "deep": {"x": "y"}}},
    "run": {"id": "r1"},
}

VALUES = [
    ("{{ params.tag }}", "1.10"),
    ("{{ params.times }}", 3),
    ("{{params['times']}}", 3),
    ("{{- params.times -}}", 3),
    ("{{ -1 }}", -1),
    ("tag {{ params.tag }}!", "tag 1.10!"),
    ("{{ params.tag }}{{ params.times }}", "1.103"),
    ("{{ params.items }}", "mine"),
    ("{{ params.evil }}", "{{ run.id }}"),
    ("<{{ params.evil }}>", "<{{ run.id }}>"),
    ("{{ params.none }}", None),
    ("{{ steps.image.rows[1] }}", 2),
    ("{{ params.times > 2 and params.tag == '1.10' }}", True),
    ("{{ params.tag in ['1.10', '2'] }}", True),
    ("{{ 'many' if params.times > 1 else 'one' }}", "many"),
    ("{{ params.missing | default('x') }}", "x"),
    ("{{ params.missing is defined }}", False),
    ("{{ '}}' }}", "}}"),
    ("no expression }} at all", "no expression }} at all"),
]


@pytest.mark.parametrize(("template", "value"), VALUES)
def test_a_value_is_what_it_says(template: str, value: object) -> None:
    found = resolve(template, SCOPE)

    assert found == value
    assert type(found) is type(value)


REFUSED = [
    "{{ 'a' * 50000000 }}",
    "{{ 'a' ~ 'b' }}",
    "{{ params.tag + 'x' }}",
    "{{ range(9) }}",
    "{{ params.tag.upper() }}",
    "{% for x in y %}{% endfor %}",
    "{% set x = 1 %}",
    "{{ 'a' | center(99999999) }}",
    "{{ params.tag | attr('x') }}",
    "{{ 2 ** 999999 }}",
    "{{ params.tag",
    "{{ }}",
    "{{ " + "(" * 900 + "1" + ")" * 900 + " }}",
    "{{ '" + "a" * 5000 + "' }}",
]
WITHOUT_VALUE = [
    "{{ params.missing }}",
    "x{{ params.missing }}",
    "{{ nothing.at.all }}",
    "{{ params.tag.__class__ }}",
    "{{ steps.image.rows[9] }}",
    "{{ steps.image.rows.append }}",
    "{{ params.keys }}",
    "{{ params.times in params.times }}",
]


@pytest.mark.parametrize("template", [*REFUSED, *WITHOUT_VALUE])
def test_what_is_not_allowed_or_has_no_value_is_a_sentence(template: str) -> None:
    began = time.monotonic()

    with pytest.raises(ExpressionError, match=r"“.*”|longer than|no filter"):
        resolve(template, SCOPE)

    assert time.monotonic() - began < 1


def test_templates_inside_mappings_and_lists_are_replaced() -> None:
    assert resolve({"a": ["{{ params.tag }}", 1], "b": {"c": "{{ run.id }}"}}, SCOPE) == {
        "a": ["1.10", 1],
        "b": {"c": "r1"},
    }


def test_braces_around_a_condition_are_optional() -> None:
    assert resolve(as_template("params.times == 3"), SCOPE) is True
    assert resolve(as_template("{{ params.times == 4 }}"), SCOPE) is False


def test_references_name_every_path() -> None:
    template = {"x": "{{ params.a if steps.b.c else run.id }} {{ params['d'] }}"}

    assert set(references(template)) == {("params", "a"), ("steps", "b", "c"), ("run", "id"), ("params", "d")}


@given(st.text(max_size=60))
def test_any_text_is_a_value_or_a_sentence(text: str) -> None:
    for template in (text, f"{{{{ {text} }}}}"):
        with contextlib.suppress(OpsError):
            resolve(template, SCOPE)


@given(st.text(max_size=40))
def test_what_a_person_typed_is_never_rendered(typed: str) -> None:
    scope = {"params": {"note": typed}}

    assert resolve("{{ params.note }}", scope) == typed
    assert resolve("a {{ params.note }} b", scope) == f"a {typed} b"
