"""Dialogs' values, in the shapes the bot reads."""

from typing import Any

import pytest

from opsbot.workspace import forms
from opsbot.workspace.errors import Refused


def option(value: str) -> dict[str, Any]:
    return {"text": {"type": "plain_text", "text": value}, "value": value}


TAG = {
    "type": "input",
    "block_id": "tag",
    "element": {"type": "static_select", "action_id": "pick", "options": [option("v1"), option("v2")]},
}
WHY = {"type": "input", "block_id": "why", "optional": True, "element": {"type": "plain_text_input", "action_id": "w"}}
MODE = {
    "type": "section",
    "block_id": "mode",
    "accessory": {
        "type": "radio_buttons",
        "action_id": "m",
        "options": [option("now"), option("later")],
        "initial_option": option("later"),
    },
}


def test_every_input_is_present_and_empty_ones_are_null() -> None:
    values = forms.state([TAG, WHY, MODE], {})
    assert values["tag"]["pick"] == {"type": "static_select", "selected_option": None}
    assert values["why"]["w"] == {"type": "plain_text_input", "value": None}
    assert values["mode"]["m"]["selected_option"]["value"] == "later"


@pytest.mark.parametrize("given", [{"tag": "v2"}, {"pick": "v2"}, {"tag": {"pick": "v2"}}])
def test_values_are_given_by_block_by_action_or_by_both(given: dict[str, Any]) -> None:
    assert forms.state([TAG], given)["tag"]["pick"]["selected_option"] == option("v2")


def test_an_option_that_is_not_offered_is_refused() -> None:
    with pytest.raises(Refused, match="no option 'v3'"):
        forms.state([TAG], {"tag": "v3"})


def test_only_required_inputs_must_be_filled_in() -> None:
    values = forms.state([TAG, WHY], {})
    assert list(forms.faults([TAG, WHY], values)) == ["tag"]
    assert forms.faults([TAG, WHY], forms.state([TAG, WHY], {"tag": "v1"})) == {}


def test_an_element_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(Refused, match="pick"):
        forms.find([TAG], "nothing")


def field(element: dict[str, Any]) -> dict[str, Any]:
    return {"type": "input", "block_id": "f", "element": {"action_id": "a", **element}}


@pytest.mark.parametrize(
    ("element", "value", "fault"),
    [
        ({"type": "plain_text_input", "min_length": 3}, "ab", "at least 3"),
        ({"type": "plain_text_input", "max_length": 3}, "abcd", "at most 3"),
        ({"type": "plain_text_input"}, "x" * 3001, "at most 3000"),
        ({"type": "number_input", "is_decimal_allowed": False}, "1.5", "whole number"),
        ({"type": "number_input", "is_decimal_allowed": True}, "many", "Enter a number"),
        ({"type": "number_input", "is_decimal_allowed": True, "min_value": "2"}, "1.5", "2 or more"),
        ({"type": "number_input", "is_decimal_allowed": True, "max_value": "2"}, "2.5", "2 or less"),
        ({"type": "email_text_input"}, "alice", "email address"),
        ({"type": "url_text_input"}, "example.com", "begins with http"),
        ({"type": "multi_users_select", "max_selected_items": 1}, ["U1", "U2"], "at most 1"),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field(element: dict[str, Any], value: Any, fault: str) -> None:
    blocks = [field(element)]
    assert fault in forms.faults(blocks, forms.state(blocks, {"a": value}))["f"]


@pytest.mark.parametrize(
    ("element", "value"),
    [
        ({"type": "plain_text_input", "min_length": 2, "max_length": 3}, "abc"),
        ({"type": "number_input", "is_decimal_allowed": False, "min_value": "1", "max_value": "9"}, "5"),
        ({"type": "email_text_input"}, "alice@example.com"),
        ({"type": "url_text_input"}, "https://example.com/x"),
        ({"type": "datepicker"}, "2026-11-20"),
        ({"type": "datetimepicker"}, 1763620000),
    ],
)
def test_what_can_be_passes(element: dict[str, Any], value: Any) -> None:
    blocks = [field(element)]
    assert forms.faults(blocks, forms.state(blocks, {"a": value})) == {}


@pytest.mark.parametrize(
    ("element", "held"),
    [
        ({"type": "multi_users_select", "initial_users": ["U1"]}, {"selected_users": ["U1"]}),
        ({"type": "external_select", "initial_option": option("v2")}, {"selected_option": option("v2")}),
        ({"type": "users_select", "initial_user": "U1"}, {"selected_user": "U1"}),
        ({"type": "datetimepicker", "initial_date_time": 1763620000}, {"selected_date_time": 1763620000}),
        (
            {"type": "checkboxes", "options": [option("a")], "initial_options": [option("a")]},
            {"selected_options": [option("a")]},
        ),
        ({"type": "rich_text_input"}, {"rich_text_value": None}),
    ],
)
def test_an_untouched_element_holds_what_it_began_with(element: dict[str, Any], held: dict[str, Any]) -> None:
    assert forms.state([field(element)], {})["f"]["a"] == {"type": element["type"], **held}


def test_a_chosen_conversation_gives_a_response_url_where_it_was_asked_for() -> None:
    blocks = [field({"type": "conversations_select", "response_url_enabled": True})]
    assert forms.response_urls(blocks, forms.state(blocks, {"a": "C01OPS"})) == [("f", "a", "C01OPS")]
    assert forms.response_urls(blocks, forms.state(blocks, {})) == []
