"""Block Kit's rules: refuses the blocks that Slack would refuse, with the place of each fault."""

from collections.abc import Callable, Iterable
from typing import Any

from opsbot.workspace import limits
from opsbot.workspace.errors import ApiError

Json = dict[str, Any]
_SELECTS = {"static", "external", "users", "conversations", "channels"}
_TYPED = {"plain_text_input", "number_input", "email_text_input", "url_text_input"}
_PICKERS = {"datepicker", "timepicker", "datetimepicker"}


class Faults(list[str]):
    """Collected faults, each with its JSON pointer as Slack writes it."""

    def add(self, text: str, at: str) -> None:
        self.append(f"[ERROR] {text} [json-pointer:{at}]")

    def text(self, value: Any, at: str, most: int, *, plain: bool = False) -> None:
        """A text object of 1 to `most` characters."""
        if not isinstance(value, dict) or not isinstance(value.get("text"), str):
            return self.add("must provide a text object", at)
        kinds = ("plain_text",) if plain else ("plain_text", "mrkdwn")
        if value.get("type") not in kinds:
            self.add(f"text type must be one of {', '.join(kinds)}", f"{at}/type")
        return self.string(value["text"], f"{at}/text", most)

    def string(self, value: Any, at: str, most: int) -> None:
        """A string of 1 to `most` characters."""
        if not isinstance(value, str) or not value:
            self.add("must be more than 0 characters", at)
        elif len(value) > most:
            self.add(f"must be less than {most + 1} characters", at)

    def items(self, value: Any, at: str, most: int) -> list[Any]:
        """A list of 1 to `most` items; answers the items."""
        if not isinstance(value, list) or not value:
            self.add("no fewer than 1 items allowed", at)
            return []
        if len(value) > most:
            self.add(f"no more than {most} items allowed", at)
        return value

    def optional(self, holder: Json, keys: Iterable[str], at: str, most: int) -> None:
        """Strings that need not be there."""
        for key in keys:
            if key in holder:
                self.string(holder[key], f"{at}/{key}", most)


def check_message(blocks: Any) -> None:
    """Raise ApiError `invalid_blocks` (or `msg_blocks_too_long`) for blocks that a message cannot have."""
    _check(blocks, limits.MESSAGE_BLOCKS, "invalid_blocks")
    if _length(blocks) > limits.ALL_BLOCKS_TEXT:
        raise ApiError("msg_blocks_too_long")


def check_view(view: Any) -> None:
    """Raise ApiError `invalid_arguments` for a view that cannot be opened."""
    faults = Faults()
    if not isinstance(view, dict) or view.get("type") not in ("modal", "home"):
        raise ApiError("invalid_arguments", response_metadata={"messages": ["[ERROR] view.type is modal or home"]})
    if view["type"] == "modal":
        faults.text(view.get("title"), "/view/title", limits.MODAL_TITLE, plain=True)
        for key in ("submit", "close"):
            if view.get(key) is not None:
                faults.text(view[key], f"/view/{key}", limits.MODAL_TITLE, plain=True)
        has_input = any(isinstance(b, dict) and b.get("type") == "input" for b in view.get("blocks") or [])
        if has_input and not view.get("submit"):
            faults.add("submit is required when there are input blocks", "/view/submit")
    if len(view.get("private_metadata") or "") > limits.PRIVATE_METADATA:
        faults.add("must be less than 3001 characters", "/view/private_metadata")
    if faults:
        raise ApiError("invalid_arguments", response_metadata={"messages": list(faults)})
    _check(view.get("blocks"), limits.VIEW_BLOCKS, "invalid_arguments", "/view/blocks")


def _check(blocks: Any, most: int, code: str, at: str = "/blocks") -> None:
    if not isinstance(blocks, list):
        raise ApiError("invalid_blocks_format")
    faults = Faults()
    if len(blocks) > most:
        faults.add(f"no more than {most} items allowed", at)
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        _block(block, f"{at}/{index}", faults, seen)
    if faults:
        raise ApiError(code, errors=list(faults), response_metadata={"messages": list(faults)})


def _block(block: Any, at: str, faults: Faults, seen: set[str]) -> None:
    if not isinstance(block, dict) or block.get("type") not in _BLOCKS:
        return faults.add(f"unsupported type: {block.get('type') if isinstance(block, dict) else block}", f"{at}/type")
    if block.get("block_id"):
        faults.optional(block, ["block_id"], at, limits.IDENTIFIER)
        if block["block_id"] in seen:
            faults.add("block_id is used twice", f"{at}/block_id")
        seen.add(block["block_id"])
    return _BLOCKS[block["type"]](block, at, faults)


def _section(block: Json, at: str, faults: Faults) -> None:
    if not block.get("text") and not block.get("fields"):
        faults.add("must provide text or fields", at)
    if block.get("text"):
        faults.text(block["text"], f"{at}/text", limits.SECTION_TEXT)
    if "fields" in block:
        for index, field in enumerate(faults.items(block["fields"], f"{at}/fields", limits.SECTION_FIELDS)):
            faults.text(field, f"{at}/fields/{index}", limits.FIELD_TEXT)
    if block.get("accessory"):
        _element(block["accessory"], f"{at}/accessory", faults)


