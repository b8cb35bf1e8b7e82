"""Interactive elements: finding one in blocks, and turning what a person chose into Slack's action and state shapes."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from opsbot.workspace import limits
from opsbot.workspace.errors import Refused
from opsbot.workspace.records import Json

_ONE_ID = {
    "users_select": "selected_user",
    "channels_select": "selected_channel",
    "conversations_select": "selected_conversation",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
}
_ONE_OPTION = {"static_select", "external_select", "radio_buttons", "overflow"}
_MANY_OPTIONS = {"checkboxes", "multi_static_select", "multi_external_select"}
_OTHER = {"rich_text_input": "rich_text_value", "file_input": "files"}
_STATELESS = {"button", "overflow", "image", "workflow_button"}


def elements(blocks: list[Json]) -> Iterator[tuple[Json, Json]]:
    """Every (block, element) that a person can act on, in order."""
    for block in blocks:
        held = [block.get("accessory"), block.get("element")]
        held += block["elements"] if block.get("type") == "actions" else []
        for element in held:
            if isinstance(element, dict) and element.get("type") != "image":
                yield block, element


def find(blocks: list[Json], action_id: str, block_id: str | None = None) -> tuple[Json, Json]:
    """The element with this action_id; Refused when the message has none."""
    for block, element in elements(blocks):
        if element.get("action_id") == action_id and block_id in (None, block["block_id"]):
            return block, element
    known = [element.get("action_id") for _, element in elements(blocks)]
    raise Refused(f"There is no element with the action_id {action_id!r} here; there are: {known}.")


def action(block: Json, element: Json, value: Any, ts: str) -> Json:
    """One entry of `actions` in a block_actions payload."""
    shape: Json = {"type": element["type"], "action_id": element["action_id"], "block_id": block["block_id"]}
    if element["type"] == "button":
        shape |= {key: element[key] for key in ("text", "value", "style", "url") if key in element}
    else:
        shape |= chosen(element, value)
    return shape | {"action_ts": ts}


def chosen(element: Json, value: Any) -> Json:
    """An element's value as `state.values` and `actions` carry it; null where nothing was chosen."""
    kind = element["type"]
    if kind in _ONE_OPTION:
        return {"selected_option": None if value is None else _option(element, value)}
    if kind in _MANY_OPTIONS:
        return {"selected_options": [_option(element, one) for one in value or []]}
    if kind in _ONE_ID:
        return {_ONE_ID[kind]: value}
    if kind.startswith("multi_"):
        return {f"selected_{kind.split('_')[1]}": value or []}
    return {_OTHER.get(kind, "value"): value}


def initial(element: Json) -> Any:
    """What an element holds before anybody touched it, as `chosen` takes it."""
    kind = element["type"]
    if kind in _ONE_OPTION:
        return element.get("initial_option")
    if kind in _MANY_OPTIONS:
        return element.get("initial_options") or []
    if kind in _ONE_ID:
        return element.get(_ONE_ID[kind].replace("selected", "initial"))
    if kind.startswith("multi_"):
        return element.get(f"initial_{kind.split('_')[1]}") or []
    return element.get("initial_value")


def keeps_state(element: Json) -> bool:
    """Whether `state.values` has an entry for this element."""
    return element["type"] not in _STATELESS


def merged(values: Json, more: Json) -> Json:
    """`values` with the entries of `more` laid over them, both {block_id: {action_id: value}}."""
    both = dict(values)
    for block_id, given in more.items():
        before = both.get(block_id)
        both[block_id] = (before if isinstance(before, dict) else {}) | given
    return both


def state(blocks: list[Json], values: Json) -> Json:
    """`state.values`: every stateful element, from `values` or else its initial value.

    `values` is {block_id: {action_id: value}}, or flat: {action_id or block_id: value}.
    """
    found: Json = {}
    for block, element in elements(blocks):
        if not keeps_state(element):
            continue
        value = _given(values, block["block_id"], element["action_id"], initial(element))
        value = None if value == "" else value
        entry = {"type": element["type"], **chosen(element, value)}
        found.setdefault(block["block_id"], {})[element["action_id"]] = entry
    return found


def faults(blocks: list[Json], values: Json) -> Json:
    """What Slack's client refuses before it submits: {block_id: sentence} of inputs that are empty or out of range."""
    found: Json = {}
    for block, element in elements(blocks):
        if block.get("type") != "input":
            continue
        entry = values[block["block_id"]][element["action_id"]]
        value = next((value for key, value in entry.items() if key != "type" and value not in (None, "", [])), None)
        if value is None:
            fault = "" if block.get("optional") else "Please complete this required field."
        else:
            fault = _CHECKS.get(element["type"], _fine)(element, value)
        if fault:
            found[block["block_id"]] = fault
    return found


def response_urls(blocks: list[Json], values: Json) -> list[tuple[str, str, str]]:
    """(block_id, action_id, channel) of the chosen conversations that the bot asked a response_url for."""
    found = []
    for block, element in elements(blocks):
        if block.get("type") == "input" and element.get("response_url_enabled") and element["type"] in _ONE_ID:
            channel = values[block["block_id"]][element["action_id"]][_ONE_ID[element["type"]]]
            found += [(block["block_id"], element["action_id"], channel)] if channel else []
    return found


def _text_fault(element: Json, value: Any) -> str:
    least, most = element.get("min_length") or 0, element.get("max_length") or limits.INPUT_TEXT
    if len(str(value)) < least:
        return f"Must be at least {least} characters."
    return f"Must be at most {most} characters." if len(str(value)) > most else ""


def _number_fault(element: Json, value: Any) -> str:
    try:
        number = float(value)
    except ValueError:
        return "Enter a number."
    if not element["is_decimal_allowed"] and not number.is_integer():
        return "Enter a whole number."
    if number < float(element.get("min_value", number)):
        return f"Must be {element['min_value']} or more."
    return f"Must be {element['max_value']} or less." if number > float(element.get("max_value", number)) else ""


def _email_fault(element: Json, value: Any) -> str:
    return "" if re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", str(value)) else "Enter an email address."


def _url_fault(element: Json, value: Any) -> str:
    return "" if re.fullmatch(r"https?://\S+", str(value)) else "Enter an address that begins with http:// or https://."


def _many_fault(element: Json, value: Any) -> str:
    most = element.get("max_selected_items") or limits.SELECT_OPTIONS
    return f"Choose at most {most}." if len(value) > most else ""


def _fine(element: Json, value: Any) -> str:
    return ""


_CHECKS: dict[str, Callable[[Json, Any], str]] = {
    "plain_text_input": _text_fault,
    "number_input": _number_fault,
    "email_text_input": _email_fault,
    "url_text_input": _url_fault,
    **{f"multi_{kind}_select": _many_fault for kind in ("static", "external", "users", "conversations", "channels")},
}


def _given(values: Json, block_id: str, action_id: str, otherwise: Any) -> Any:
    nested = values.get(block_id)
    if isinstance(nested, dict) and action_id in nested:
        return nested[action_id]
    if block_id in values and not isinstance(nested, dict):
        return nested
    return values.get(action_id, otherwise)


def _option(element: Json, value: Any) -> Json:
    if isinstance(value, dict):
        return value
    options = list(element.get("options", []))
    options += [option for group in element.get("option_groups", []) for option in group["options"]]
    for option in options:
        if option["value"] == value:
            return dict(option)
    if element["type"].endswith("external_select"):
        return {"text": {"type": "plain_text", "text": str(value)}, "value": str(value)}
    raise Refused(f"There is no option {value!r} in {element['action_id']!r}.")
