"""Block Kit's elements: which there are, where each may stand, and what each must look like."""

import re
from collections.abc import Callable
from typing import Any

from opsbot.workspace import limits
from opsbot.workspace.errors import ApiError
from opsbot.workspace.faults import Faults, Json, kind, many, shape

Check = Callable[[Json, str, Faults], None]
_DATE, _TIME = re.compile(r"\d{4}-\d\d-\d\d"), re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_SELECT_KINDS = ("static", "external", "users", "conversations", "channels")
_SELECTS = frozenset(f"{many}{kind}_select" for kind in _SELECT_KINDS for many in ("", "multi_"))
_CHOICES = frozenset({"checkboxes", "radio_buttons"})
_BUTTONS = frozenset({"button", "overflow", "workflow_button"})
_PICKERS = frozenset({"datepicker", "timepicker"})
_TYPED = frozenset({"plain_text_input", "number_input", "email_text_input", "url_text_input", "rich_text_input"})
ALLOWED = {
    "section": _SELECTS | _CHOICES | _BUTTONS | _PICKERS | {"image"},
    "actions": _SELECTS | _CHOICES | _BUTTONS | _PICKERS | {"datetimepicker"},
    "input": _SELECTS | _CHOICES | _PICKERS | _TYPED | {"datetimepicker", "file_input"},
}


def check(element: Any, holder: str, at: str, faults: Faults) -> None:
    """Note the faults of an element that stands in a block of type `holder`."""
    if not isinstance(element, dict) or kind(element) not in ALLOWED[holder]:
        return faults.add(f"unsupported type: {kind(element)}", f"{at}/type")
    faults.optional(element, ["action_id"], at, limits.IDENTIFIER)
    faults.optional_text(element, "placeholder", at, limits.PLACEHOLDER_TEXT)
    if element.get("confirm") is not None:
        _confirm(element["confirm"], f"{at}/confirm", faults)
    return _CHECKS.get(kind(element), _nothing)(element, at, faults)


def check_suggestions(reply: Json) -> None:
    """ApiError `invalid_arguments` for what no external_select could show."""
    faults = Faults()
    key = "option_groups" if reply.get("option_groups") else "options"
    if reply.get(key):  # nothing found is a good answer
        _options(limits.SELECT_OPTIONS)({key: reply[key]}, "", faults)
    if faults:
        raise ApiError("invalid_arguments", response_metadata={"messages": list(faults)})


def image(block: Json, at: str, faults: Faults) -> None:
    """A picture, as element or block: an address or a file, and words for those who do not see it."""
    if not block.get("slack_file"):
        faults.string(block.get("image_url"), f"{at}/image_url", limits.URL)
    faults.string(block.get("alt_text"), f"{at}/alt_text", limits.ALT_TEXT)


def _confirm(value: Any, at: str, faults: Faults) -> None:
    if not isinstance(value, dict):
        return faults.add("must provide an object", at)
    faults.text(value.get("title"), f"{at}/title", limits.CONFIRM_TITLE, plain=True)
    faults.text(value.get("text"), f"{at}/text", limits.CONFIRM_TEXT)
    faults.optional_text(value, "confirm", at, limits.CONFIRM_BUTTON)
    faults.optional_text(value, "deny", at, limits.CONFIRM_BUTTON)
    return faults.one_of(value, "style", at, ("primary", "danger"))


def _button(element: Json, at: str, faults: Faults) -> None:
    faults.text(element.get("text"), f"{at}/text", limits.BUTTON_TEXT, plain=True)
    faults.string(element.get("value") or "", f"{at}/value", limits.BUTTON_VALUE, least=0)
    faults.optional(element, ["url"], at, limits.URL)
    faults.optional(element, ["accessibility_label"], at, limits.BUTTON_TEXT)
    faults.one_of(element, "style", at, ("primary", "danger"))


def _options(most: int) -> Check:
    def look(element: Json, at: str, faults: Faults) -> None:
        if "option_groups" in element:
            groups = faults.items(element["option_groups"], f"{at}/option_groups", limits.OPTION_GROUPS)
            for index, group in enumerate(groups):
                place = f"{at}/option_groups/{index}"
                faults.text(shape(group).get("label"), f"{place}/label", limits.OPTION_TEXT, plain=True)
                _each_option(shape(group).get("options"), f"{place}/options", most, faults)
        else:
            _each_option(element.get("options"), f"{at}/options", most, faults)
        _initial(element, at, faults)

    return look


