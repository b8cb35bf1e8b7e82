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
    assert list(forms.missing([TAG, WHY], values)) == ["tag"]
    assert forms.missing([TAG, WHY], forms.state([TAG, WHY], {"tag": "v1"})) == {}


def test_an_element_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(Refused, match="pick"):
        forms.find([TAG], "nothing")
