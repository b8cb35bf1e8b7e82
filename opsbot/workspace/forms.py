"""Interactive elements: finding one in blocks, and turning what a person chose into Slack's action and state shapes."""

from collections.abc import Iterator
from typing import Any

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
    return {"value": value}


def initial(element: Json) -> Any:
    """What an element holds before anybody touched it, as `chosen` takes it."""
    kind = element["type"]
    if kind in _ONE_OPTION:
        return element.get("initial_option", {}).get("value")
    if kind in _MANY_OPTIONS:
        return [option["value"] for option in element.get("initial_options", [])]
    key = _ONE_ID[kind].replace("selected", "initial") if kind in _ONE_ID else "initial_value"
    return element.get(key)


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


def missing(blocks: list[Json], values: Json) -> Json:
    """Required inputs that are empty: {block_id: sentence}. Slack's client checks these before it submits."""
    faults: Json = {}
    for block, element in elements(blocks):
        if block.get("type") != "input" or block.get("optional"):
            continue
        entry = values[block["block_id"]][element["action_id"]]
        if not any(value for key, value in entry.items() if key != "type"):
            faults[block["block_id"]] = "Please complete this required field."
    return faults


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