def _each_option(options: Any, at: str, most: int, faults: Faults) -> None:
    for index, option in enumerate(faults.items(options, at, most)):
        place = f"{at}/{index}"
        if not isinstance(option, dict):
            faults.add("must provide an object", place)
            continue
        faults.text(option.get("text"), f"{place}/text", limits.OPTION_TEXT)
        faults.string(option.get("value"), f"{place}/value", limits.OPTION_VALUE)
        if option.get("description") is not None:
            faults.text(option["description"], f"{place}/description", limits.OPTION_DESCRIPTION)


def _initial(element: Json, at: str, faults: Faults) -> None:
    """What is chosen at the start must be one of the options."""
    groups = map(shape, many(element.get("option_groups")))
    lists = [many(element.get("options")), *(many(group.get("options")) for group in groups)]
    known = [shape(option).get("value") for options in lists for option in options]
    if element.get("initial_option") is not None and shape(element["initial_option"]).get("value") not in known:
        faults.add("initial_option must match one of the options", f"{at}/initial_option")
    for index, chosen in enumerate(many(element.get("initial_options"))):
        if shape(chosen).get("value") not in known:
            faults.add("initial_options must match the options", f"{at}/initial_options/{index}")


def _many_options(element: Json, at: str, faults: Faults) -> None:
    _options(limits.SELECT_OPTIONS)(element, at, faults)
    faults.whole(element, "max_selected_items", at, 1, limits.SELECT_OPTIONS)


def _external(element: Json, at: str, faults: Faults) -> None:
    faults.whole(element, "min_query_length", at, 0, limits.INPUT_TEXT)


def _many(element: Json, at: str, faults: Faults) -> None:
    faults.whole(element, "max_selected_items", at, 1, limits.SELECT_OPTIONS)


def _typed(element: Json, at: str, faults: Faults) -> None:
    faults.whole(element, "min_length", at, 0, limits.INPUT_TEXT)
    faults.whole(element, "max_length", at, 1, limits.INPUT_TEXT)
    least, most = element.get("min_length"), element.get("max_length")
    if isinstance(least, int) and isinstance(most, int) and least > most:
        faults.add("min_length must be less than or equal to max_length", f"{at}/min_length")


def _number(element: Json, at: str, faults: Faults) -> None:
    if not isinstance(element.get("is_decimal_allowed"), bool):
        faults.add("missing required field: is_decimal_allowed", at)


def _matching(key: str, pattern: re.Pattern[str], words: str) -> Check:
    def look(element: Json, at: str, faults: Faults) -> None:
        value = element.get(key)
        if value is not None and not (isinstance(value, str) and pattern.fullmatch(value)):
            faults.add(f"must be {words}", f"{at}/{key}")

    return look


def _moment(element: Json, at: str, faults: Faults) -> None:
    value = element.get("initial_date_time")
    if value is not None and not (isinstance(value, int) and len(str(value)) == 10):
        faults.add("must be a UNIX timestamp of 10 digits", f"{at}/initial_date_time")


def _files(element: Json, at: str, faults: Faults) -> None:
    faults.whole(element, "max_files", at, 1, limits.FILES)
    kinds = element.get("filetypes")
    if kinds is not None and not (isinstance(kinds, list) and all(isinstance(one, str) for one in kinds)):
        faults.add("must provide a list of strings", f"{at}/filetypes")


def _nothing(element: Json, at: str, faults: Faults) -> None:
    """No rules but those that all elements share."""


_CHECKS: dict[str, Check] = {
    "button": _button,
    "overflow": _options(limits.OVERFLOW_OPTIONS),
    "static_select": _options(limits.SELECT_OPTIONS),
    "multi_static_select": _many_options,
    "external_select": _external,
    "multi_external_select": _external,
    "multi_users_select": _many,
    "multi_conversations_select": _many,
    "multi_channels_select": _many,
    "radio_buttons": _options(limits.CHOICE_OPTIONS),
    "checkboxes": _options(limits.CHOICE_OPTIONS),
    "image": image,
    "plain_text_input": _typed,
    "number_input": _number,
    "datepicker": _matching("initial_date", _DATE, "a date as YYYY-MM-DD"),
    "timepicker": _matching("initial_time", _TIME, "a time as HH:mm"),
    "datetimepicker": _moment,
    "file_input": _files,
}