def _header(block: Json, at: str, faults: Faults) -> None:
    faults.text(block.get("text"), f"{at}/text", limits.HEADER_TEXT, plain=True)


def _context(block: Json, at: str, faults: Faults) -> None:
    for index, element in enumerate(faults.items(block.get("elements"), f"{at}/elements", limits.CONTEXT_ELEMENTS)):
        place = f"{at}/elements/{index}"
        if isinstance(element, dict) and element.get("type") == "image":
            _image(element, place, faults)
        else:
            faults.text(element, place, limits.SECTION_TEXT)


def _actions(block: Json, at: str, faults: Faults) -> None:
    seen: set[str] = set()
    for index, element in enumerate(faults.items(block.get("elements"), f"{at}/elements", limits.ACTION_ELEMENTS)):
        place = f"{at}/elements/{index}"
        _element(element, place, faults)
        action = element.get("action_id") if isinstance(element, dict) else None
        if action and action in seen:
            faults.add(f"action_id `{action}` already exists", f"{place}/action_id")
        seen.add(action or "")


def _image(block: Json, at: str, faults: Faults) -> None:
    if not block.get("slack_file"):
        faults.string(block.get("image_url"), f"{at}/image_url", limits.SECTION_TEXT)
    faults.string(block.get("alt_text"), f"{at}/alt_text", limits.ALT_TEXT)


def _input(block: Json, at: str, faults: Faults) -> None:
    faults.text(block.get("label"), f"{at}/label", limits.LABEL_TEXT, plain=True)
    if block.get("hint"):
        faults.text(block["hint"], f"{at}/hint", limits.LABEL_TEXT, plain=True)
    _element(block.get("element"), f"{at}/element", faults)


def _any(block: Json, at: str, faults: Faults) -> None:
    """Nothing of ours to check: a divider, or a rich text that Slack's own client writes."""


_BLOCKS: dict[str, Callable[[Json, str, Faults], None]] = {
    "section": _section,
    "header": _header,
    "context": _context,
    "actions": _actions,
    "image": _image,
    "input": _input,
    "divider": _any,
    "rich_text": _any,
    "file": _any,
}


def _element(element: Any, at: str, faults: Faults) -> None:
    kind = element.get("type", "") if isinstance(element, dict) else ""
    check = _ELEMENTS.get(kind)
    if check is None:
        return faults.add(f"unsupported type: {kind}", f"{at}/type")
    faults.optional(element, ["action_id"], at, limits.IDENTIFIER)
    if element.get("placeholder"):
        faults.text(element["placeholder"], f"{at}/placeholder", limits.PLACEHOLDER_TEXT, plain=True)
    return check(element, at, faults)


def _button(element: Json, at: str, faults: Faults) -> None:
    faults.text(element.get("text"), f"{at}/text", limits.BUTTON_TEXT, plain=True)
    if len(element.get("value") or "") > limits.BUTTON_VALUE:
        faults.add(f"must be less than {limits.BUTTON_VALUE + 1} characters", f"{at}/value")
    if element.get("style") not in (None, "primary", "danger"):
        faults.add("must be one of primary, danger", f"{at}/style")


def _options(most: int) -> Callable[[Json, str, Faults], None]:
    def check(element: Json, at: str, faults: Faults) -> None:
        if "option_groups" in element:
            groups = faults.items(element["option_groups"], f"{at}/option_groups", limits.OPTION_GROUPS)
            for index, group in enumerate(groups):
                _each_option(group.get("options"), f"{at}/option_groups/{index}/options", most, faults)
        else:
            _each_option(element.get("options"), f"{at}/options", most, faults)

    return check


def _each_option(options: Any, at: str, most: int, faults: Faults) -> None:
    for index, option in enumerate(faults.items(options, at, most)):
        faults.text(option.get("text"), f"{at}/{index}/text", limits.OPTION_TEXT)
        faults.string(option.get("value"), f"{at}/{index}/value", limits.OPTION_VALUE)


_ELEMENTS: dict[str, Callable[[Json, str, Faults], None]] = {
    "button": _button,
    "overflow": _options(limits.OVERFLOW_OPTIONS),
    "static_select": _options(limits.SELECT_OPTIONS),
    "multi_static_select": _options(limits.SELECT_OPTIONS),
    "radio_buttons": _options(limits.CHOICE_OPTIONS),
    "checkboxes": _options(limits.CHOICE_OPTIONS),
    "image": _image,
    **{f"{kind}_select": _any for kind in _SELECTS - {"static"}},
    **{f"multi_{kind}_select": _any for kind in _SELECTS - {"static"}},
    **dict.fromkeys(_TYPED | _PICKERS, _any),
}


def _length(value: Any) -> int:
    """Characters of all texts, which Slack limits over a whole message."""
    if isinstance(value, list):
        return sum(_length(item) for item in value)
    if isinstance(value, dict):
        own = len(value["text"]) if isinstance(value.get("text"), str) else 0
        return own + sum(_length(item) for item in value.values())
    return 0
